"""Who should be on which ad audience, who may be, and what is owed to bring the two together."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select as sa_select
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain.audience import Audience, Membership, asked, objects
from nurture.domain.lead import Facts
from nurture.ports import NO_IDENTIFIER, NOT_TRIED, Person
from nurture.store import ad_names
from nurture.store.ad_names import KnownBy, earlier, hashed
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.tables import LeadRow

_AT_ONCE = 1000
"""Ids in one statement: below every database's limit of parameters."""

_Row = AudienceMemberRow

_STAYING = (col(_Row.desired), col(_Row.confirmed))
"""Who is on the list and is to stay."""

LEAVING = (col(_Row.named), ~col(_Row.desired))
"""Whom a platform may still hold although they should not be there. In these words their index is found by them."""

_EITHER = (False, True)
"""Said of what does not matter, so that the index that counts goes by what follows it there."""

_STRAYED = (col(_Row.confirmed).in_(_EITHER), col(_Row.named), col(_Row.desired))
"""Who should be on a list that is given up, since it was: few, as all others are told to leave it first."""


@dataclass(frozen=True)
class Owed:
    """One addition or removal to make. `before`: under what other names the platform may still hold the lead.
    `attempts`: how often it was tried."""

    person: Person
    before: Person | None = None
    attempts: int = 0


def enter(session: AsyncSession, audience: str, lead_id: str, now: datetime) -> AudienceMemberRow:
    """A lead that this list knows nothing of so far."""
    row = AudienceMemberRow(audience=audience, lead_id=lead_id, changed_at=now, next_try_at=now)
    session.add(row)
    return row


def want(row: AudienceMemberRow, desired: bool, max_stay: timedelta | None, now: datetime) -> None:
    """Whether the lead should be on the list from now on, and until when. Who comes back is named again: a removal
    that was never answered may have worked."""
    row.desired, row.changed_at, row.next_try_at, row.attempts = desired, now, now, 0
    row.confirmed = row.confirmed and not desired
    row.since = row.since or (now if desired else None)
    row.leaves_at = row.since + max_stay if row.since and max_stay else None


def align(
    row: AudienceMemberRow,
    lead: Facts,
    audience: Audience,
    desired: bool,
    now: datetime,
) -> bool:
    """Whether anything changed: where the lead should be, the address or phone it is known by there, or that it
    objects."""
    who, objected, row.objects = lead.lead, row.objects, objects(audience, lead)
    if row.desired != desired or (row.objects and row.named and not objected):
        want(row, desired, audience.max_stay, now)
        return True
    if (
        row.confirmed
        and desired
        and ad_names.otherwise(ad_names.person(who.id, who.email, who.traits), row.sent_as)
    ):
        row.confirmed, row.changed_at, row.next_try_at = False, now, now
        return True
    return False


def owes(row: AudienceMemberRow) -> bool:
    """Whether the platform has to be told something."""
    return row.desired != row.confirmed or (row.named and not row.desired)


def membership(lead_id: str, row: AudienceMemberRow | None) -> Membership:
    if row is None:
        return Membership(lead_id)
    return Membership(lead_id, row.by_step, row.since, row.confirmed)


async def ask(session: AsyncSession, audience: str, lead_id: str, add: bool, now: datetime) -> None:
    """A flow's step puts the lead on the list or takes it off; consent still decides (see reactions)."""
    row = await session.get(AudienceMemberRow, (audience, lead_id))
    if row is None:
        row = enter(session, audience, lead_id, now)
    if row.desired and row.leaves_at and row.leaves_at <= now:  # no sync has seen it so far
        row.desired, row.changed_at, row.next_try_at = False, now, now
    found = asked(membership(lead_id, row), add, there=row.desired)
    row.by_step, row.since = found.by_step, found.since


async def to_remove(
    session: AsyncSession, audience: str, now: datetime, most: Callable[[int], int], everyone: bool
) -> list[Owed]:
    """The next of those to take off that may be tried now, who objects first. All were tried as often, so that
    nobody goes along with whom the platform does not let go of; `most`: how many after so many attempts.
    `everyone`: the list is given up."""
    query = (
        select(col(_Row.lead_id), col(_Row.sent_as), col(_Row.attempts))
        .where(col(_Row.audience) == audience, col(_Row.next_try_at) <= now)
        .order_by(col(_Row.next_try_at), col(_Row.lead_id))
    )
    objecting = query.where(*LEAVING, col(_Row.objects))
    pages = [objecting, query.where(*LEAVING, ~col(_Row.objects))]
    if everyone:
        pages.append(query.where(*_STRAYED))
    for first in (objecting.where(col(_Row.attempts) == 0), *pages):
        found = (await session.execute(first.limit(1))).first()
        if found:
            return await _as_often(session, pages, found.attempts, most)
    return []


