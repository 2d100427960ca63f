"""The virtual world: a clock that jumps from one due moment to the next, and what happens then.

What is durable in the real product (the wait of a workflow, a row of the outbox, the relay's look at points
that expire) is here a place in one heap. All decisions are those of nurture.domain.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from typing import Any, Protocol

from nurture.domain import cases, keys, orders, scoring, topics
from nurture.domain.consent import unwatched
from nurture.domain.enrolment import Trigger
from nurture.domain.event import Event
from nurture.domain.flow import SendMail
from nurture.domain.lead import Touch
from nurture.incoming import IDENTIFIED
from nurture.playbook import Playbook
from nurture.simulation import moving, sales, settling
from nurture.simulation.member import Handed, Member, Run
from nurture.simulation.people import Person
from nurture.simulation.shares import Shares

_MOVES_AT_ONCE = 10_000
"""More wake-ups of one world at one moment would be a playbook that turns in a circle."""


class Behaviour(Protocol):
    """What people do by themselves when something reaches them."""

    def mailed(self, world: "World", member: Member, run: Run, mail: SendMail) -> None: ...

    def handed(self, world: "World", member: Member, handed: Handed) -> None: ...


class Nobody:
    """People who do nothing by themselves: a scenario says what they do."""

    def mailed(self, world: "World", member: Member, run: Run, mail: SendMail) -> None:
        return

    def handed(self, world: "World", member: Member, handed: Handed) -> None:
        return


@dataclass(eq=False)
class World:
    """All leads of one simulation. `flows`: the only ones that leads enter, drafts or not; None: all live ones."""

    playbook: Playbook
    now: datetime
    behaviour: Behaviour = field(default_factory=Nobody)
    flows: frozenset[str] | None = None
    events: list[Event] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    handed: list[Handed] = field(default_factory=list)
    last_start: dict[str, datetime] = field(default_factory=dict)
    shares: Shares = field(init=False)
    _heap: list[tuple[datetime, bool, int, Callable[[], None]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.shares = Shares(self.playbook)

    def at(self, moment: datetime, happens: Callable[[], None], last: bool = False) -> None:
        """Let something happen then; at one moment, in the order in which it was asked for, and what is `last` after
        everything else."""
        heappush(self._heap, (max(moment, self.now), last, next(self._order), happens))

    def run(self, until: datetime) -> None:
        """Everything that is due before `until`."""
        at_once = 0
        while self._heap and self._heap[0][0] < until:
            moment, _, _, happens = heappop(self._heap)
            at_once = at_once + 1 if moment == self.now else 0
            assert at_once < _MOVES_AT_ONCE * (1 + len(self.members)), (
                "the playbook turns in a circle"
            )
            self.now = moment
            happens()
        self.now = until

    def note(
        self,
        member: Member,
        what: str,
        about: str = "",
        flow: str = "",
        step: str = "",
        at: datetime | None = None,
    ) -> None:
        self.events.append(Event(at or self.now, member.lead.id, what, about, flow, step))

    def story(self, lead: str) -> list[Event]:
        """What happened to one lead, in order of time."""
        own = [event for event in self.events if event.lead == lead]
        return sorted(own, key=lambda event: event.at)

    def arrive(self, person: Person, touch: str | None = None) -> Member:
        """A lead becomes known; `touch`: by which touch."""
        member = Member.of(replace(person, lead=replace(person.lead, created_at=self.now)))
        self.members[member.lead.id] = member
        heard = [Trigger(topics.LEAD), Trigger(topics.CONSENT)]
        if touch:
            self._store(member, touch, {})
            heard.append(Trigger(topics.touch(touch)))
        settling.settle(self, member, heard)
        return member

    def touch(self, member: Member, name: str, properties: Mapping[str, Any]) -> None:
        """The lead does something, as a trusted source tells it."""
        if unwatched(name, member.declined):
            return
        self._store(member, name, properties)
        heard = [Trigger(topics.touch(name)), *self._business(member, name, properties)]
        settling.settle(self, member, heard)

    def unsubscribe(self, member: Member, purpose: str) -> None:
        if purpose not in member.consents:
            return
        member.consents -= {purpose}
        member.declined |= {purpose}
        self._store(member, "unsubscribed", {"purpose": purpose})
        settling.settle(
            self, member, [Trigger(topics.CONSENT), Trigger(topics.touch("unsubscribed"))]
        )

    def tell(self, member: Member, traits: Mapping[str, Any]) -> None:
        """The lead says something of itself, which is a touch, too."""
        heard = [Trigger(topics.LEAD)] if member.say(traits) else []
        self._store(member, IDENTIFIED, {})
        settling.settle(self, member, [*heard, Trigger(topics.touch(IDENTIFIED))])

    def wake(self, member: Member, run: Run) -> None:
        """Let the run look again, now or when its turn comes."""
        self.at(self.now, lambda: moving.move_on(self, member, run))

    def sleep(self, member: Member, run: Run, until: datetime) -> None:
        """A run that was woken earlier, and sleeps anew, is not woken by what it waited for before."""

        def due() -> None:
            if run.wake_at == until:
                moving.move_on(self, member, run)

        self.at(until, due)

    def expire(self, member: Member, moment: datetime) -> None:
        """Points of the lead expire then, and its score is looked at again: by the relay, which looks once a second,
        and so after whatever else is due at that moment."""

        def due() -> None:
            if member.next_score_at == moment:
                settling.settle(self, member, [])

        self.at(moment, due, last=True)

    def _store(self, member: Member, name: str, properties: Mapping[str, Any]) -> None:
        number = len(member.touches) + 1
        touch = Touch(
            keys.touch_id("simulation", f"{member.lead.id}/{number}"),
            name,
            self.now,
            dict(properties),
            known_at=self.now,
        )
        member.touches.insert(0, touch)
        member.earned += scoring.entries(self.playbook.scoring, touch)
        self.note(member, "touch", name, step=str(properties.get("step", "")))

    def _business(self, member: Member, name: str, properties: Mapping[str, Any]) -> list[Trigger]:
        """What only a trusted source may tell, as nurture.intake.business follows it."""
        match name:
            case cases.OPENED | cases.CLOSED:
                product, case = (str(properties.get(each) or "") for each in ("product", "case"))
                closed = name == cases.CLOSED
                member.cases_told = cases.tell(member.cases_told, product, case, self.now, closed)
                open_ = cases.open_products(member.cases_told, member.open_cases)
                member.open_cases = frozenset(open_)
                return [Trigger(topics.CASES)]
            case "sales_conversation":
                until = self.now + self.playbook.handover.conversation_holds
                member.talks_until = max(until, member.talks_until or until)
                return [Trigger(topics.SALES)]
            case orders.COMPLETED if orders.is_sale(properties, self.playbook.promise.currency):
                return sales.bought(self, member, properties)
        return []
