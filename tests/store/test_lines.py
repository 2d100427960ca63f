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


def gone(number: int, every: timedelta) -> MessageRow:
    """A mail of the sender that had its turn since."""
    return MessageRow(
        id=f"m{number}", enrolment_id="over", step=f"s{number}", lead_id="bo", flow="welcome",
        template="hello", sender="courses", state="accepted", claimed_at=SINCE + number * every,
    )  # fmt: skip


async def filled(
    db: Database, waiting: int, went: int, flow: str = "welcome", every: timedelta | None = None
) -> None:
    async with db.write() as session:
        session.add(LeadRow(id="bo", stage="lead", created_at=SINCE))
        await session.flush()
        session.add_all(run(number, flow) for number in range(waiting))
        over = {"ordinal": 1, "playbook": "p", "since": SINCE, "started_at": SINCE}
        session.add(EnrolmentRow(id="over", lead_id="bo", flow="other", ended="finished", **over))
        await session.flush()
        session.add_all(gone(number, every or 20 * MINUTE / went) for number in range(went))


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


@pytest.mark.parametrize(("waiting", "went"), [(75, 60), (60, 60), (1, 119)])
async def test_mails_that_wait_for_their_senders_rate_are_not_late(
    db: Database, waiting: int, went: int
) -> None:
    """As the line begins, in its middle, and at its end."""
    await filled(db, waiting, went)
    assert await told(db) == gauges(paced=waiting, due=0, oldest=0)


@pytest.mark.parametrize(("waiting", "went"), [(1_000, 0), (200, 100)])
async def test_a_line_that_no_longer_moves_is_late_within_minutes(
    db: Database, waiting: int, went: int
) -> None:
    """However many mails would explain that they wait; the last went ten minutes ago, if any did."""
    await filled(db, waiting, went, every=10 * MINUTE / 100)
    assert await told(db) == gauges(paced=0, due=waiting, oldest=15 * 60)


async def test_a_line_that_crawls_is_late_as_one_that_stands(db: Database) -> None:
    await filled(db, waiting=500, went=20)
    assert await told(db) == gauges(paced=0, due=500, oldest=15 * 60)


async def test_a_few_that_wait_for_longer_than_so_few_take_are_late(db: Database) -> None:
    await filled(db, waiting=3, went=0)
    assert await told(db) == gauges(paced=0, due=3, oldest=20 * 60 - 3 / RATE)


async def test_steps_of_a_flow_that_nobody_holds_back_are_late_at_once(db: Database) -> None:
    await filled(db, waiting=130, went=0, flow="of an older playbook")
    assert await told(db) == gauges(paced=0, due=130, oldest=20 * 60)


async def test_a_sender_without_a_rate_has_no_line(db: Database) -> None:
    await filled(db, waiting=1, went=0)
    async with db.read() as session:
        due = await lines.due_by_flow(session, NOW)
        assert due == {"welcome": Late(1, SINCE)}
        assert await lines.of_senders(session, PLAYBOOK, due, NOW) == {}