async def _as_often(
    session: AsyncSession, pages: Sequence[Any], attempts: int, most: Callable[[int], int]
) -> list[Owed]:
    found: list[Owed] = []
    for page in pages:
        if left := most(attempts) - len(found):
            rows = await session.execute(page.where(col(_Row.attempts) == attempts).limit(left))
            for lead_id, sent, _ in rows:
                found.append(Owed(Person(**(sent or {"lead_id": lead_id})), attempts=attempts))
    return found


async def claim(
    session: AsyncSession, audience: str, now: datetime, limit: int, known_by: KnownBy
) -> list[Owed]:
    """The next page of additions, all tried as often: those alone who are to leave under an earlier name first, if
    there are any; else all, marked as named, since from here on the platform may hold them."""
    query: Any = (
        sa_select(
            col(_Row.lead_id),
            col(_Row.sent_as),
            col(_Row.attempts),
            col(LeadRow.email),
            col(LeadRow.traits),
        )
        .join(LeadRow, col(LeadRow.id) == col(_Row.lead_id))
        .where(
            col(_Row.audience) == audience,
            col(_Row.desired) != col(_Row.confirmed),
            col(_Row.desired),
            col(_Row.next_try_at) <= now,
        )
        .order_by(col(_Row.next_try_at), col(_Row.lead_id))
        .limit(limit)
        .with_for_update(of=AudienceMemberRow)
    )
    owed = [
        Owed(who := ad_names.person(lead_id, email, traits), earlier(who, sent, known_by), attempts)
        for lead_id, sent, attempts, email, traits in (await session.execute(query)).all()
    ]
    owed = [one for one in owed if one.attempts == owed[0].attempts]
    if before := [one for one in owed if one.before]:
        return before
    await name(session, audience, [one.person for one in owed], known_by)
    return owed


async def name(
    session: AsyncSession, audience: str, people: Sequence[Person], known_by: KnownBy
) -> None:
    """The platform may hold them under these names now, and under no earlier ones."""
    if people:
        marks = [ad_names.mark(audience, one, known_by(one)) for one in people]
        await session.execute(update(AudienceMemberRow), marks)


async def added(
    session: AsyncSession, audience: str, lead_ids: Sequence[str], now: datetime
) -> None:
    """The platform took them, also those who are to leave again meanwhile."""
    values = {"confirmed": True, "confirmed_at": now, "attempts": 0, "error": ""}
    await change(session, audience, lead_ids, values)


GONE: Mapping[str, Any] = {
    "confirmed": False,
    "confirmed_at": None,
    "named": False,
    "attempts": 0,
    "error": "",
    "sent_as": None,
    "email_hash": None,
    "phone_hash": None,
    "request": None,
}
"""Of whom no platform holds any more."""


async def removed(session: AsyncSession, audience: str, lead_ids: Iterable[str]) -> None:
    """The platform holds them no more."""
    await change(session, audience, lead_ids, GONE)


async def unconfirm_sharing(
    session: AsyncSession, audience: str, people: Sequence[Person], known_by: KnownBy
) -> None:
    """Platforms remove by address and phone, so a removal takes off everyone who shares one: to be named again."""
    told = [known_by(person) for person in people]
    for column, values in (
        (col(_Row.email_hash), {one.email for one in told} | {hashed(one.email) for one in people}),
        (col(_Row.phone_hash), {one.phone for one in told} | {hashed(one.phone) for one in people}),
    ):
        for some in _chunks(sorted(value for value in values if value)):
            shared = update(_Row).where(col(_Row.audience) == audience, column.in_(some))
            await session.execute(shared.values(confirmed=False))


async def refused(
    session: AsyncSession,
    audience: str,
    reasons: Mapping[str, str],
    until: datetime,
    sooner: datetime,
) -> None:
    """The platform did not take these people. Who could not even be sent is not held there; whom a search for bad
    records did not come to is tried `sooner`, without those that it found."""
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for lead_id, reason in reasons.items():
        by_reason[reason].append(lead_id)
    for reason, lead_ids in by_reason.items():
        values: dict[str, Any] = {
            "attempts": col(_Row.attempts) + 1,
            "error": reason,
            "next_try_at": until,
        }
        if reason == NO_IDENTIFIER:
            values |= {"named": False, "confirmed": False, "sent_as": None}
        if reason == NOT_TRIED:
            values |= {"attempts": col(_Row.attempts), "next_try_at": sooner}
        await change(session, audience, lead_ids, values)


async def overstayed(session: AsyncSession, audience: str, now: datetime) -> bool:
    """Of those whose stay is over the next are to leave; whether there may be more."""
    ended = (col(_Row.desired), col(_Row.leaves_at) <= now)
    left = {"desired": False, "changed_at": now, "next_try_at": now}
    return await _some(session, audience, ended, _Row.leaves_at, **left)


