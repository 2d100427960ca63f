"""How the audiences stand, for the operator: counts, owed removals with their age, errors in words; pause, resume."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.audiences.comparing import Effect, effects
from nurture.domain.audience import Audience
from nurture.domain.errors import InputError
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.ports import Person
from nurture.store import ad_lists, audiences, wakeups
from nurture.store.ad_lists import Count
from nurture.store.audience_tables import AudienceRow
from nurture.store.database import Database
from nurture.versions.shelf import Shelf

_PAGE = 1000

_WORDS = {
    "answer_incomplete": "the platform's answer lacked results",
    "audience_busy": "the platform is still working on this audience",
    "audience_deleted": "the audience was deleted at the platform",
    "audience_flagged": "the platform has flagged the audience for breaking its rules",
    "audience_not_ready": "the platform has not made the audience yet",
    "audience_not_shared": "the audience is not shared with this ad account",
    "blocked_as_abusive": "the platform has blocked us for some hours",
    "done_in_part": "the platform took it in and did it for some only, and does not say for whom",
    "invalid_entry": "the platform calls the record invalid",
    "list_held": "another audience is still being taken off the same list; nobody is added until then",
    "no_answer": "the connection broke; it may have arrived and is sent again",
    "no_identifier": "no address or phone number that the platform could find",
    "no_such_audience": "the platform knows no audience of this id; check external_id",
    "not_configured": "the settings of the workers have no account of this platform",
    "not_permitted": "the account may not change this audience",
    "not_tried": "among so many bad records that the search for them was ended",
    "password_changed": "the token ended with a change of password; make a new one",
    "platform_error": "the platform has an error of its own",
    "rate_limited": "the platform has had too many calls; it is left alone for a while",
    "request_failed": "the platform took it in and did not do it",
    "request_unknown": "the platform knows nothing of a change that it had taken in",
    "segment_not_found": "LinkedIn knows no segment of this id, or not yet",
    "terms_not_accepted": "the platform's terms for customer lists are not accepted",
    "token_expired": "the token has expired",
    "token_not_renewed": "the token could not be renewed for now",
    "token_refused": "the platform refuses the token; make a new one",
    "unconfirmed": "the platform took it in and has not said for a day whether it did it",
    "unreachable": "the platform cannot be reached",
    "version_not_supported": "the platform no longer answers this version of its API",
}


class AudienceView:
    """Reads only."""

    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf

    async def all(self, now: datetime) -> list[dict[str, Any]]:
        """Every audience of the playbook, and those taken out of it that still have members; ready for JSON."""
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
            states = await ad_lists.known(session)
            counts = await ad_lists.counts(session)
        return [
            _shown(name, playbook.audiences.get(name), states.get(name), counts.get(name), now)
            for name in sorted({*playbook.audiences, *states})
        ]

    async def plan(self, playbook: Playbook, now: datetime) -> list[Effect]:
        """What `playbook` would add and remove, compared with who should be on each audience now."""
        return await effects(self._db, playbook, now)

    async def people(self, name: str) -> AsyncIterator[Person]:
        """Who should be on the audience, in clear: for whoever hashes them. Raises InputError for no such one."""
        async with self._db.read() as session:
            known = {
                *(await self._shelf.current(session)).audiences,
                *await ad_lists.known(session),
            }
        if name not in known:
            raise InputError("no audience goes by that name", name)
        return self._people(name)

    async def _people(self, name: str) -> AsyncIterator[Person]:
        after = ""
        while True:
            async with self._db.read() as session:
                page = await audiences.wanted(session, name, after, _PAGE)
            for person in page:
                yield person
            if len(page) < _PAGE:
                return
            after = page[-1].lead_id


async def switch(outbox: Outbox, name: str, paused: bool, now: datetime) -> None:
    """Pause or resume additions. Removals always go on: they protect people. Raises InputError for no such one."""
    async with outbox.write() as session:
        state = await _state(session, name)
        state.paused = paused
        wakeups.add(session, wakeups.AUDIENCE, name, now)


async def ask_renewal(outbox: Outbox, name: str, now: datetime) -> None:
    """Have the whole list sent anew. Raises InputError for no such one."""
    async with outbox.write() as session:
        state = await _state(session, name)
        state.renew_asked_at = state.renew_asked_at or now
        wakeups.add(session, wakeups.AUDIENCE, name, now)


async def _state(session: AsyncSession, name: str) -> AudienceRow:
    state = await ad_lists.state(session, name)
    if state is None:
        raise InputError("no audience of that name was ever synced", name)
    return state


def in_words(error: str) -> str:
    """`error` begins with a short stable word, which adapters give."""
    reason, _, detail = error.partition(": ")
    words = _WORDS.get(reason, reason.replace("_", " "))
    return f"{words} ({detail})" if detail else words


def _shown(
    name: str,
    audience: Audience | None,
    state: AudienceRow | None,
    count: Count | None,
    now: datetime,
) -> dict[str, Any]:
    count = count or Count()
    waiting = now - count.waiting_since if count.waiting_since else None
    found = {key: value for key, value in asdict(count).items() if isinstance(value, int)}
    return {
        "name": name,
        "title": audience.title if audience else "no longer in the playbook",
        "platform": state.platform if state else audience.platform if audience else "",
        "external_id": state.external_id if state else audience.external_id if audience else "",
        **found,
        "oldest_owed_removal_seconds": int(waiting.total_seconds()) if waiting else None,
        "too_small": bool(audience and 0 < count.confirmed < audience.minimum),
        "paused": bool(state and state.paused),
        "comparing": bool(state and state.cursor),
        "last_sync": _iso(state.synced_at if state else None),
        "last_compared": _iso(state.compared_at if state else None),
        "last_renewed": _iso(state.renewed_at if state else None),
        "renewal_asked": _iso(state.renew_asked_at if state else None),
        "next_call_not_before": _iso(state.free_at if state else None),
        "errors": _errors(state, count),
    }


def _errors(state: AudienceRow | None, count: Count) -> list[str]:
    """What keeps the audience from being in step, then why how many people were refused."""
    reasons: Mapping[str, int] = count.reasons or {}
    return [
        *([in_words(state.error)] if state and state.error else []),
        *(f"{number} refused: {in_words(reason)}" for reason, number in sorted(reasons.items())),
    ]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
