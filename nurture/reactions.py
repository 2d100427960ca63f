"""What follows when something about a lead changed: persona, score, stage, handover, flows, audiences, wake-ups.

Everything is written in the caller's transaction; workflows that must hear of it get a row in the outbox.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import audience as audiences_domain
from nurture.domain import scoring, topics
from nurture.domain.enrolment import Trigger, may_enter
from nurture.domain.lead import Facts, Score
from nurture.domain.persona import persona_of
from nurture.handovers import Handovers
from nurture.playbook import Playbook
from nurture.store import audiences, enrolments, leads, wakeups
from nurture.store.tables import AudienceMemberRow, EnrolmentRow, LeadRow

_STAGE_STEPS = 10
"""A stage change can fulfil another stage's rule; more rounds than stages would be a loop."""


class Reactions:
    """The consequences of a change, in a fixed order."""

    def __init__(self, handovers: Handovers) -> None:
        self._handovers = handovers

    async def settle(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: LeadRow,
        triggers: Sequence[Trigger],
        now: datetime,
    ) -> None:
        """Bring everything that depends on the lead in line with what it is now."""
        await session.flush()
        heard = list(triggers)
        facts = await leads.facts(session, row, now)
        facts = self._persona(playbook, row, facts, heard, now)
        facts = await self._score(session, playbook, row, facts, heard, now)
        facts = await self._stage(session, playbook, row, facts, heard, now)
        runs = await enrolments.of_lead(session, row.id)
        self._enter(session, playbook, facts, runs, heard, now)
        await self.audiences(session, playbook, facts, now)
        _wake(session, runs, heard, now)

    def _persona(
        self, playbook: Playbook, row: LeadRow, facts: Facts, heard: list[Trigger], now: datetime
    ) -> Facts:
        persona = persona_of(playbook.personas, facts, now)
        if persona != row.persona:
            row.persona = persona
            heard.append(Trigger(topics.PERSONA, persona))
        return replace(facts, lead=leads.as_lead(row))

    async def _score(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: LeadRow,
        facts: Facts,
        heard: list[Trigger],
        now: datetime,
    ) -> Facts:
        earned = await leads.score_entries(session, row.id)
        score = scoring.score(playbook.scoring, facts, earned, now)
        if score != Score(row.fit, row.engagement):
            row.fit, row.engagement = score.fit, score.engagement
            heard.append(Trigger(topics.SCORE))
        row.scored_by = playbook.hash
        row.next_score_at = scoring.next_change(earned, now)
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
        """Rules lift the stage, one after another; reaching the threshold hands the lead over."""
        if row.cooled_until and now < row.cooled_until:
            return facts
        for _ in range(_STAGE_STEPS):
            stage = playbook.lifecycle.qualified(facts, now)
            if stage == row.stage:
                break
            leads.change_stage(session, row, stage, now, by="rule")
            heard.append(Trigger(topics.STAGE, stage))
            facts = replace(facts, lead=leads.as_lead(row))
            if stage == playbook.handover.stage:
                reason = f"reached the stage {stage} with {facts.score.total} points"
                await self._handovers.open(session, playbook, row, facts, reason, "score", now)
        return facts

    def _enter(
        self,
        session: AsyncSession,
        playbook: Playbook,
        facts: Facts,
        runs: list[EnrolmentRow],
        heard: Sequence[Trigger],
        now: datetime,
    ) -> None:
        for name, entry in playbook.entries.items():
            flow = playbook.flows[name]
            if not flow.live:
                continue
            if may_enter(entry, heard, facts, enrolments.runs_of(runs, name), now):
                enrolments.begin(session, playbook, facts.lead.id, name, runs, now)

    async def audiences(
        self, session: AsyncSession, playbook: Playbook, facts: Facts, now: datetime
    ) -> None:
        """Mark where the lead should be; a difference to where it is wakes that audience's sync."""
        known = await audiences.of_lead(session, facts.lead.id)
        for name, audience in playbook.audiences.items():
            row = known.get(name)
            member = audiences.membership(facts.lead.id, row)
            desired = audiences_domain.belongs(audience, facts, member, now)
            if row is None and desired:
                row = AudienceMemberRow(
                    audience=name, lead_id=facts.lead.id, changed_at=now, next_try_at=now
                )
                session.add(row)
            if row is None or row.desired == desired:
                continue
            row.desired, row.changed_at, row.next_try_at, row.attempts = desired, now, now, 0
            if desired and row.since is None:
                row.since = now
            row.leaves_at = (
                row.since + audience.max_stay if row.since and audience.max_stay else None
            )
            if row.desired != row.confirmed:
                wakeups.add(session, wakeups.AUDIENCE, name, now)


def _wake(
    session: AsyncSession, runs: Sequence[EnrolmentRow], heard: Sequence[Trigger], now: datetime
) -> None:
    changed = {trigger.topic for trigger in heard}
    for run in runs:
        if run.ended is None and run.started_at != now and changed & set(run.listens):
            wakeups.add(session, wakeups.ENROLMENT, run.id, now)
