"""One simulated lead: what the database would hold of it, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from nurture.domain import cases, orders
from nurture.domain.audience import Membership
from nurture.domain.enrolment import Run as Earlier
from nurture.domain.flow import Cursor
from nurture.domain.handover import Handover
from nurture.domain.lead import Facts, Lead, Score, Standing, Touch, looked_at
from nurture.domain.orders import Sale
from nurture.domain.scoring import Entry
from nurture.domain.sla import State, Team
from nurture.playbook import zones
from nurture.simulation.people import Person

CAP_HORIZON = timedelta(days=60)
"""As far back as a decision looks in the real database."""


@dataclass(eq=False)
class Run:
    """One enrolment. `wake_at` None and not ended: it is being moved on right now."""

    id: str
    flow: str
    cursor: Cursor
    started_at: datetime
    wake_at: datetime | None = None
    listens: frozenset[str] = frozenset()
    held: str = ""
    ended: str | None = None


@dataclass(eq=False)
class Handed:
    """A handover, or with `step` a single task of that step, and where it stands."""

    flow: str
    reason: str
    team: Team
    owner: str
    stands: Handover
    step: str | None = None

    @property
    def state(self) -> State:
        return self.stands.state

    @property
    def contacted_at(self) -> datetime | None:
        return self.stands.contacted_at

    @property
    def due_at(self) -> datetime:
        return self.stands.due_at


@dataclass(eq=False)
class Member:
    """The lead as it is now. `touches` newest first; `lapsed`: flows whose condition ceased to hold.
    `declined`: purposes that it took back. `cases_told`: the news of support cases. `sold`: what it bought.
    `customer_since`: when it came to be a customer; None: it was one from the beginning, or is none."""

    lead: Lead
    consents: frozenset[str]
    open_cases: frozenset[str] = frozenset()
    cases_told: cases.Told = field(default_factory=dict)
    suppressed: str | None = None
    score: Score = field(default_factory=Score)
    touches: list[Touch] = field(default_factory=list)
    earned: list[Entry] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    lists: dict[str, Membership] = field(default_factory=dict)
    on_list: dict[str, bool] = field(default_factory=dict)
    handed: list[Handed] = field(default_factory=list)
    sold: list[Sale] = field(default_factory=list)
    customer_since: datetime | None = None
    sent: list[datetime] = field(default_factory=list)
    lapsed: set[str] = field(default_factory=set)
    declined: frozenset[str] = frozenset()
    sales_owned: bool = False
    cooled_until: datetime | None = None
    talks_until: datetime | None = None
    next_score_at: datetime | None = None

    @classmethod
    def of(cls, person: Person) -> "Member":
        return cls(person.lead, person.consents, person.open_cases, suppressed=person.suppressed)

    def say(self, traits: Mapping[str, Any]) -> bool:
        """The lead is said to be so; whether that is news."""
        said = {**self.lead.traits, **traits}
        if said == self.lead.traits:
            return False
        self.lead = replace(self.lead, traits=said, zone=zones.of(said))
        return True

    def buys(self, sale: Sale, within: timedelta) -> bool:
        """Enter the sale, as nurture.store.sales does; False: the other side told of it before."""
        twin = orders.twin(sale, self.sold, within)
        if twin is None:
            self.sold.append(sale)
            return True
        one = replace(twin, at=min(twin.at, sale.at), ordered=True, said=True)
        self.sold[self.sold.index(twin)] = one
        return False

    def facts(self, now: datetime, waiting: tuple[int, ...] = ()) -> Facts:
        return Facts(
            self.lead,
            self.score,
            looked_at(self.touches),
            Standing(
                consents=self.consents,
                declined=self.declined,
                suppressed=self.suppressed,
                sales_owned=self.sales_owned,
                open_cases=self.open_cases,
                sent=tuple(at for at in self.sent if at > now - CAP_HORIZON),
                waiting=waiting,
                talks_until=self.talks_until,
            ),
        )

    def runs_of(self, flow: str) -> list[Earlier]:
        return [Earlier(run.started_at, run.ended is None) for run in self.runs if run.flow == flow]

    @property
    def in_hand(self) -> Handed | None:
        """The handover that sales has open."""
        return next((h for h in self.handed if h.step is None and h.stands.closed_at is None), None)
