"""Sending the figures to both teams: each mail and each webhook once, tried again until it is taken."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity

from activities import clock
from activities.contract import SEND_REPORT, Next, ReportOrder
from nurture import figures
from nurture.delivery.reporting import report_mail
from nurture.domain import keys
from nurture.domain.errors import Permanent, StartError, Transient, Unknown
from nurture.domain.reporting import ReportPlan
from nurture.domain.retries import wait_after
from nurture.playbook import Playbook
from nurture.ports import Mailers, Notice, SalesDesk
from nurture.store import reports_sent
from nurture.store.database import Database
from nurture.store.tables import ReportSentRow
from nurture.versions.shelf import Shelf

TYPE = "report.figures"
"""The webhook's type; its data is what `nurture report --json` shows of the agreement."""


class ReportActivities:
    """`open_hook` makes the sender of signed webhooks to an address."""

    def __init__(
        self,
        db: Database,
        shelf: Shelf,
        mailers: Mailers,
        open_hook: Callable[[str], SalesDesk],
    ) -> None:
        self._db = db
        self._shelf = shelf
        self._mailers = mailers
        self._open_hook = open_hook

    @activity.defn(name=SEND_REPORT)
    async def send(self, order: ReportOrder) -> Next:
        """Send what is not sent yet, say when to try again what failed."""
        due = datetime.fromtimestamp(order.at, UTC)
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
        plan = playbook.reports.get(order.plan)
        if plan is None:
            return await self._over(order, ())
        report = await self._figures(playbook, plan, due)
        hooks = [name for name in plan.webhooks if name in playbook.webhooks]
        times = [await self._mail(order, plan, playbook, report, address) for address in plan.to]
        times += [await self._call(order, playbook, report, name, due) for name in hooks]
        if later := [at for at in times if at]:
            return Next(wake_at=min(later).timestamp())
        return await self._over(order, (*plan.to, *hooks))

    async def _figures(self, playbook: Playbook, plan: ReportPlan, due: datetime) -> dict[str, Any]:
        zone = figures.zone_of(playbook)
        month = plan.month(due, zone) if figures.is_monthly(playbook) else ""
        async with self._db.read() as session:
            return await figures.report(session, playbook, due, figures.Question(month))

    async def _over(self, order: ReportOrder, receivers: Sequence[str]) -> Next:
        """All of these got what they will get, and nobody else is to get anything."""
        theirs = [keys.report_id(order.plan, order.at, each) for each in receivers]
        async with self._db.write() as session:
            run = keys.report_run(order.plan, order.at)
            await reports_sent.give_up(session, run, theirs, clock.now())
        return Next(done=True)

    async def _mail(
        self,
        order: ReportOrder,
        plan: ReportPlan,
        playbook: Playbook,
        report: dict[str, Any],
        address: str,
    ) -> datetime | None:
        id_ = keys.report_id(order.plan, order.at, address)
        sender = next(iter(playbook.senders.values()))
        account = playbook.accounts_of(sender.id)[0]
        mail = report_mail(id_, address, plan, report, playbook.company, sender)

        async def send() -> None:
            await self._mailers.of(account).send(mail)

        return await self._once(id_, order, send, safe=False)

    async def _call(
        self,
        order: ReportOrder,
        playbook: Playbook,
        report: dict[str, Any],
        name: str,
        due: datetime,
    ) -> datetime | None:
        id_ = keys.report_id(order.plan, order.at, name)
        notice = Notice(f"msg_{id_.replace('-', '')}", TYPE, due.isoformat(), report)

        async def send() -> None:
            await self._open_hook(playbook.webhooks[name]).deliver(notice)

        return await self._once(id_, order, send, safe=True)

    async def _once(
        self, id_: str, order: ReportOrder, send: Callable[[], Awaitable[None]], safe: bool
    ) -> datetime | None:
        """One try, unless it is over; when to try again. `safe`: the receiver knows repeated ones."""
        now = clock.now()
        async with self._db.write() as session:
            row = await session.get(ReportSentRow, id_, with_for_update=True)
            if row is None:
                row = ReportSentRow(id=id_, plan=order.plan, state="waiting", changed_at=now)
                session.add(row)
            row.run = keys.report_run(order.plan, order.at)
            if row.state == reports_sent.CLAIMED and not safe:
                row.state, row.error = "unknown", "the process ended while it was sent"
            if row.state not in reports_sent.OPEN:
                return None
            if row.next_try_at and row.next_try_at > now:
                return row.next_try_at
            row.state, row.attempts, row.changed_at = reports_sent.CLAIMED, row.attempts + 1, now
            attempt = row.attempts
        state, error, wait = await _outcome(send, id_, attempt)
        async with self._db.write() as session:
            row = await session.get_one(ReportSentRow, id_, with_for_update=True)
            row.state, row.error, row.changed_at = state, error, now
            row.next_try_at = now + wait if wait else None
            return row.next_try_at


async def _outcome(
    send: Callable[[], Awaitable[None]], id_: str, attempt: int
) -> tuple[str, str, timedelta | None]:
    """The state after this try, what went wrong, and how long to wait for the next one."""
    try:
        await send()
    except Permanent as problem:
        return "failed", str(problem), None
    except Unknown as problem:
        return "unknown", str(problem), None
    except (Transient, StartError) as problem:
        wait = wait_after(problem, attempt, id_)
        return ("waiting" if wait else "failed"), str(problem), wait
    return "sent", "", None
