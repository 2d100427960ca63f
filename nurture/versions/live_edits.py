"""Edits of the playbook with leads in flight: whom they meet, who is woken, and where each goes on.

Rules: nurture.domain.edits. A run's row keeps the hash of the version its place belongs to.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import edits
from nurture.domain.edits import Fate
from nurture.domain.flow import Flow, InFlight
from nurture.domain.renaming import back_then, forebears, in_force
from nurture.playbook import Playbook
from nurture.playbook.planning import Difference
from nurture.store import calls, enrolments, messages, wakeups
from nurture.store.tables import EnrolmentRow

Version = Callable[[AsyncSession, str], Awaitable[Playbook]]


@dataclass(frozen=True)
class Affected:
    """So many leads stand at that step of that flow, and this becomes of them."""

    flow: str
    step: str | None
    fate: str
    leads: int


@dataclass(frozen=True)
class _Met:
    """A run that an edit meets, its flow's name so far and from now on, and its fate."""

    run: EnrolmentRow
    before: str
    flow: str | None
    fate: Fate


async def affected(
    session: AsyncSession,
    old: Playbook,
    new: Playbook,
    changed: Difference,
    version: Version,
    now: datetime,
) -> list[Affected]:
    """Leads in flight in the flows that change, by flow, step and fate."""
    counts: Counter[tuple[str, str, str]] = Counter()
    async for met in _met(session, old, new, changed, version, now):
        counts[met.before, met.run.step or "", met.fate.words] += 1
    return [
        Affected(flow, step or None, words, number)
        for (flow, step, words), number in sorted(counts.items())
    ]


async def carry_out(
    session: AsyncSession,
    old: Playbook,
    new: Playbook,
    changed: Difference,
    version: Version,
    now: datetime,
) -> int:
    """Give runs their flow's new name and wake, spread out, those that cannot sleep on; how many. Of a lead that is in
    two flows which become one, the second run ends."""
    before = forebears(old.flows, new.flows)
    woken, doubled = [], []
    async for met in _met(session, old, new, changed, version, now):
        if met.fate.woken:
            woken.append(met.run.id)
        if met.flow and met.fate.ends == edits.FLOW_MERGED:
            doubled.append((met.run.id, new.flows[met.flow], before[met.flow][0]))
    for id, flow, first in doubled:
        if (run := await enrolments.lock(session, id)) and run.ended is None:
            await _merged(session, run, flow, first, now)
    for name, names in before.items():
        for earlier in names:
            if earlier != name:
                await enrolments.rename(session, earlier, name, ended=earlier != names[0])
    await _wake(session, woken, now)
    return len(woken)


async def wake_all(session: AsyncSession, now: datetime) -> None:
    """Wake every lead in flight, spread out: which of them the edit meets, nobody can say."""
    pages = enrolments.in_flight(session)
    await _wake(session, [run.id async for page in pages for run in page], now)


async def book_of(
    session: AsyncSession, version: Version, current: Playbook, run: EnrolmentRow, now: datetime
) -> Playbook | None:
    """The version that the run goes on by, after bringing its place in line; None: it has ended."""
    book = current if run.playbook == current.hash else await version(session, run.playbook)
    flow = in_force(book.flows, current.flows, run.flow)
    if flow is None:
        enrolments.end(run, edits.FLOW_REMOVED, now)
        return None
    edited = _edited(book, flow, run)
    if edited and flow.in_flight is InFlight.EXIT and not _renamed(book, edited, current, flow):
        enrolments.end(run, edits.FLOW_CHANGED, now)
        return None
    stays = run.flow == flow.id or not edited or edited.root == flow.root
    if run.flow != flow.id and not await _comes_over(session, run, flow, now):
        return None
    if run.playbook == current.hash:
        return current
    if edited and stays and flow.in_flight is InFlight.FINISH_OLD:
        return _finishing(book, edited, current, flow)
    # Or a step that only a newer release's version has:
    astray = edited or run.step not in (None, *flow.steps)
    if astray and not await _adopted(session, run, edited or flow, flow, now):
        return None
    run.playbook = current.hash
    return current


def _edited(book: Playbook, flow: Flow, run: EnrolmentRow) -> Flow | None:
    """The flow in the run's own version; None where the one in force means the same to it."""
    old = back_then(book.flows, flow, run.flow)
    return old if old and old.revision != flow.revision else None


def _renamed(book: Playbook, old: Flow, current: Playbook, flow: Flow) -> bool:
    """Whether nothing but names differs from the run's own version."""
    steps = edits.steps_among(old, book.flows, current.flows)
    return old.root == flow.root and edits.alike(replace(old, steps=steps), flow)


