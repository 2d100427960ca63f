"""The nightly comparison over a real database, and a Temporal that says what a test wants it to say."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import inspect, update

from nurture.domain.lead import Condition
from nurture.domain.sla import State
from nurture.incoming import Answer
from nurture.store import ad_lists, audiences, calls, handovers, messages, upkeep, wakeups
from nurture.store.audience_tables import AdRequestRow, AudienceMemberRow, AudienceRow
from nurture.store.backlog import REPORT
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow, NoticeRow
from nurture.store.tables import (
    CallRow,
    ClickRow,
    EnrolmentRow,
    LeadRow,
    MessageRow,
    ReportSentRow,
)
from nurture.store.upkeep_tables import DriftRow
from nurture.store.wakeups import ENROLMENT, HANDOVER
from nurture.upkeep.reconciling import GRACE, IDLE, LOST, OVERDUE, Reconciling
from tests.support.domain import DAY, HOUR, NEVER_TRUE, NOW
from tests.support.world import World


@dataclass
class Listed:
    """Temporal's list: of each kind the keys that run."""

    keys: dict[str, set[str]] = field(default_factory=dict)
    asked: int = 0

    async def running(self, kind: str, keys: Sequence[str]) -> set[str]:
        self.asked += 1
        return set(keys) & self.keys.get(kind, set())

    async def page(self, kind: str, after: str) -> tuple[list[str], str]:
        found = sorted(self.keys.get(kind, set()))
        start = int(after or 0)
        following = str(start + 2) if start + 2 < len(found) else ""
        return found[start : start + 2], following


class Night:
    """Leads in flows and with sales, and everything that should run running."""

    def __init__(self, db: Database) -> None:
        self.world = World(db)
        self.listed = Listed()
        self.reconciling = Reconciling(self.world.outbox, self.world.shelf, self.listed)

    async def begin(self) -> None:
        for n in range(3):
            await self.world.tell("form_submitted", email=f"l{n}@example.org")
        await self.world.tell(
            "demo_requested", email="hot@example.org", traits={"occupation": "pro"}
        )
        self.listed.keys = {
            "enrolment": {run.id for run in await self.world.rows(EnrolmentRow)},
            "handover": {row.id for row in await self.world.rows(HandoverRow)},
        }
        async with self.world.db.write() as session:
            for row in await upkeep.active(session, "", NOW + DAY, 100):
                row.wake_at = NOW + 3 * DAY
            await session.execute(update(NoticeRow).values(next_attempt_at=NOW + 3 * DAY))
        await self.world.outbox.drain()
        self.world.alarm.woken.clear()

    async def pass_(self, now: datetime = NOW + HOUR, night: str = "n1") -> dict[str, str]:
        """One whole night; what was found, by key."""
        place = self.reconciling.first
        while place:
            place = await self.reconciling.page(night, place, now)
        await self.world.outbox.drain()
        rows: list[Any] = await self.world.rows(DriftRow)
        return {row.key: row.what for row in rows if row.upkeep_id == night}


@pytest.fixture
async def night(db: Database) -> Night:
    night = Night(db)
    await night.begin()
    return night


async def test_when_everything_goes_on_nothing_is_found_and_nobody_woken(night: Night) -> None:
    assert await night.pass_() == {}
    assert night.world.alarm.woken == []
    async with night.world.db.read() as session:
        [seen] = await upkeep.nights(session)
    assert seen.ended_at == NOW + HOUR
    assert seen.looked == {
        "enrolments": 3,
        "handovers": 1,
        "notices": 0,
        "audiences": 1,
        "enrolment_workflows": 3,
        "handover_workflows": 1,
        "overdue": 0,
    }
    assert seen.found == {}


async def test_an_enrolment_that_nothing_runs_for_is_started_again(night: Night) -> None:
    lost = night.listed.keys["enrolment"].pop()
    assert await night.pass_() == {lost: LOST}
    assert night.world.alarm.woken == [("enrolment", lost)]


async def test_whoever_of_a_crowd_is_yet_to_begin_is_not_lost(night: Night) -> None:
    last = night.listed.keys["enrolment"].pop()
    async with night.world.db.write() as session:
        wakeups.later(session, wakeups.ENROLMENT, last, NOW)
    assert await night.pass_() == {}
    assert night.world.alarm.woken == []


async def test_a_handover_that_nothing_runs_for_is_started_again(night: Night) -> None:
    [lost] = night.listed.keys["handover"]
    night.listed.keys["handover"].clear()
    assert await night.pass_() == {lost: LOST}
    assert night.world.alarm.woken == [("handover", lost)]


