"""Where a handover stands: what sales may say of it, what that changes, and what is due when.

Pure, so that the desk, which keeps it in a row, and the simulation, which keeps it in memory, come to the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from nurture.domain import sla
from nurture.domain.sla import Deadline, Pause, State, Terms


@dataclass(frozen=True)
class Handover:
    """`is_task`: a single thing to do, which leaves the lead where it is. `until`: the end of a snooze, when a booked
    meeting is, or when the talk was that came of one. `done`: the deadlines that were acted on.

    The clock stands still for `pauses`, which stay with the handover, and while who has it now is `away`.
    """

    terms: Terms
    opened_at: datetime
    is_task: bool = False
    state: State = State.OPEN
    accepted_at: datetime | None = None
    contacted_at: datetime | None = None
    closed_at: datetime | None = None
    until: datetime | None = None
    how: str | None = None
    done: tuple[str, ...] = ()
    pauses: tuple[Pause, ...] = ()
    away: tuple[Pause, ...] = ()

    @property
    def paused(self) -> tuple[Pause, ...]:
        """Of what was kept of an absence the present length counts."""
        known = {(each.start, each.why): each for each in (*self.pauses, *self.away)}
        return tuple(known.values())

    @property
    def due_at(self) -> datetime:
        """When the contact is due."""
        return sla.due_at(self.terms, self.opened_at, self.paused)

    @property
    def plan(self) -> tuple[Deadline, ...]:
        """What is due on it when: until the contact what was promised, from then on an outcome."""
        if self.state in sla.RUNNING:
            accepted = self.accepted_at is not None
            return sla.deadlines(self.terms, self.opened_at, self.paused, accepted)
        talked = [at for at in (self.contacted_at, self.until) if at]
        if self.is_task or not talked:
            return ()
        return sla.outcome(self.terms, max(talked), self.paused)

    def due(self, now: datetime) -> tuple[list[Deadline], datetime | None]:
        """What is to be done now, and when the next will be (None: not by itself)."""
        return sla.due_now(self.plan, frozenset(self.done), now, self.paused)

    def next_look(self, now: datetime) -> datetime | None:
        """When something of the plan is to be done (`now`, if something is due); None: not by itself."""
        due, later = self.due(now)
        return now if due else later

    def fulfils(self, before: "Handover") -> bool:
        """Whether it is a task that is done, and `before` was not: once, however often its meeting is moved."""
        return self.is_task and self.state in sla.TALKING and before.state not in sla.TALKING

    def may_become(self, answer: State) -> bool:
        return follows(self.state, answer, self.is_task)

    def is_known(self, answer: State, until: datetime | None) -> bool:
        """Said before, so that saying it twice does no harm. A date that is moved is news."""
        if answer is State.BOOKED:
            booked = self.state in sla.MEETING and self.until is not None
            return booked and until in (None, self.until)
        moved = answer is State.SNOOZED and until not in (None, self.until)
        return self.state is answer and not moved

    def answered(
        self,
        answer: State,
        at: datetime,
        until: datetime | None = None,
        how: str | None = None,
        why: str = "",
    ) -> "Handover":
        """Where it stands once sales said that. A snooze says nothing of the lead."""
        if answer in sla.GIVEN_BACK:
            return self.ended(answer, at)
        told = replace(self._resumed(at), state=answer, until=until)
        if answer is State.SNOOZED and until:
            return told._paused(at, until, why)
        told = replace(told, accepted_at=self.accepted_at or at)
        match answer:
            case State.CONTACTED:
                told = replace(told, until=self._talk_until(at))._talked(at, how)
            case State.BOOKED:
                told = told._booked(at)
            case State.WON:
                # By then there was a contact. That a lost one was answered in time stays so.
                told = replace(told, contacted_at=self.contacted_at or self.closed_at or at)
                return told.ended(State.WON, at)
        return told.ended(told.state, at) if told.fulfils(self) else told

    def ended(self, state: State, at: datetime) -> "Handover":
        return replace(self, state=state, closed_at=at)

    def begun(self, now: datetime) -> "Handover":
        """An absence that has begun stays with the handover, whoever holds it next."""
        return replace(self, pauses=tuple(each for each in self.paused if each.start <= now))

    def been(self, now: datetime) -> "Handover":
        """The same before who is away changes: of an absence that lasts only what has been of it so far."""
        begun = self.begun(now)
        return replace(begun, pauses=_cut(begun.pauses, now, absences=True))

    def _resumed(self, now: datetime) -> "Handover":
        """Whatever the lead had asked for is over; that the owner is away is not."""
        return replace(self, pauses=_cut(self.pauses, now, absences=False))

    def _paused(self, start: datetime, end: datetime, why: str) -> "Handover":
        return replace(self, pauses=(*self.pauses, Pause(start, end, why)))

    def _talked(self, at: datetime, how: str | None) -> "Handover":
        return replace(self._to_ask, contacted_at=self.contacted_at or at, how=how)

    def _booked(self, at: datetime) -> "Handover":
        """A meeting is agreed: where that is no contact, and there was none, the clock stands still until then."""
        if self.contacted_at or self.until is None:
            return self._to_ask
        if sla.BOOKING in self.terms.contacted:
            return self._talked(at, sla.BOOKING)
        return replace(self._to_ask, state=State.ACCEPTED)._paused(at, self.until, "meeting booked")

    def _talk_until(self, at: datetime) -> datetime | None:
        """When the meeting is that a talk told `at` then came of. None: none was booked."""
        return max(at, self.until) if self.until and self.state in sla.MEETING else None

    @property
    def _to_ask(self) -> "Handover":
        """The outcome is asked for after each talk and meeting."""
        return replace(self, done=tuple(each for each in self.done if each != sla.ASKED))


def follows(state: State, answer: State, is_task: bool) -> bool:
    """Whether this may be answered now. Of a single task less can be said than of a lead."""
    if is_task and answer not in sla.TASK_ANSWERS:
        return False
    return state in sla.ANSWERS.get(answer, frozenset())


def _cut(pauses: Iterable[Pause], now: datetime, absences: bool) -> tuple[Pause, ...]:
    """Those that last are over now, either the absences or all others."""
    return tuple(
        replace(each, end=now)
        if each.holds(now) and (each.why == sla.OWNER_ABSENT) == absences
        else each
        for each in pauses
    )
