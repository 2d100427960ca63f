"""Mails of a sender with a rate that wait for their turn, and those that are late."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from nurture.store import lines
from nurture.store.backlog import Late
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, LeadRow, MessageRow
from nurture.store.vitals import vitals
from tests.support.domain import NOW
from tests.support.playbook import PLAYBOOK

MINUTE = timedelta(minutes=1)
SINCE = NOW - 20 * MINUTE
RATE = 0.1
"""Mails a second: 120 in those twenty minutes."""

PACED = replace(PLAYBOOK, senders={"courses": replace(PLAYBOOK.senders["courses"], rate=RATE)})


def run(number: int, flow: str) -> EnrolmentRow:
    return EnrolmentRow(
        id=f"{flow}-{number}", lead_id="bo", flow=flow, ordinal=number, playbook="p", since=SINCE,
        started_at=SINCE, wake_at=SINCE,
    )  # fmt: skip


def gone(number: int) -> MessageRow:
    """A mail of the sender that had its turn since."""
    return MessageRow(
        id=f"m{number}", enrolment_id="over", step=f"s{number}", lead_id="bo", flow="welcome",
        template="hello", sender="courses", state="accepted", claimed_at=SINCE + number * MINUTE / 6,
    )  # fmt: skip


async def filled(db: Database, waiting: int, went: int, flow: str = "welcome") -> None:
    async with db.write() as session:
        session.add(LeadRow(id="bo", stage="lead", created_at=SINCE))
        await session.flush()
        session.add_all(run(number, flow) for number in range(waiting))
        over = {"ordinal": 1, "playbook": "p", "since": SINCE, "started_at": SINCE}
        session.add(EnrolmentRow(id="over", lead_id="bo", flow="other", ended="finished", **over))
        await session.flush()
        session.add_all(gone(number) for number in range(went))


async def told(db: Database) -> Mapping[tuple[str, ...], float]:
    """The gauges of steps that are due."""
    async with db.read() as session:
        found = await vitals(session, PACED, NOW)
    return {
        (each.name, *each.labels.values()): each.value
        for each in found
        if each.labels.get("kind") == "enrolments" or each.name == "nurture_paced"
    }


def gauges(paced: float, due: float, oldest: float) -> Mapping[tuple[str, ...], float]:
    return {
        ("nurture_paced", "courses"): paced,
        ("nurture_due", "enrolments"): due,
        ("nurture_due_oldest_seconds", "enrolments"): oldest,
    }


@pytest.mark.parametrize(("waiting", "went"), [(130, 0), (60, 60), (1, 119)])
async def test_mails_that_wait_for_their_senders_rate_are_not_late(
    db: Database, waiting: int, went: int
) -> None:
    """As the line begins, in its middle, and at its end."""
    await filled(db, waiting, went)
    assert await told(db) == gauges(paced=waiting, due=0, oldest=0)


async def test_a_line_that_stands_still_is_late_by_what_its_rate_does_not_explain(
    db: Database,
) -> None:
    await filled(db, waiting=30, went=0)
    assert await told(db) == gauges(paced=0, due=30, oldest=20 * 60 - 30 / RATE)


async def test_steps_of_a_flow_that_nobody_holds_back_are_late_at_once(db: Database) -> None:
    await filled(db, waiting=130, went=0, flow="of an older playbook")
    assert await told(db) == gauges(paced=0, due=130, oldest=20 * 60)


async def test_a_sender_without_a_rate_has_no_line(db: Database) -> None:
    await filled(db, waiting=1, went=0)
    async with db.read() as session:
        due = await lines.due_by_flow(session, NOW)
        assert due == {"welcome": Late(1, SINCE)}
        assert await lines.of_senders(session, PLAYBOOK, due) == {}
