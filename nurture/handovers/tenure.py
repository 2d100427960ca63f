"""Who has a handover in hand, and how its clock stands. Rules: nurture.domain.owners and nurture.domain.sla."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import owners, sla, terms
from nurture.domain.calendar import Span
from nurture.domain.lead import Facts
from nurture.domain.owners import Owner
from nurture.domain.sla import Deadline, Pause, State, Team, Terms
from nurture.playbook import HandoverRule, Playbook, calendars
from nurture.store import handovers
from nurture.store.handover_tables import HandoverRow


@dataclass(frozen=True)
class Clock:
    """The terms of one handover and when they stood still."""

    terms: Terms
    pauses: tuple[Pause, ...]


def team_of(playbook: Playbook, name: str) -> Team:
    """The team of that name; one that is gone since has handed its leads to the one in the rule."""
    return playbook.teams.get(name, playbook.handover.team)


async def choose(
    session: AsyncSession,
    playbook: Playbook,
    team: Team,
    facts: Facts,
    now: datetime,
    instead_of: str = "",
) -> Owner:
    """Whose turn it is; somebody else than `instead_of`, if there is anybody else."""
    loads = await handovers.loads(session, team.id, now - playbook.promise.period)
    members = [owner for owner in team.members if owner.id != instead_of] or list(team.members)
    return team.member(owners.choose(members, team.assignments, loads, facts, now))


def given(rule: HandoverRule, owner: Owner, within: Span | None = None) -> Terms:
    """The terms a new handover gets: on its owner's clock; `within` is the deadline of a single task."""
    own = replace(rule.terms, calendar=owner.calendar or rule.terms.calendar)
    return replace(own, contact_within=within, accept_within=None) if within else own


def clock(row: HandoverRow, playbook: Playbook, current: Playbook) -> Clock:
    """How the handover's clock stands under what was agreed; sets its `due_at`.

    `playbook` is the one it was opened under, `current` knows who is away.
    """
    agreed = playbook.handover.terms
    if row.terms:
        agreed = terms.from_json(row.terms, calendars.zone, calendars.holidays_of)
    pauses = list(terms.pauses_from_json(row.pauses))
    if current.handover.absence_pauses:
        owner = team_of(current, row.team).member(row.owner)
        pauses = _with_absences(pauses, owner, row.held_since or row.opened_at)
    row.due_at = sla.due_at(agreed, row.opened_at, pauses)
    return Clock(agreed, tuple(pauses))


def plan(row: HandoverRow, clock: Clock) -> tuple[Deadline, ...]:
    """What is due on it when: until the contact what was promised, from then on an outcome."""
    if State(row.state) in sla.RUNNING:
        accepted = row.accepted_at is not None
        return sla.deadlines(clock.terms, row.opened_at, clock.pauses, accepted)
    talked = [at for at in (row.contacted_at, row.until) if at]
    if row.kind == handovers.TASK or not talked:
        return ()
    return sla.outcome(clock.terms, max(talked), clock.pauses)


def next_look(row: HandoverRow, clock: Clock, now: datetime) -> datetime | None:
    """When something of the plan is to be done (`now`, if something is due); None: not by itself."""
    due, later = sla.due_now(plan(row, clock), frozenset(row.done), now, clock.pauses)
    return now if due else later


def keep_begun(row: HandoverRow, pauses: Iterable[Pause], now: datetime) -> None:
    """An absence that has begun stays with the handover, whoever holds it next."""
    row.pauses = terms.pauses_to_json(pause for pause in pauses if pause.start <= now)


def keep_been(row: HandoverRow, pauses: Iterable[Pause], now: datetime) -> None:
    """The same before who is away changes: of an absence that lasts only what has been of it so far."""
    keep_begun(row, (_cut(each, now) if _is_absence(each) else each for each in pauses), now)


def pause(row: HandoverRow, start: datetime, end: datetime, why: str) -> None:
    resume(row, start)
    row.pauses = [*row.pauses, *terms.pauses_to_json([Pause(start, end, why)])]


def resume(row: HandoverRow, now: datetime) -> None:
    """Whatever the lead had asked for is over; that the owner is away is not."""
    row.pauses = terms.pauses_to_json(
        each if _is_absence(each) else _cut(each, now)
        for each in terms.pauses_from_json(row.pauses)
    )


def _is_absence(pause: Pause) -> bool:
    return pause.why == sla.OWNER_ABSENT


def _cut(pause: Pause, now: datetime) -> Pause:
    return replace(pause, end=now) if pause.holds(now) else pause


def _with_absences(pauses: list[Pause], owner: Owner, since: datetime) -> list[Pause]:
    """Of what was kept of an absence the present length counts."""
    known = {(each.start, each.why): each for each in (*pauses, *sla.absences(owner, since))}
    return list(known.values())