async def _comes_over(session: AsyncSession, run: EnrolmentRow, flow: Flow, now: datetime) -> bool:
    """Whether the run goes on in the flow. It was begun while the others were renamed, or its flow was merged into
    this one."""
    if await _merged(session, run, flow, flow.id, now):
        return False
    await enrolments.rename_one(session, run, flow.id)
    return True


def _finishing(book: Playbook, old: Flow, current: Playbook, flow: Flow) -> Playbook:
    """The run's own version, in which its flow goes by the name of today, and hears what was told by any other."""
    kept = replace(
        old,
        id=flow.id,
        origin=old.root,
        steps=edits.steps_among(old, book.flows, current.flows),
        paused=flow.paused,
        formerly=old.formerly | flow.formerly | {old.id},
    )
    senders = {**book.sender_of, flow.id: book.sender_of[old.id]}
    return replace(book, flows={**book.flows, flow.id: kept}, sender_of=senders)


async def _beside(
    session: AsyncSession, run: EnrolmentRow, flow: Flow, first: str
) -> EnrolmentRow | None:
    """The lead's run that goes on in the flow if this one, whose flow was merged into it, does not. `first`: by which
    name those go that need not come over."""
    names = {flow.id, first, *flow.formerly}
    of_lead = await enrolments.of_lead(session, run.lead_id)
    runs = [row for row in of_lead if row.ended is None and row.flow in names]
    goes_on = min(runs, key=lambda row: (row.flow not in (flow.id, first), row.id), default=None)
    return goes_on if goes_on and goes_on.id != run.id else None


async def _merged(
    session: AsyncSession, run: EnrolmentRow, flow: Flow, first: str, now: datetime
) -> bool:
    """Whether it ended because the lead is in the flow already. Its mails go over, so that none is sent again."""
    goes_on = await _beside(session, run, flow, first)
    if goes_on is None:
        return False
    await messages.hand_over(session, run, goes_on, now, flow)
    await calls.hand_over(session, run.id, goes_on.id, flow)
    enrolments.end(run, edits.FLOW_MERGED, now)
    return True


async def _adopted(
    session: AsyncSession, run: EnrolmentRow, old: Flow, flow: Flow, now: datetime
) -> bool:
    """Whether the run has a place in the edited flow; it is moved there, and its mails go by their steps' new names."""
    cursor = edits.adopt(old, flow, enrolments.cursor(run), now)
    names = {step: name for step in old.steps if (name := edits.counterpart(old, flow, step))}
    if run.step and run.step not in names:
        await messages.give_up(session, run, "its step was deleted", now)
    if any(step != name for step, name in names.items()):
        await messages.follow(session, run, names)
    if cursor is None:
        enrolments.end(run, edits.STEP_REMOVED, now)
        return False
    run.step, run.since = cursor.step, cursor.since
    return True


async def _wake(session: AsyncSession, runs: list[str], now: datetime) -> None:
    """In an order that favours nobody."""
    runs.sort(key=lambda id: sha256(id.encode()).digest())
    await wakeups.spread(session, wakeups.ENROLMENT, runs, now, wakeups.SPACING)


async def _met(
    session: AsyncSession,
    old: Playbook,
    new: Playbook,
    changed: Difference,
    version: Version,
    now: datetime,
) -> AsyncIterator[_Met]:
    before = forebears(old.flows, new.flows)
    becomes = {was: name for name, names in before.items() for was in names}
    changing = {change.before for change in changed.flows if change.before}
    names = {was for name in changing for was in (name, *old.flows[name].formerly)}
    async for page in enrolments.in_flight(session, sorted(names)):
        for run in page:
            book = old if run.playbook == old.hash else await version(session, run.playbook)
            flow = in_force(book.flows, old.flows, run.flow)
            if flow is None or flow.id not in changing:
                continue
            its = back_then(book.flows, flow, run.flow) or flow
            steps = edits.steps_among(its, book.flows, new.flows)
            its = replace(its, steps=steps, paused=flow.paused)
            name = becomes.get(flow.id)
            if name is None or run.flow == before[name][0]:
                after = new.flows[name] if name else None
                found = edits.fate(its, after, enrolments.cursor(run), now)
            else:
                inside = await _beside(session, run, new.flows[name], before[name][0])
                found = edits.fate_of_joining(
                    its, new.flows[name], enrolments.cursor(run), now, inside is not None
                )
            yield _Met(run, flow.id, name, found)
