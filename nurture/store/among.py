"""Whether a text is one of many, on SQLite and PostgreSQL alike."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, JSON, Boolean, ColumnElement, Dialect, String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator


class Among(ColumnElement[bool]):
    """Whether the text `column` is one of the texts bound as `name`, one parameter however many there are:
    an IN with a parameter each is another statement for each number of them, and slow to make."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - so SQLAlchemy has it
        ("column", InternalTraversal.dp_clauseelement),
        ("texts", InternalTraversal.dp_clauseelement),
    ]
    type = Boolean()

    def __init__(self, column: Any, name: str) -> None:
        self.column = column
        self.texts = bindparam(name, type_=_Texts())

    def self_group(self, against: Any = None) -> "Among":
        """It stands in a WHERE as it is. SQLAlchemy would write `= 1` behind it for SQLite, and no index
        would be looked at."""
        return self


class _Texts(TypeDecorator[Sequence[str]]):
    """An array where there are arrays, else JSON."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        array = dialect.name == "postgresql"
        return dialect.type_descriptor(ARRAY(String) if array else JSON())


@compiles(Among)
def _any(element: Among, compiler: Any, **kw: Any) -> str:
    column, texts = compiler.process(element.column, **kw), compiler.process(element.texts, **kw)
    return f"{column} = ANY({texts})"


@compiles(Among, "sqlite")
def _each(element: Among, compiler: Any, **kw: Any) -> str:
    column, texts = compiler.process(element.column, **kw), compiler.process(element.texts, **kw)
    return f"{column} IN (SELECT value FROM json_each({texts}))"