async def test_a_step_that_fell_due_and_was_not_taken_is_woken(night: Night) -> None:
    [one, *_] = await night.world.rows(EnrolmentRow)
    assert (await night.pass_(NOW + 3 * DAY + GRACE / 2)).get(one.id) is None, "just due"
    found = await night.pass_(NOW + 3 * DAY + 2 * GRACE, "n2")
    assert found[one.id] == OVERDUE


@pytest.mark.parametrize(("rate", "overdue"), [(0.001, 0), (10, 3)])
async def test_mails_that_stand_in_their_senders_line_are_no_difference_as_long_as_it_moves(
    night: Night, rate: float, overdue: int
) -> None:
    """Three of them, due for an hour: at ten a second that is no reason."""
    shelf = night.world.shelf
    courses = replace(shelf.book.senders["courses"], rate=rate)
    shelf.book = replace(shelf.book, senders={"courses": courses})
    found = await night.pass_(NOW + 3 * DAY + HOUR)
    assert len([key for key in night.listed.keys["enrolment"] if key in found]) == overdue


@pytest.mark.parametrize(("tried", "late"), [(GRACE / 2, False), (2 * GRACE, True)])
async def test_a_mail_that_is_put_off_is_late_only_if_nobody_tries_it_again(
    night: Night, tried: timedelta, late: bool
) -> None:
    [run, *_], [handover] = (
        await night.world.rows(EnrolmentRow),
        await night.world.rows(HandoverRow),
    )
    async with night.world.db.write() as session:
        session.add(mail := waits(run, handover, "mails"))
        mail.state, mail.put_off_at, mail.claimed_at = messages.PLANNED, NOW, NOW + HOUR - tried
        await session.execute(update(EnrolmentRow).values(wake_at=NOW))
    assert (run.id in await night.pass_()) is late


async def test_a_deadline_that_passed_without_a_reminder_is_woken(night: Night) -> None:
    [row] = await night.world.rows(HandoverRow)
    found = await night.pass_(NOW + DAY + HOUR)
    assert found[row.id] == OVERDUE


def waits(run: EnrolmentRow, handover: HandoverRow, kind: str) -> Any:
    """A row of that kind that was due at NOW, and of which nobody did anything."""
    match kind:
        case "mails":
            fields = {"enrolment_id": run.id, "lead_id": run.lead_id, "flow": run.flow}
            its = {"step": "hello", "template": "hello", "sender": "courses"}
            return MessageRow(id="m", state=messages.CLAIMED, claimed_at=NOW, **fields, **its)
        case "notices":
            its = {"handover_id": handover.id, "type": "lead.handover.reminder"}
            return NoticeRow(id="n", number=0, created_at=NOW, next_attempt_at=NOW, **its)
        case "calls":
            its = {"enrolment_id": run.id, "endpoint": "crm"}
            return CallRow(id="c", created_at=NOW, next_attempt_at=NOW, **its)
        case "clicks":
            return ClickRow(touch_id="t", due=NOW)
        case "reports":
            its = {"id": "r", "plan": "monthly", "run": "monthly@1", "state": "waiting"}
            return ReportSentRow(changed_at=NOW - DAY, next_try_at=NOW, **its)
        case "claimed reports":
            its = {"id": "r", "plan": "monthly", "run": "monthly@1", "state": "claimed"}
            return ReportSentRow(changed_at=NOW, **its)
    return LeadRow(id="l", stage="lead", created_at=NOW, next_score_at=NOW)


@pytest.mark.parametrize(
    ("kind", "woken", "told"),
    [
        ("mails", ENROLMENT, ENROLMENT),
        ("notices", HANDOVER, HANDOVER),
        ("reports", REPORT, REPORT),
        ("claimed reports", REPORT, REPORT),
        ("calls", "", "call"),
        ("clicks", "", "click"),
        ("expired_scores", "", "score"),
    ],
)
async def test_whatever_was_due_and_is_not_done_is_told_and_its_workflow_woken(
    night: Night, kind: str, woken: str, told: str
) -> None:
    """A grace later. What no workflow acts on is first in its loop's queue as it is."""
    [run, *_], [handover] = (
        await night.world.rows(EnrolmentRow),
        await night.world.rows(HandoverRow),
    )
    async with night.world.db.write() as session:
        session.add(row := waits(run, handover, kind))
    assert await night.pass_(NOW + GRACE / 2, "n1") == {}
    found = await night.pass_(NOW + 2 * GRACE, "n2")
    key = {ENROLMENT: run.id, HANDOVER: handover.id, REPORT: "monthly@1"}.get(told) or inspect(
        row
    ).identity[0]
    assert (found, night.world.alarm.woken) == ({key: OVERDUE}, [(woken, key)] if woken else [])
    async with night.world.db.read() as session:
        [latest, _] = await upkeep.nights(session)
    assert (latest.found, latest.looked["overdue"]) == ({f"{told}: {OVERDUE}": 1}, 1)


