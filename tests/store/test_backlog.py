from datetime import UTC, datetime, timedelta

from nurture.store.backlog import Late, backlog
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, LeadRow, WakeupRow

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def enrolment(name: str, wake_at: datetime | None, ended: str | None = None) -> EnrolmentRow:
    return EnrolmentRow(
        id=name, lead_id="bo", flow=name, ordinal=1, playbook="p", since=NOW, started_at=NOW,
        wake_at=wake_at, ended=ended,
    )  # fmt: skip


def wakeup(key: str, created_at: datetime) -> WakeupRow:
    return WakeupRow(kind="enrolment", key=key, created_at=created_at, claimed_until=created_at)


async def test_a_quiet_product_has_no_backlog(db: Database) -> None:
    async with db.read() as session:
        assert set((await backlog(session, NOW)).values()) == {Late()}


async def test_what_is_overdue_is_counted_and_what_waits_is_not(db: Database) -> None:
    async with db.write() as session:
        session.add(LeadRow(id="bo", stage="lead", created_at=NOW, next_score_at=NOW + HOUR))
        await session.flush()
        session.add(enrolment("overdue", NOW - HOUR))
        session.add(enrolment("waiting", NOW + HOUR))
        session.add(enrolment("over", None, ended="finished"))
        session.add(wakeup("overdue", NOW))
        session.add(wakeup("new", NOW + HOUR))
    async with db.read() as session:
        late = await backlog(session, NOW)
    assert {kind: each for kind, each in late.items() if each.number} == {
        "wakeups": Late(1, NOW),
        "enrolments": Late(1, NOW - HOUR),
    }
