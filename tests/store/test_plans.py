"""Nothing that happens by the minute reads through a table that grows with the leads.

`make bench ARGS=plans` asks the same of a million leads, and how long each statement takes there.
"""

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


async def test_a_line_for_a_senders_day_is_found_among_what_is_held(db: Database) -> None:
    """Before each of its mails: not among all runs that the flow ever had."""
    found = await plans.explained(db, NOW, few=True)
    lines = [plan for plan in found if "enrolment.held =" in plan.statement.sql]
    assert len(lines) >= 2
    assert [plan.reads for plan in lines if "ix_enrolment_held" not in plan.reads[0]] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_runs_listen_for_is_read_without_their_rows(db: Database) -> None:
    """Every touch of a known lead asks. On PostgreSQL the row is read."""
    found = await plans.explained(db, NOW)
    asked = [plan for plan in found if plan.statement.sql.startswith(ASKED)]
    assert [plan.reads[0] for plan in asked] == [
        "SEARCH enrolment USING COVERING INDEX ix_enrolment_listens (lead_id=?)"
    ]