@pytest.mark.parametrize("kind", ["calls", "clicks", "expired_scores"])
async def test_what_no_workflow_acts_on_is_done_by_the_first_that_looks(
    night: Night, kind: str
) -> None:
    [run, *_], [handover] = (
        await night.world.rows(EnrolmentRow),
        await night.world.rows(HandoverRow),
    )
    async with night.world.db.write() as session:
        session.add(waits(run, handover, kind))
    assert len(await night.pass_(NOW + 2 * GRACE)) == 1
    match kind:
        case "calls":
            async with night.world.db.write() as session:
                done = len(await calls.take_due(session, NOW + 2 * GRACE))
        case "clicks":
            done = await night.world.clicks.page(NOW + 2 * GRACE)
        case "expired_scores":
            _, done = await night.world.relay.look()
    assert done == 1
    assert await night.pass_(NOW + 2 * GRACE, "n2") == {}


@pytest.mark.parametrize("waiting", [True, False])
async def test_a_notice_behind_one_that_waits_for_its_next_try_is_not_late(
    night: Night, waiting: bool
) -> None:
    [handover], told = await night.world.rows(HandoverRow), {"type": "lead.handover.reminder"}
    async with night.world.db.write() as session:
        its = {"handover_id": handover.id, "created_at": NOW, "next_attempt_at": NOW}
        session.add(NoticeRow(id="n", number=2, **its, **told))
        if not waiting:
            await session.execute(update(NoticeRow).values(next_attempt_at=NOW))
    assert await night.pass_() == ({} if waiting else {handover.id: OVERDUE})


async def test_more_than_a_page_of_overdue_rows_are_told_page_by_page(night: Night) -> None:
    night.reconciling = Reconciling(night.world.outbox, night.world.shelf, night.listed, size=2)
    async with night.world.db.write() as session:
        session.add_all([ClickRow(touch_id=f"t{n}", due=NOW) for n in range(5)])
    assert await night.pass_() == dict.fromkeys([f"t{n}" for n in range(5)], OVERDUE)


async def test_a_workflow_whose_run_is_over_is_woken_to_end(night: Night) -> None:
    async with night.world.db.write() as session:
        [row, *_] = await upkeep.active(session, "", NOW + DAY, 1)
        row.ended, row.ended_at = "goal", NOW
    night.listed.keys["enrolment"].add("of-nobody")
    assert await night.pass_() == {row.id: IDLE, "of-nobody": IDLE}
    assert sorted(night.world.alarm.kinds()) == ["enrolment", "enrolment"]


async def test_one_with_a_mail_that_goes_out_once_more_has_something_to_do(night: Night) -> None:
    async with night.world.db.write() as session:
        [row, *_] = await upkeep.active(session, "", NOW + DAY, 1)
        row.ended, row.ended_at, row.again = "goal", NOW, ["hello"]
        session.add(
            MessageRow(
                id="m1",
                enrolment_id=row.id,
                step="hello",
                lead_id=row.lead_id,
                flow=row.flow,
                template="hello",
                sender="courses",
                state=messages.PLANNED,
                claimed_at=NOW,
            )
        )
    assert await night.pass_() == {}
    night.listed.keys["enrolment"].discard(row.id)
    assert await night.pass_(night="n2") == {row.id: LOST}
    assert night.world.alarm.woken == [("enrolment", row.id)]


async def test_a_lead_that_sales_talked_to_needs_no_workflow(night: Night) -> None:
    [row] = await night.world.rows(HandoverRow)
    await night.world.desk.answer(row.id, Answer(State.CONTACTED, NOW, how="call"))
    async with night.world.db.write() as session:
        for notice in await handovers.untold(session, row.id):
            notice.delivered_at = NOW
    night.listed.keys["handover"].clear()
    assert await night.pass_() == {}


@pytest.mark.parametrize("state", [State.REJECTED, State.CONTACTED])
async def test_a_closed_handover_that_sales_is_yet_to_be_told_of_is_started_again(
    night: Night, state: State
) -> None:
    [row] = await night.world.rows(HandoverRow)
    await night.world.desk.answer(row.id, Answer(state, NOW, how="call", reason="no budget"))
    night.listed.keys["handover"].clear()
    await night.world.outbox.drain()
    night.world.alarm.woken.clear()
    assert (await night.pass_())[row.id] == LOST
    assert ("handover", row.id) in night.world.alarm.woken


