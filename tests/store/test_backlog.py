from datetime import UTC, datetime, timedelta

from nurture.store.backlog import backlog
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
        assert await backlog(session, NOW) == {}


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
        assert await backlog(session, NOW) == {"wakeups": 1, "enrolments": 1}
