"""The agreement in figures, from what leads and sales really did."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from commands import summary
from nurture.delivery.reporting import report_mail
from nurture.domain.errors import InputError
from nurture.domain.reporting import ReportPlan
from nurture.domain.sla import Promise, State
from nurture.figures import BRIEF, Question
from nurture.incoming import Answer
from nurture.ports import Mail
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.web.dashboard.reports import lines
from tests.support.domain import DAY, HOUR, NOW
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.world import OneBook, World

PERSONAS = Promise(20, 5, 40_000, "DKK", 30 * DAY, personas={"pro": 2})


async def _played(db: Database, shelf: OneBook | None = None) -> World:
    """Anna is won after five hours, Bo rejected; both asked for a demo on a day in March."""
    world = World(db, shelf)
    for name in ("anna", "bo"):
        email = f"{name}@example.org"
        await world.tell("page", email=email, traits={"occupation": "pro"})
        await world.tell("demo_requested", email=email, at=NOW + HOUR)
    anna, bo = await world.rows(HandoverRow)
    later = NOW + 6 * HOUR
    await world.desk.answer(anna.id, Answer(State.CONTACTED, later, how="call"))
    await world.desk.answer(anna.id, Answer(State.WON, later, amount=41_000, currency="DKK"))
    await world.desk.answer(bo.id, Answer(State.REJECTED, later, reason="no budget"))
    return world


async def test_rejects_are_told_by_reason_and_by_what_qualified_the_lead(db: Database) -> None:
    told = (await (await _played(db)).reports.report(NOW + DAY))["rejects"]
    assert told["reasons"] == {"no budget": 1}
    rules = {each["title"]: (each["rejected"], each["handovers"]) for each in told["rules"]}
    assert rules["Asked for a demo"] == (1, 2)
    assert [each["title"] for each in told["triggers"]] == ["Score"]


async def test_both_promises_are_told_with_where_the_month_will_end(db: Database) -> None:
    told = await (await _played(db)).reports.report(NOW + DAY)
    assert told["period"]["name"] == "2026-03"
    assert told["promises"]["customers"]["so_far"] == 1
    assert told["promises"]["customers"]["forecast"] == 7
    assert told["promises"]["customers"]["kept"]
    assert told["promises"]["average_revenue"]["so_far"] == 41_000
    assert told["contact"]["p50"] == 5.0


async def test_a_persona_has_a_promise_of_its_own(db: Database) -> None:
    shelf = OneBook(playbook(promise=PERSONAS))
    told = await (await _played(db, shelf)).reports.report(NOW + DAY)
    assert told["persona_promises"]["pro"]["target"] == 2
    assert told["persona_promises"]["pro"]["title"] == "Professional"


@pytest.mark.parametrize("by", ["persona", "source", "flow", "owner"])
async def test_the_groups_of_a_dimension_add_up_to_all(db: Database, by: str) -> None:
    told = await (await _played(db)).reports.report(NOW + DAY, Question(by=by))
    for figure in ("visits", "leads", "mqls", "sqls", "customers", "revenue"):
        assert sum(row[figure] for row in told["groups"]) == told["figures"][figure]
    for figure in ("handovers", "kept", "rejected"):
        assert sum(row[figure] for row in told["groups"]) == told["contact"][figure]


@pytest.mark.parametrize("by", ["", "persona", "month"])
async def test_other_currencies_are_told_apart_wherever_revenue_is(db: Database, by: str) -> None:
    world = await _played(db)
    euros = {"amount": 6_000, "currency": "EUR"}
    await world.tell("order_completed", at=NOW + 7 * HOUR, properties=euros)
    told = await world.reports.summary(NOW + DAY, Question(by=by))
    assert (told["figures"]["revenue"], told["other_revenue"]) == (41_000, {"EUR": 6_000})
    assert [row["other_revenue"] for row in told["groups"] if row["leads"]] == (
        [{"EUR": 6_000}] if by else []
    )
    *_, last = csv.DictReader(io.StringIO(lines(told)))
    assert (last["revenue"], last["other_revenue"]) == ("41000", "6000 EUR")
    assert "revenue, EUR │ 6,000" in " ".join(_printed(told).split())
    mail = _mailed(told)
    assert "Revenue: 41,000 DKK\n  Revenue: 6,000 EUR\n" in mail.text
    assert "EUR" in mail.html


async def test_on_the_terminal_a_month_has_its_own_answers_of_sales(db: Database) -> None:
    world = await _played(db)
    for month, only, kept in (
        ("2026-03", {}, 2),
        ("2026-03", {"persona": "student"}, 0),
        ("2026-02", {}, 0),
    ):
        told = await world.reports.summary(NOW + DAY, Question(month, only=only))
        ever, asked = _printed(told).split(f"{month}-01 to")
        assert "All leads, now and since the beginning" in ever
        assert "kept │ 2" in " ".join(ever.split())
        assert f"contact kept │ {kept}" in " ".join(asked.split())
        assert ("persona student" in asked) == bool(only)


@pytest.mark.parametrize(
    ("title", "begins"),
    [
        ("The month", "The month 2026-03 · "),
        ("On and\non " * 9, "On and on On and on On and on On and on On and on… 2026"),
    ],
)
async def test_a_reports_mail_bears_its_title(db: Database, title: str, begins: str) -> None:
    mail = _mailed(await World(db).reports.report(NOW), title)
    assert mail.subject.startswith(begins)
    assert len(mail.subject) < 78
    assert f">{title}</h1>" in mail.html
    assert mail.text.startswith(f"Courses A/S: {title}")


def _mailed(told: dict[str, Any], title: str = "The month") -> Mail:
    plan, sender = ReportPlan("monthly", title, "month"), PLAYBOOK.senders["courses"]
    return report_mail("r1", "line@courses.example", plan, told, PLAYBOOK.company, sender)


def _printed(told: dict[str, Any]) -> str:
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(summary.tables(told))
    return console.export_text()


async def test_another_month_knows_nothing_of_it(db: Database) -> None:
    world = await _played(db)
    told = await world.reports.report(NOW + DAY, Question(month="2026-02"))
    assert (told["figures"]["leads"], told["contact"]["handovers"]) == (0, 0)
    months = (await world.reports.report(NOW + DAY, Question(by="month")))["groups"]
    assert [row["leads"] for row in months] == [0] * 11 + [2]


async def test_an_order_that_is_told_late_counts_in_its_month_and_a_later_join_moves_nothing(
    db: Database,
) -> None:
    world, april = World(db), NOW + 30 * DAY
    await world.tell("page")
    await world.tell("demo_requested", at=april, traits={"occupation": "pro"})
    bought = {"amount": 40_000, "currency": "DKK"}
    await world.tell("order_completed", at=NOW + DAY, properties=bought)

    async def told() -> list[tuple[int, int]]:
        asked = [Question(month) for month in ("2026-03", "2026-04")]
        found = [(await world.reports.report(april, each))["figures"] for each in asked]
        return [(each["mqls"], each["customers"]) for each in found]

    assert await told() == [(1, 1), (0, 0)]
    await world.tell("page", email=None, anonymous_id="phone", at=april)
    await world.tell("page", anonymous_id="phone", at=april)
    assert await told() == [(1, 1), (0, 0)]


@pytest.mark.parametrize("only", [{}, {"persona": "pro"}, {"source": "site"}])
async def test_months_in_brief_are_told_as_the_whole_ones_are(
    db: Database, only: dict[str, str]
) -> None:
    world, asked = await _played(db), Question(by="month", only=only)
    whole = (await world.reports.report(NOW + DAY, asked))["groups"]
    brief = (await world.reports.report(NOW + DAY, asked, brief=True))["groups"]
    assert brief == [{name: row[name] for name in BRIEF} for row in whole]
    assert whole[-1]["visits"] == 2


async def test_under_a_compressed_clock_the_last_stretch_counts(db: Database) -> None:
    pace = timedelta(minutes=1)
    shelf = OneBook(playbook(promise=Promise(1, 1, 1, "DKK", 30 * pace), day=pace))
    world = await _played(db, shelf)
    assert (await world.reports.report(NOW + 6 * HOUR + pace))["promises"]["customers"]["so_far"]
    in_sight = await world.reports.report(NOW + 8 * HOUR)
    assert in_sight["promises"]["customers"]["so_far"]
    await world.tell("page", at=NOW + 8 * HOUR)
    later = await world.reports.report(NOW + 8 * HOUR)
    assert later["promises"]["customers"]["so_far"] == 0


async def test_filters_combine_and_then_no_promise_is_told(db: Database) -> None:
    world = await _played(db)
    [anna] = [row for row in await world.rows(HandoverRow) if row.state == State.WON]
    only = {"source": "site", "owner": anna.owner}
    told = await world.reports.report(NOW + DAY, Question(by="persona", only=only))
    assert told["figures"]["customers"] == told["contact"]["handovers"] == 1
    assert told["figures"]["revenue"] == 41_000
    assert sum(row["visits"] for row in told["groups"]) == told["figures"]["visits"]
    assert told["promises"] == {}
    nobody = await world.reports.report(NOW + DAY, Question(only={**only, "persona": "student"}))
    assert nobody["figures"]["leads"] == nobody["contact"]["handovers"] == 0


async def test_what_figures_cannot_be_split_by_is_said(db: Database) -> None:
    with pytest.raises(InputError, match="persona, source, flow, owner, month"):
        await World(db).reports.report(NOW, Question(by="weather"))
