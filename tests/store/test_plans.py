"""Nothing that happens by the minute reads through a table that grows with the leads.

`make bench ARGS=plans` asks the same of a million leads, and how long each statement takes there.
"""

import re
from pathlib import Path

import pytest

from bench import plans
from bench.plans import Statement
from bench.seldom import COUNTED
from nurture.store.database import Database
from tests.support.domain import NOW
from tests.support.emptied import Emptied

ASKED = "SELECT enrolment.lead_id, enrolment.listens"


@pytest.fixture
def emptied(emptied: Emptied) -> Emptied:
    """With tables of which the planner knows nothing yet."""
    emptied.discard()
    return emptied


async def test_every_statement_of_the_running_product_goes_by_an_index(db: Database) -> None:
    found = await plans.explained(db, NOW, few=True)
    assert len(found) > 200
    hot = [plan for plan in found if plan.statement.of != COUNTED]
    assert [(plan.statement.sql, plan.reads) for plan in hot if plan.scans] == []


async def test_one_that_does_not_is_noticed(db: Database) -> None:
    careless = Statement("the test", "SELECT id FROM touch AS t WHERE source = 'site'", ())
    assert (await plans.plan_of(db, careless, few=True)).scans == ("touch",)


async def test_one_that_looks_for_what_nearly_all_leads_are_is_noticed(
    sqlite_template: Path,
) -> None:
    """SQLite alone does so: it takes any index for a good one."""
    db = Database(f"sqlite+aiosqlite:///{sqlite_template}")
    theirs = "SELECT email FROM lead WHERE merged_into IS NULL AND erased_at IS NULL AND fit = 1"
    assert (await plans.plan_of(db, Statement("the test", theirs, ()))).scans == ("lead",)
    await db.close()


async def test_what_is_looked_for_piece_by_piece_goes_by_the_index_made_for_it(
    db: Database,
) -> None:
    """A line for a sender's day, before each of its mails, among what is held; whom a platform took longest ago, and
    who leaves a list that is given up, where the piece before ended; visitors by their age."""
    found = await plans.explained(db, NOW, few=True)

    def others(asked: str, index: str, number: int) -> list[tuple[str, ...]]:
        plans_ = [plan for plan in found if asked in plan.statement.sql]
        assert len(plans_) == number, asked
        return [plan.reads for plan in plans_ if not re.search(index, plan.reads[0])]

    assert others("enrolment.held =", "ix_enrolment_held", 3) == []
    assert others("audience_member.confirmed_at <", "ix_audience_confirmed", 2) == []
    assert others("ORDER BY lead.created_at", "ix_lead_stage", 1) == []
    if db.sqlite:  # PostgreSQL knows nothing of these rows and takes any index of the list
        owed = "ix_audience_(objects|leaving|counts|owed)"
        assert others("ORDER BY audience_member.next_try_at", owed, 5) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_runs_listen_for_is_read_without_their_rows(db: Database) -> None:
    """Every touch of a known lead asks. On PostgreSQL the row is read."""
    found = await plans.explained(db, NOW)
    asked = [plan for plan in found if plan.statement.sql.startswith(ASKED)]
    assert [plan.reads[0] for plan in asked] == [
        "SEARCH enrolment USING COVERING INDEX ix_enrolment_listens (lead_id=?)"
    ]
