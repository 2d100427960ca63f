"""On PostgreSQL a row that is locked is as it is now, not as it was when this transaction read it before.

SQLAlchemy keeps what it knows of a row, also when the row is read again to be locked, and what another transaction
wrote in between would be written over unseen. SQLite lets nobody write in between.
"""

from sqlalchemy import Select, event
from sqlalchemy.orm import ORMExecuteState, Session


class FreshSession(Session):
    """What it changed itself and did not write yet is written before a row is read anew."""


def _read_anew(state: ORMExecuteState) -> None:
    statement = state.statement
    if (
        isinstance(statement, Select) and statement._for_update_arg is not None
    ):  # no public word for it
        state.update_execution_options(populate_existing=True)


event.listen(FreshSession, "do_orm_execute", _read_anew)
