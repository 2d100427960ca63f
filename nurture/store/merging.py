"""Joining two leads that turned out to be one person, without losing anything either had."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from pydantic_core import to_json
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from nurture.domain import cases
from nurture.domain.feedback import HARD_BOUNCE, graver
from nurture.domain.sla import HOW_FAR, SALES_OWNED, State
from nurture.store import (
    audiences,
    calls,
    consents,
    enrolments,
    handovers,
    messages,
    wakeups,
    ways,
    words,
)
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.columns import table
from nurture.store.feedback_tables import FeedbackRow
from nurture.store.handover_tables import HandoverRow, SaleRow
from nurture.store.tables import (
    ConsentRequestRow,
    ConsentRow,
    IdentityRow,
    LeadRow,
    MessageRow,
    StageChangeRow,
    TouchRow,
)

MOST_TRAITS, LARGEST_TRAITS = 500, 64 * 1024
"""Names that a lead may have, also of what was deleted since; and bytes of all it said, as JSON."""

_MOVED: tuple[type[SQLModel], ...] = (
    IdentityRow,
    TouchRow,
    StageChangeRow,
    ConsentRow,
    ConsentRequestRow,
    SaleRow,
    MessageRow,
    FeedbackRow,
)


async def merge(
    session: AsyncSession, stays: LeadRow, goes: LeadRow, rank: Mapping[str, int], now: datetime
) -> list[HandoverRow]:
    """Everything of `goes` becomes `stays`'; the emptied row remains and points to where it went.

    The handovers that are over by it, of which sales has yet to hear that."""
    await session.flush()
    for moved in _MOVED:
        column = table(moved).c.lead_id
        await session.execute(update(moved).where(column == goes.id).values(lead_id=stays.id))
    await ways.retell(session, stays.id)
    await _join_runs(session, stays, goes, now)
    over = await _join_handovers(session, stays, goes, now)
    await _join_lists(session, stays, goes, now)
    _join_person(stays, goes, rank)
    address, goes.email = goes.email, None
    await session.flush()  # no two leads have one address, not even for a moment
    _join_address(stays, goes, address, now)
    goes.merged_into = stays.id
    await words.forget(session, [goes.id])
    goes.traits, goes.traits_at = {}, {}
    goes.tags, goes.consents, goes.declined = [], [], []
    goes.cases, goes.cases_told = [], {}
    goes.sales_owned, goes.next_score_at = False, None
    stays.tally, goes.tally = None, None
    await consents.fold(session, [stays])
    await session.flush()
    return over


class Described(Protocol):
    email: str | None
    traits: dict[str, Any]
    traits_at: dict[str, str]


_ADDRESS = "@"
"""Among the times at which traits were told: when a trusted source told the address. No trait is called so."""


def tell_address(row: Described, email: str, at: datetime, trusted: bool) -> None:
    """Take over an address that a trusted source told at `at`, unless it told another since; anybody's where there is
    none yet."""
    stamp, known_at = at.isoformat(), row.traits_at.get(_ADDRESS, "")
    if not row.email or (trusted and (stamp, email) > (known_at, row.email)):
        row.email = email
    if trusted and stamp > known_at:
        row.traits_at = {**row.traits_at, _ADDRESS: stamp}


def forget_bounces(row: LeadRow, now: datetime) -> None:
    """For a lead with another address: what came back came back from the old one. A complaint is the person's."""
    row.soft_bounces, row.bounces_since = 0, now
    if row.suppressed == HARD_BOUNCE:
        row.suppressed = None


def too_much(row: Described, traits: Mapping[str, Any]) -> str:
    """Why the lead cannot be told these as well, or nothing. Whoever looks at a lead reads all of them."""
    new = traits.keys() - row.traits_at.keys()
    if new and (number := len(row.traits_at) + len(new)) > MOST_TRAITS:
        return (
            f"traits: a lead has {MOST_TRAITS} at most, and with these this one would have {number}; "
            "send what changes (a date, an id) as the value of one trait, or as a property of a touch"
        )
    size = len(to_json({**row.traits, **traits})) if traits else 0
    if size > LARGEST_TRAITS and size > len(to_json(row.traits)):
        return (
            f"traits: with these the lead's would be larger than {LARGEST_TRAITS // 1024} KB; "
            "send long texts as properties of touches"
        )
    return ""


def tell_traits(row: Described, traits: Mapping[str, Any], at: datetime) -> bool:
    """Take over traits said at `at`, unless something newer is known; None deletes. True if any changed."""
    said, said_at = dict(row.traits), dict(row.traits_at)
    stamp = at.isoformat()
    for name, value in traits.items():
        known_at = said_at.get(name, "")
        if known_at > stamp or (known_at == stamp and repr(said.get(name)) > repr(value)):
            continue  # of two said at one moment always the same, whichever arrives first
        said_at[name] = stamp
        if value is None:
            said.pop(name, None)
        else:
            said[name] = value
    changed = said != row.traits
    row.traits, row.traits_at = said, said_at
    return changed


