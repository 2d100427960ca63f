"""Senders that get too many complaints or bounces stand still until a person lets them go on."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from nurture.domain import watch
from nurture.domain.errors import InputError
from nurture.domain.watch import Alarm, Sent, Verdict
from nurture.playbook import Playbook
from nurture.store import senders, wakeups
from nurture.store.database import Database
from nurture.store.feedback_tables import SenderRow
from nurture.versions.shelf import Shelf

_EVERY = timedelta(minutes=1)

log = structlog.get_logger()


class Watch:
    """`look` is a chore of the worker; the rest is for people."""

    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf
        self._next: datetime | None = None
        self._warned: dict[str, str] = {}

    async def look(self, now: datetime) -> int:
        """Pause the senders that are over a limit; how many."""
        if self._next and now < self._next:
            return 0
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
            self._next = now + min(_EVERY, playbook.day / 24)  # a pace shortens its minutes too
            rows = await senders.rows(session)
            over = {}
            for name in playbook.senders:
                if not _paused(rows.get(name)):
                    since = _since(playbook, rows.get(name), now)
                    sent = (await senders.sent(session, since, name)).get(name, {})
                    over[name] = watch.judge(playbook.watch, watch.total(sent.values()))
        self._warn(over)
        stopped = [name for name, verdict in over.items() if verdict.alarm is Alarm.PAUSE]
        for name in stopped:
            await self.pause(name, over[name].reason, "watch", now)
        return len(stopped)

    async def pause(self, sender: str, reason: str, by: str, now: datetime) -> None:
        """No mail of this sender goes out any more; what is due is held. Raises InputError for a name that
        the playbook does not know."""
        async with self._db.write() as session:
            _require(await self._shelf.current(session), sender)
            row = await session.get(SenderRow, sender, with_for_update=True)
            if row is None:
                row = SenderRow(id=sender)
                session.add(row)
            if row.paused_at is None:
                row.paused_at, row.reason, row.by = now, reason, by
                log.error("sender_paused", sender=sender, reason=reason, by=by)

    async def resume(self, sender: str, by: str, now: datetime) -> int:
        """Go on; how many mails had waited. From now on only new mails count against the sender."""
        async with self._db.write() as session:
            playbook = await self._shelf.current(session)
            _require(playbook, sender)
            row = await session.get(SenderRow, sender, with_for_update=True)
            if not _paused(row):
                raise InputError("is not paused", sender)
            assert row is not None
            row.paused_at, row.resumed_at, row.by = None, now, by
            flows = [flow for flow, its in playbook.sender_of.items() if its == sender]
            woken = await senders.wake(session, flows, now)
            wakeups.leave_to_relay(session, now)
        log.warning("sender_resumed", sender=sender, by=by, held=woken)
        return woken

    async def state(self, now: datetime) -> list[dict[str, Any]]:
        """Every sender with its rates, as a whole and by flow; those that need somebody first."""
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
            rows = await senders.rows(session)
            found = []
            for name in playbook.senders:
                sent = await senders.sent(session, _since(playbook, rows.get(name), now), name)
                found.append(_shown(playbook, name, rows.get(name), sent.get(name, {})))
        return sorted(found, key=lambda each: (-list(Alarm).index(each["alarm"]), each["sender"]))

    def _warn(self, over: Mapping[str, Verdict]) -> None:
        """Once when it begins, not at every look."""
        for name, verdict in over.items():
            if verdict.alarm is Alarm.WARN and self._warned.get(name) != verdict.alarm:
                log.warning("sender_near_limit", sender=name, reason=verdict.reason)
            self._warned[name] = verdict.alarm


def _paused(row: SenderRow | None) -> bool:
    return row is not None and row.paused_at is not None


def _since(playbook: Playbook, row: SenderRow | None, now: datetime) -> datetime:
    since = now - playbook.watch.within
    return max(since, row.resumed_at) if row and row.resumed_at else since


def _require(playbook: Playbook, sender: str) -> None:
    if sender not in playbook.senders:
        known = ", ".join(sorted(playbook.senders))
        raise InputError(f"there is no such sender; there are {known}", sender)


def _shown(
    playbook: Playbook, name: str, row: SenderRow | None, flows: Mapping[str, Sent]
) -> dict[str, Any]:
    whole = watch.total(flows.values())
    verdict = watch.judge(playbook.watch, whole)
    paused = _paused(row)
    return {
        "sender": name,
        "address": playbook.senders[name].address,
        "alarm": Alarm.PAUSE if paused else verdict.alarm,
        "reason": row.reason if row and paused else verdict.reason,
        "paused_at": row.paused_at.isoformat() if row and row.paused_at else None,
        "by": row.by if row else "",
        **_rates(whole),
        "flows": [
            {
                "flow": flow,
                **_rates(sent),
                "alarm": watch.judge(playbook.watch, sent).alarm,
                "reason": watch.judge(playbook.watch, sent).reason,
            }
            for flow, sent in sorted(flows.items())
        ],
    }


def _rates(sent: Sent) -> dict[str, Any]:
    return {
        "mails": sent.mails,
        "bounced": sent.bounced,
        "complained": sent.complained,
        "bounce_rate": round(sent.share(sent.bounced), 5),
        "complaint_rate": round(sent.share(sent.complained), 5),
    }
