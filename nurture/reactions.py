"""What follows when something about a lead changed: persona, score, stage, handover, flows, audiences, wake-ups.

Everything is written in the caller's transaction; workflows that must hear of it get a row in the outbox.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from nurture import enrolling
from nurture.domain import audience as audiences_domain
from nurture.domain import scoring, topics
from nurture.domain.enrolment import Trigger
from nurture.domain.lead import Facts, Score
from nurture.domain.lifecycle import RULE, rest
from nurture.domain.persona import persona_of
from nurture.domain.scoring import Entry
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
        facts = self._persona(playbook, row, about.facts, heard, now)
        facts = self._score(playbook, row, facts, earned, heard, now)
        facts = await self._stage(session, playbook, row, facts, heard, now)
        # changed rules alone are nothing that is heard of a lead
        entering = [*heard, Trigger(topics.CLOCK)] if due else heard
        await enrolling.enter(session, playbook, row, facts, about.runs, entering, now)
        looks = (
            playbook.next_look(facts, earned, row.cooled_until, now),
            enrolling.next_turn(playbook, about.runs, now),
        )
        row.next_score_at = min(filter(None, looks), default=None)
        for name in _audiences(session, playbook, about, facts, now):
            self._wake_list(session, name, now)
        _wake(session, about.runs, heard, now)

    def _persona(
        self, playbook: Playbook, row: LeadRow, facts: Facts, heard: list[Trigger], now: datetime
    ) -> Facts:
        persona = persona_of(playbook.personas, facts, now)
        if persona != row.persona:
            row.persona = persona
            heard.append(Trigger(topics.PERSONA, persona))
        return replace(facts, lead=leads.as_lead(row))

    def _score(
        self,
        playbook: Playbook,
        row: LeadRow,
        facts: Facts,
        earned: Sequence[Entry],
        heard: list[Trigger],
        now: datetime,
    ) -> Facts:
        score = scoring.score(playbook.scoring, facts, earned, now)
        if score != Score(row.fit, row.engagement, row.grade):
            row.fit, row.engagement, row.grade = score.fit, score.engagement, score.grade
            heard.append(Trigger(topics.SCORE))
        row.scored_by = playbook.scored_by  # by whose rules the tally below is told
        row.tally = points.tally(playbook.scoring, earned, now)
        return replace(facts, score=score)

    async def _stage(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: LeadRow,
        facts: Facts,
        heard: list[Trigger],
        now: datetime,
    ) -> Facts:
        """What rules do with the stage; one that they lift to the threshold is handed over."""
        for move in playbook.lifecycle.moves(facts, row.cooled_until, now):
            facts = _move(session, row, facts, move.stage, move.reason, heard, now)
            if playbook.hands_over(move):
                reason = playbook.lifecycle.reached(move.stage, facts.score.total)
                await self._handovers.open(session, playbook, row, facts, reason, "score", now)
        return facts

    def _wake_list(self, session: AsyncSession, name: str, now: datetime) -> None:
        """At once, unless it just was: then the relay does so later, once for all that moved meanwhile."""
        last = self._woken.get(name)
        if last and now < last + _TOGETHER:
            wakeups.later(session, wakeups.AUDIENCE, name, last + _TOGETHER)
        else:
            self._woken[name] = now
            wakeups.add(session, wakeups.AUDIENCE, name, now)


def _move(
    session: AsyncSession,
    row: LeadRow,
    facts: Facts,
    stage: str,
    reason: str,
    heard: list[Trigger],
    now: datetime,
) -> Facts:
    leads.change_stage(session, row, stage, now, by=RULE, reason=reason)
    heard.append(Trigger(topics.STAGE, stage))
    return replace(facts, lead=leads.as_lead(row))


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