async def _join_runs(session: AsyncSession, stays: LeadRow, goes: LeadRow, now: datetime) -> None:
    """Runs are numbered per lead: the newcomer's go behind. A second active one of a flow ends, and what it sent and
    whom its webhooks told is known to the first. All look again: what one waits for may be what the other lead did."""
    mine = await enrolments.of_lead(session, stays.id)
    theirs = await enrolments.of_lead(session, goes.id)
    for row in (*mine, *theirs):
        if row.ended is None:
            enrolments.wake(session, row, now)
    busy = {row.flow: row for row in mine if row.ended is None}
    number = max((row.ordinal for row in mine), default=0)
    for row in theirs:
        number += 1
        row.ordinal, row.lead_id = number, stays.id
        if row.ended is None and row.flow in busy:
            enrolments.end(row, "merged", now)
            await messages.hand_over(session, row, busy[row.flow], now)
            await calls.hand_over(session, row.id, busy[row.flow].id)


async def _join_handovers(
    session: AsyncSession, stays: LeadRow, goes: LeadRow, now: datetime
) -> list[HandoverRow]:
    """Of what is one lead sales keeps one handover: that with which it is further, of two alike the elder. The others
    are over. Tasks are each a thing of its own and stay as they are.

    The newcomer's are numbered behind, and last the one that is kept: whoever has the lead in hand owns it.
    """
    query = select(HandoverRow).where(col(HandoverRow.lead_id).in_([stays.id, goes.id]))
    rows = list((await session.execute(query.order_by(col(HandoverRow.ordinal)))).scalars())
    if all(row.lead_id == stays.id for row in rows):
        return []
    kept, over = _keep_one(row for row in rows if row.kind == handovers.HANDOVER)
    for row in over:
        row.state, row.closed_at = State.RECYCLED, now
        row.outcome = f"the lead was joined with one that {kept[0].owner} has in hand"
        handovers.log(session, row, str(row.state), now, "identity", row.outcome)
        handovers.wake(session, row, now)
    await session.flush()  # no lead has two that are open, not even for a moment
    last = max((row.ordinal for row in rows if row.lead_id == stays.id), default=0)
    moved = [row for row in rows if row.lead_id == goes.id and row not in kept]
    for number, row in enumerate([*moved, *kept], last + 1):
        row.ordinal, row.lead_id = number, stays.id
    return over


def _keep_one(rows: Iterable[HandoverRow]) -> tuple[list[HandoverRow], list[HandoverRow]]:
    """The one that sales goes on with, if it has any in hand, and the others."""
    in_hand = [row for row in rows if row.state in SALES_OWNED]
    in_hand.sort(key=lambda row: (-HOW_FAR[State(row.state)], row.opened_at, row.id))
    return in_hand[:1], in_hand[1:]


async def _join_lists(session: AsyncSession, stays: LeadRow, goes: LeadRow, now: datetime) -> None:
    """What flows asked for holds for the joined lead; under its old id it leaves every list it is on."""
    query = select(AudienceMemberRow).where(col(AudienceMemberRow.lead_id) == goes.id)
    for row in list((await session.execute(query)).scalars()):
        kept = await session.get(AudienceMemberRow, (row.audience, stays.id))
        if row.by_step is not None and (kept is None or kept.by_step is None):
            kept = kept or audiences.enter(session, row.audience, stays.id, now)
            kept.by_step, kept.since = row.by_step, kept.since or row.since
        row.by_step = False
        audiences.want(row, False, None, now)
        if row.named:
            wakeups.add(session, wakeups.AUDIENCE, row.audience, now)


def _join_address(stays: LeadRow, goes: LeadRow, address: str | None, now: datetime) -> None:
    """The mails to both stand in one ledger now, which does not say to which of two addresses each went."""
    told_at, two = goes.traits_at.get(_ADDRESS), bool(address and stays.email)
    if address:
        at = datetime.fromisoformat(told_at) if told_at else goes.created_at
        tell_address(stays, address, at, trusted=told_at is not None)
    owner, other = (goes, stays) if address and stays.email == address else (stays, goes)
    count, since = owner.soft_bounces, owner.bounces_since
    forget_bounces(other, now)
    stays.soft_bounces, stays.bounces_since = count, now if two else since
    stays.suppressed = graver(owner.suppressed, other.suppressed)


def _join_person(stays: LeadRow, goes: LeadRow, rank: Mapping[str, int]) -> None:
    for name, stamp in goes.traits_at.items():
        if name != _ADDRESS:
            tell_traits(stays, {name: goes.traits.get(name)}, datetime.fromisoformat(stamp))
    if stays.scored_by != goes.scored_by:
        stays.scored_by = "joined"
    stays.tags = sorted({*stays.tags, *goes.tags})
    stays.cases_told = dict(cases.joined(stays.cases_told, goes.cases_told))
    stays.cases = cases.open_products(stays.cases_told, {*stays.cases, *goes.cases})
    stays.created_at = min(stays.created_at, goes.created_at)
    firsts = [(row.first_touch_at, row.source or "") for row in (stays, goes) if row.first_touch_at]
    if firsts:
        stays.first_touch_at, stays.source = min(firsts)
    talks = [at for at in (stays.talks_until, goes.talks_until) if at]
    stays.talks_until = max(talks, default=None)
    breaks = [until for until in (stays.paused_until, goes.paused_until) if until]
    stays.paused_until = max(breaks, default=None)
    stays.sales_owned = stays.sales_owned or goes.sales_owned
    rests = [until for until in (stays.cooled_until, goes.cooled_until) if until]
    stays.cooled_until = max(rests, default=None)
    if rank.get(goes.stage, 0) > rank.get(stays.stage, 0):
        stays.stage = goes.stage