async def named(night: Night, **audience: Any) -> None:
    """Everybody whom flows or the rule want is on the list, and nothing is owed."""
    shelf = night.world.shelf
    hesitating = replace(shelf.book.audiences["hesitating"], **audience)
    shelf.book = replace(shelf.book, audiences={"hesitating": hesitating})
    async with night.world.db.write() as session:
        ad_lists.begin(session, hesitating)
        [lead, *_] = await night.world.rows(LeadRow)
        row = audiences.enter(session, "hesitating", lead.id, NOW)
        row.desired = row.confirmed = row.named = True


@pytest.mark.parametrize("rule", [None, NEVER_TRUE])
async def test_an_audience_in_step_that_nothing_runs_for_is_started_again(
    night: Night, rule: Condition | None
) -> None:
    """Who else would compare it every day, and name its members again?"""
    await named(night, when=rule)
    assert await night.pass_() == {"hesitating": LOST}
    assert night.world.alarm.woken == [("audience", "hesitating")]
    night.listed.keys["audience"] = {"hesitating"}
    assert await night.pass_(night="n2") == {}


OWED = {"confirmed": False, "next_try_at": NOW}


@pytest.mark.parametrize(
    ("member", "state", "asked", "late"),
    [
        (OWED, {}, False, True),
        (OWED, {"paused": True}, False, False),
        (OWED, {"free_at": NOW + DAY}, False, False),
        (OWED | {"desired": False}, {"paused": True}, False, True),
        ({"leaves_at": NOW}, {}, False, True),
        ({}, {"compared_at": NOW}, False, False),
        ({}, {"compared_at": NOW - DAY}, False, True),
        ({}, {"renew_asked_at": NOW}, False, True),
        ({}, {}, True, True),
    ],
    ids=["owed", "paused", "resting", "removal", "stay", "today", "compare", "renew", "asked"],
)
async def test_an_audience_that_nobody_looked_at_although_something_was_due_is_woken(
    night: Night, member: dict[str, Any], state: dict[str, Any], asked: bool, late: bool
) -> None:
    """What its platform or an operator keeps waiting is not late."""
    await named(night)
    night.listed.keys["audience"] = {"hesitating"}
    async with night.world.db.write() as session:
        await session.execute(update(AudienceMemberRow).values({"next_try_at": NOW + DAY} | member))
        await session.execute(update(AudienceRow).values({"error": ""} | state))
        if asked:
            its = {"audience": "hesitating", "adds": True, "accepted_at": NOW, "ask_at": NOW}
            session.add(AdRequestRow(id="r", **its))
    assert await night.pass_() == ({"hesitating": OVERDUE} if late else {})
    assert night.world.alarm.woken == ([("audience", "hesitating")] if late else [])


async def test_an_audience_that_was_given_up_and_not_emptied_yet_is_started_again(
    night: Night,
) -> None:
    await named(night)
    night.world.shelf.book = replace(night.world.shelf.book, audiences={})
    assert await night.pass_() == {"hesitating": LOST}


async def test_one_that_waits_for_its_turn_has_no_workflow_yet(night: Night) -> None:
    async with night.world.db.write() as session:
        [row, *_] = await upkeep.active(session, "", NOW + DAY, 1)
        row.started_at = row.wake_at = NOW + DAY
    night.listed.keys["enrolment"].discard(row.id)
    assert await night.pass_() == {}


async def test_a_page_looked_at_twice_is_one_finding(night: Night) -> None:
    lost = night.listed.keys["enrolment"].pop()
    first = night.reconciling.first
    await night.reconciling.page("n1", first, NOW + HOUR)
    await night.reconciling.page("n1", first, NOW + HOUR)
    assert [row.key for row in await night.world.rows(DriftRow)] == [lost]


async def test_many_are_compared_page_by_page(night: Night) -> None:
    night.reconciling = Reconciling(night.world.outbox, night.world.shelf, night.listed, size=2)
    assert await night.pass_() == {}
    async with night.world.db.read() as session:
        [seen] = await upkeep.nights(session)
    assert seen.looked["enrolments"] == 3


async def test_what_was_found_long_ago_is_forgotten(night: Night) -> None:
    night.listed.keys["enrolment"].pop()
    await night.pass_()
    later = NOW + upkeep.KEPT + 2 * DAY
    await night.pass_(later, "n2")
    assert {row.upkeep_id for row in await night.world.rows(DriftRow)} == {"n2"}