async def give_up(session: AsyncSession, audience: str, now: datetime) -> bool:
    """The next of those who should be on this list are to leave it; whether there may be more. Where the playbook wants
    them elsewhere the next comparison finds."""
    left = {"desired": False, "changed_at": now, "next_try_at": now, "attempts": 0, "error": ""}
    here = (col(_Row.desired), *(col(each).in_(_EITHER) for each in (_Row.confirmed, _Row.named)))
    return await _some(session, audience, here, None, **left)


async def refresh(session: AsyncSession, audience: str, older: datetime, now: datetime) -> bool:
    """Of those whom the platform took before `older` the next are to be named again; whether there may be more."""
    stale = (*_STAYING, col(_Row.confirmed_at) <= older)
    doubted = {"confirmed": False, "changed_at": now, "next_try_at": now}
    return await _some(session, audience, stale, _Row.confirmed_at, **doubted)


async def wanted(session: AsyncSession, audience: str, after: str, limit: int) -> list[Person]:
    """The next page of those who should be on the list."""
    query = (
        select(col(_Row.lead_id), col(LeadRow.email), col(LeadRow.traits))
        .join(LeadRow, col(LeadRow.id) == col(_Row.lead_id))
        .where(col(_Row.audience) == audience, col(_Row.desired), col(_Row.lead_id) > after)
        .order_by(col(_Row.lead_id))
        .limit(limit)
    )
    return [ad_names.person(*row) for row in (await session.execute(query)).all()]


async def members(session: AsyncSession, audience: str, after: str, limit: int) -> list[Person]:
    """The next page of those who are on the list and are to stay, as they were named there."""
    query = (
        select(col(_Row.sent_as))
        .where(col(_Row.audience) == audience, *_STAYING, col(_Row.lead_id) > after)
        .order_by(col(_Row.lead_id))
        .limit(limit)
    )
    return [Person(**sent) for sent in (await session.execute(query)).scalars() if sent]


async def size(session: AsyncSession, audience: str) -> int:
    """How many are on the list and are to stay."""
    query = select(func.count()).select_from(_Row).where(col(_Row.audience) == audience, *_STAYING)
    return int((await session.execute(query)).scalar_one())


async def taken_again(session: AsyncSession, audience: str, now: datetime) -> bool:
    """The platform took everybody who stays once more: the next of them; whether there may be more."""
    before = (*_STAYING, col(_Row.confirmed_at) < now)
    return await _some(session, audience, before, _Row.confirmed_at, confirmed_at=now)


async def doubted(
    session: AsyncSession, audience: str, lead_ids: Sequence[str], now: datetime
) -> None:
    """A replacement left these out; they are named one by one, which tells why."""
    await change(session, audience, lead_ids, {"confirmed": False, "next_try_at": now})


async def next_due(
    session: AsyncSession, audience: str, adds: bool, everyone: bool
) -> datetime | None:
    """When something owed may next be tried, or someone's stay ends."""
    here = col(_Row.audience) == audience
    owed: list[Sequence[Any]] = [LEAVING]
    if everyone:
        owed.append(_STRAYED)
    if adds:
        owed.append((col(_Row.desired) != col(_Row.confirmed), col(_Row.desired)))
    queries: list[Any] = [select(func.min(_Row.next_try_at)).where(here, *each) for each in owed]
    if not everyone:
        queries.append(select(func.min(_Row.leaves_at)).where(here, col(_Row.desired)))
    times = [(await session.execute(query)).scalar_one() for query in queries]
    return min((at for at in times if at is not None), default=None)


async def anyone_named(session: AsyncSession, audience: str, refused: bool = True) -> bool:
    """Whether the platform may hold anybody, counting those or not whom it `refused` to let go of."""
    held = col(_Row.audience) == audience, col(_Row.confirmed).in_(_EITHER), col(_Row.named)
    query = select(col(_Row.lead_id)).where(*held)
    if not refused:
        query = query.where(col(_Row.error) == "")
    return (await session.execute(query.limit(1))).first() is not None


async def _some(
    session: AsyncSession, audience: str, where: Sequence[Any], first: Any, **values: Any
) -> bool:
    """Change some of those that this is true of, so that it no longer is; whether there may be more. A list may be
    long, and nobody else writes meanwhile. The `first` by that go first, so that each piece is found where the one
    before ended."""
    query = select(col(_Row.lead_id)).where(col(_Row.audience) == audience, *where).order_by(first)
    found = (await session.execute(query.limit(_AT_ONCE).with_for_update())).scalars().all()
    await change(session, audience, found, values)
    return len(found) == _AT_ONCE


async def change(
    session: AsyncSession,
    audience: str,
    lead_ids: Iterable[str],
    values: Mapping[str, Any],
    *where: Any,
) -> None:
    """Those of these leads of whom that is true."""
    for some in _chunks(list(lead_ids)):
        rows = update(_Row).where(col(_Row.audience) == audience, col(_Row.lead_id).in_(some))
        await session.execute(rows.where(*where).values(**values))


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
