"""Edits of the playbook with leads in flight: whom they meet, who is woken, and where each goes on.

Rules: nurture.domain.edits. A run's row keeps the hash of the version its place belongs to.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import edits
from nurture.domain.edits import Fate
from nurture.domain.flow import Flow, InFlight
from nurture.playbook import Playbook
from nurture.playbook.planning import Difference, renamed
from nurture.store import enrolments, messages, wakeups
from nurture.store.tables import EnrolmentRow

SPACING = timedelta(milliseconds=100)
"""Leads that an edit wakes come one after another: ten a second, however many there are."""

Version = Callable[[AsyncSession, str], Awaitable[Playbook]]


@dataclass(frozen=True)
class Affected:
    """So many leads stand at that step of that flow, and this becomes of them."""

    flow: str
    step: str | None
    fate: str
    leads: int


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
    async for run, its_fate in _fates(session, old, new, changed, version, now):
        counts[run.flow, run.step or "", its_fate.words] += 1
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
    """Give runs their flow's new name and wake, spread out, those that cannot sleep on; how many."""
    woken = [
        run.id
        async for run, its_fate in _fates(session, old, new, changed, version, now)
        if its_fate.woken
    ]
    for before, name in renamed(old.flows, new.flows).items():
        await enrolments.rename(session, before, name)
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
    flow = await _named(session, book, current, run)
    if flow is None:
        enrolments.end(run, edits.FLOW_REMOVED, now)
        return None
    if run.playbook == current.hash:
        return current
    old = _flow_of(book, run.flow, flow)
    if old is not None and old.revision != flow.revision:
        if flow.in_flight is InFlight.EXIT:
            enrolments.end(run, edits.FLOW_CHANGED, now)
            return None
        if flow.in_flight is InFlight.FINISH_OLD:
            steps = edits.steps_among(old, current.flows)
            kept = replace(old, id=run.flow, steps=steps, paused=flow.paused)
            senders = {**book.sender_of, run.flow: book.sender_of[old.id]}
            return replace(book, flows={**book.flows, run.flow: kept}, sender_of=senders)
        if not await _adopted(session, run, old, flow, now):
            return None
    # A step that only a newer release's version has:
    elif run.step not in (None, *flow.steps) and not await _adopted(session, run, flow, flow, now):
        return None
    run.playbook = current.hash
    return current


async def _named(
    session: AsyncSession, book: Playbook, current: Playbook, run: EnrolmentRow
) -> Flow | None:
    """The run's flow as it is now. A run that was begun while the others were renamed is renamed here."""
    flow = _flow_of(current, run.flow, book.flows.get(run.flow))
    if flow and flow.id != run.flow:
        await enrolments.rename_one(session, run, flow.id)
    return flow


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
    await wakeups.spread(session, wakeups.ENROLMENT, runs, now, SPACING)


async def _fates(
    session: AsyncSession,
    old: Playbook,
    new: Playbook,
    changed: Difference,
    version: Version,
    now: datetime,
) -> AsyncIterator[tuple[EnrolmentRow, Fate]]:
    names = {change.before: change.flow for change in changed.flows if change.before}
    async for page in enrolments.in_flight(session, sorted(names)):
        for run in page:
            name = names[run.flow]
            flow = new.flows[name] if name else None
            book = old if run.playbook == old.hash else await version(session, run.playbook)
            its = _flow_of(book, run.flow, flow) or old.flows[run.flow]
            its = replace(its, paused=old.flows[run.flow].paused)
            yield run, edits.fate(its, flow, enrolments.cursor(run), now)


def _flow_of(book: Playbook, name: str, flow: Flow | None) -> Flow | None:
    """The flow in an earlier or later version, whatever it was called there."""
    names: Sequence[str] = (name, *(sorted(flow.formerly) if flow else ()))
    found = next((book.flows[each] for each in names if each in book.flows), None)
    return found or next((each for each in book.flows.values() if name in each.formerly), None)
