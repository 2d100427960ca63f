from datetime import UTC, datetime, timedelta
from typing import Any

from nurture.store import messages
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.database import Database
from nurture.store.feedback_tables import SenderRow
from nurture.store.handover_tables import HandoverRow, NoticeRow
from nurture.store.tables import LeadRow, PlaybookInForceRow, PlaybookRow, QuarantineRow
from nurture.store.vitals import vitals
from tests.support.mails import sent
from tests.support.playbook import PLAYBOOK
from tests.support.world import World

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def told(db: Database) -> dict[tuple[str, ...], float]:
    async with db.read() as session:
        found = await vitals(session, PLAYBOOK, NOW)
    return {(each.name, *each.labels.values()): each.value for each in found}


def handover(name: str, state: str, due_at: datetime) -> HandoverRow:
    return HandoverRow(
        id=name, lead_id=name, ordinal=1, playbook="p", team="sales", owner="Bo", state=state,
        reason="score", trigger="score", opened_at=NOW - 3 * HOUR, due_at=due_at,
    )  # fmt: skip


def notice(number: int, delivered_at: datetime | None) -> NoticeRow:
    """Tried in vain before it was delivered, if it was."""
    again = None if delivered_at else NOW + HOUR
    return NoticeRow(
        id=f"n{number}", handover_id="a", number=number, type="lead.handover.created", data={},
        created_at=NOW - HOUR, attempts=7, next_attempt_at=again, delivered_at=delivered_at,
    )  # fmt: skip


def member(name: str, **where: Any) -> AudienceMemberRow:
    changed = {"changed_at": NOW - 2 * HOUR, "next_try_at": NOW + HOUR}
    return AudienceMemberRow(audience="warm", lead_id=name, **changed, **where)


async def test_a_healthy_product_tells_nothing_but_zeroes(db: Database) -> None:
    assert set((await told(db)).values()) == {0}


async def test_what_needs_somebody_is_told_with_its_age(db: Database) -> None:
    async with db.write() as session:
        session.add_all(LeadRow(id=name, stage="mql", created_at=NOW) for name in "abcd")
        await session.flush()
        session.add(handover("a", "open", NOW + HOUR))
        session.add(handover("b", "accepted", NOW - HOUR))
        session.add(handover("c", "contacted", NOW - HOUR))
        session.add(handover("d", "snoozed", NOW - HOUR))
        session.add(notice(1, None))
        session.add(notice(2, NOW))
        session.add(PlaybookRow(hash="p"))
        session.add(PlaybookInForceRow(hash="p", at=NOW - 2 * HOUR, by="tests"))
        session.add(member("a", desired=False, named=True, confirmed=True))
        session.add(member("b", desired=True, named=True, confirmed=True))
        session.add(SenderRow(id="courses", paused_at=NOW))
        session.add(SenderRow(id="news", resumed_at=NOW))
        session.add(QuarantineRow(source="website", reason="no id", raw="{}", at=NOW))
    found = await told(db)
    assert found["nurture_handovers_waiting", "running"] == 1
    assert found["nurture_handovers_waiting", "overdue"] == 2
    assert found["nurture_notices_untold",] == 1
    assert found["nurture_notices_untold_oldest_seconds",] == 3600
    assert found["nurture_upkeep_age_seconds",] == 7200
    assert found["nurture_removals_owed",] == 1
    assert found["nurture_removals_owed_oldest_seconds",] == 7200
    assert found["nurture_quarantined",] == 1
    assert found["nurture_senders_paused",] == 1


async def test_mails_of_the_last_day_are_counted_by_what_became_of_them(db: Database) -> None:
    world = World(db)
    for number, state in enumerate(["accepted", "failed", "failed"]):
        email = f"{number}@example.org"
        await sent(world, f"m{number}", email, at=NOW - 23 * HOUR, state=state)
    await sent(world, "old", "old@example.org", at=NOW - 25 * HOUR, state="failed")
    found = await told(db)
    states = {name[1]: value for name, value in found.items() if name[0] == "nurture_mails"}
    assert states.keys() == set(messages.STATES)
    assert {state: number for state, number in states.items() if number} == {
        "accepted": 1,
        "failed": 2,
    }
