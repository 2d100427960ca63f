"""What follows when something about a lead changed: persona, score, stage, handover, flows, audiences, wake-ups.

Everything is written in the caller's transaction; workflows that must hear of it get a row in the outbox.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from nurture import enrolling
from nurture.domain import audience as audiences_domain
from nurture.domain import topics
from nurture.domain.enrolment import Trigger
from nurture.domain.lead import Facts
from nurture.domain.lifecycle import RULE, at_stage, rest
from nurture.domain.scoring import Entry
from nurture.domain.settled import Settled, settled
from nurture.handovers.running import Handovers
from nurture.playbook import Playbook
from nurture.store import audiences, enrolments, leads, points, wakeups
from nurture.store.dossiers import Dossier, load
from nurture.store.tables import EnrolmentRow, LeadRow

_TOGETHER = timedelta(seconds=5)
"""Leads that move within that time are told to an ad platform together."""


class Reactions:
    """The consequences of a change, in a fixed order."""

    def __init__(self, handovers: Handovers) -> None:
        self._handovers = handovers
        self._woken: dict[str, datetime] = {}

    async def settle(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: LeadRow,
        triggers: Sequence[Trigger],
        now: datetime,
    ) -> None:
        """Bring everything that depends on the lead in line with what it is now."""
        await self.settle_all(session, playbook, [(row, triggers)], now)

    async def settle_all(
        self,
        session: AsyncSession,
        playbook: Playbook,
        changed: Sequence[tuple[LeadRow, Sequence[Trigger]]],
        now: datetime,
    ) -> None:
        """The same for many leads, for the price of a few queries."""
        dossiers = await load(session, [row for row, _ in changed], now)
        rows = {row.id: row for row, _ in changed}
        earned = await points.living(session, playbook.scoring, playbook.scored_by, rows, now)
        for about, (row, triggers) in zip(dossiers, changed, strict=True):
            await self._settle(session, playbook, about, earned[row.id], list(triggers), now)

    async def _settle(
        self,
        session: AsyncSession,
        playbook: Playbook,
        about: Dossier,
        earned: Sequence[Entry],
        heard: list[Trigger],
        now: datetime,
    ) -> None:
        row = about.row
        due = row.next_score_at is not None and row.next_score_at <= now
        row.cooled_until = rest(row.cooled_until, due or bool(heard), now)
        known = settled(playbook, about.facts, earned, row.cooled_until, now)
        facts = known.facts
        heard += known.heard
        _keep(playbook, row, facts, earned, now)
        await self._move(session, playbook, row, known, now)
        # changed rules alone are nothing that is heard of a lead
        entering = [*heard, Trigger(topics.CLOCK)] if due else heard
        await enrolling.enter(session, playbook, row, facts, about.runs, entering, now)
        looks = (
            playbook.next_look(facts, earned, row.cooled_until, now),
            enrolling.next_turn(playbook, about.runs, now, asked=bool(entering)),
        )
        row.next_score_at = min(filter(None, looks), default=None)
        for name in _audiences(session, playbook, about, facts, now):
            self._wake_list(session, name, now)
        _wake(session, about.runs, heard, now)

    async def _move(
        self, session: AsyncSession, playbook: Playbook, row: LeadRow, known: Settled, now: datetime
    ) -> None:
        """What rules do with the stage; one that they lift to the threshold is handed over."""
        for move in known.moves:
            leads.change_stage(session, row, move.stage, now, by=RULE, reason=move.reason)
            if playbook.hands_over(move):
                then = at_stage(known.facts, move.stage)
                why = playbook.lifecycle.reached(move.stage, then.score.total)
                await self._handovers.open(session, playbook, row, then, why, "score", now)

    def _wake_list(self, session: AsyncSession, name: str, now: datetime) -> None:
        """At once, unless it just was: then the relay does so later, once for all that moved meanwhile."""
        last = self._woken.get(name)
        if last and now < last + _TOGETHER:
            wakeups.later(session, wakeups.AUDIENCE, name, last + _TOGETHER)
        else:
            self._woken[name] = now
            wakeups.add(session, wakeups.AUDIENCE, name, now)


def _keep(
    playbook: Playbook, row: LeadRow, facts: Facts, earned: Sequence[Entry], now: datetime
) -> None:
    """Who the lead is and how keen, and by whose rules that and its tally are told."""
    row.persona, score = facts.lead.persona, facts.score
    row.fit, row.engagement, row.grade = score.fit, score.engagement, score.grade
    row.scored_by = playbook.scored_by
    row.tally = points.tally(playbook.scoring, earned, now)


def _audiences(
    session: AsyncSession, playbook: Playbook, about: Dossier, facts: Facts, now: datetime
) -> Iterator[str]:
    """Mark where the lead should be; a difference to where it is is for that audience's sync."""
    for name, audience in playbook.audiences.items():
        row = about.members.get(name)
        member = audiences.membership(facts.lead.id, row)
        desired = audiences_domain.belongs(audience, facts, member, now)
        if row is None and desired:
            row = audiences.enter(session, name, facts.lead.id, now)
        if row is None:
            continue
        changed = audiences.align(row, facts, audience, desired, now)
        if changed and audiences.owes(row):
            yield name


def _wake(
    session: AsyncSession, runs: Sequence[EnrolmentRow], heard: Sequence[Trigger], now: datetime
) -> None:
    changed = {trigger.topic for trigger in heard}
    for run in runs:
        if run.ended is None and run.started_at != now and changed & set(run.listens):
            enrolments.wake(session, run, now)
