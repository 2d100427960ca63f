"""Handovers: opening one, what its deadlines make happen, and how it ends. Rules: nurture.domain.sla."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture import briefing
from nurture.domain import keys, scoring, sla
from nurture.domain.lead import Facts
from nurture.domain.sla import Deadline, Kind, State
from nurture.playbook import Playbook
from nurture.store import enrolments, handovers, leads
from nurture.store.tables import HandoverRow, HandoverRuleRow, LeadRow


class Handovers:
    """`answer_url` makes the signed link under which sales answers a handover of that id."""

    def __init__(self, answer_url: Callable[[str], str]) -> None:
        self._answer_url = answer_url

    async def open(
        self,
        session: AsyncSession,
        playbook: Playbook,
        lead: LeadRow,
        facts: Facts,
        reason: str,
        trigger: str,
        now: datetime,
    ) -> HandoverRow:
        """Give the lead to sales. A lead already in its hands gets the new reason added instead."""
        running = await handovers.open_of(session, lead.id)
        if running:
            handovers.log(session, running, "enriched", now, trigger, reason)
            return running
        row = await self._create(session, playbook, lead, handovers.HANDOVER, reason, trigger, now)
        lead.sales_owned = True
        await _keep_rules(session, playbook, row, facts, now)
        await self.tell(session, playbook, row, lead, "created", now)
        return row

    async def ask(
        self,
        session: AsyncSession,
        playbook: Playbook,
        lead: LeadRow,
        title: str,
        trigger: str,
        now: datetime,
    ) -> HandoverRow:
        """A single thing for sales to do; the lead stays with marketing."""
        row = await self._create(session, playbook, lead, handovers.TASK, title, trigger, now)
        await self.tell(session, playbook, row, lead, "created", now)
        return row

    async def act(
        self, session: AsyncSession, playbook: Playbook, row: HandoverRow, now: datetime
    ) -> datetime | None:
        """Do what is due on a running handover; when something next will be (None: nothing)."""
        if State(row.state) not in sla.RUNNING:
            return None
        terms = playbook.handover.terms
        plan = sla.deadlines(terms, row.opened_at)
        due, later = sla.due_now(plan, frozenset(row.done), now)
        lead = await leads.lock(session, row.lead_id)
        assert lead is not None, "a handover's lead is never deleted"
        for deadline in due:
            await self._meet(session, playbook, row, lead, deadline, now)
            row.done = [*row.done, deadline.id]
        return later if State(row.state) in sla.RUNNING else None

    async def _create(
        self,
        session: AsyncSession,
        playbook: Playbook,
        lead: LeadRow,
        kind: str,
        reason: str,
        trigger: str,
        now: datetime,
    ) -> HandoverRow:
        rule = playbook.handover
        given = await handovers.given_to_team(session, rule.team.id)
        ordinal = await handovers.next_ordinal(session, lead.id)
        row = HandoverRow(
            id=keys.handover_id(lead.id, ordinal),
            lead_id=lead.id,
            ordinal=ordinal,
            kind=kind,
            playbook=playbook.hash,
            team=rule.team.id,
            owner=rule.team.owners[given % len(rule.team.owners)],
            state=State.OPEN,
            reason=reason,
            trigger=trigger,
            opened_at=now,
            due_at=sla.due_at(rule.terms, now),
        )
        session.add(row)
        await session.flush()
        handovers.log(session, row, "opened", now, trigger, reason)
        handovers.wake(session, row, now)
        return row

    async def _meet(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        deadline: Deadline,
        now: datetime,
    ) -> None:
        match deadline.kind:
            case Kind.REMIND:
                handovers.log(session, row, "reminded", now, "sla", row.owner)
                await self.tell(session, playbook, row, lead, "reminder", now)
            case Kind.ESCALATE:
                handovers.log(session, row, "escalated", now, "sla", deadline.to or "")
                await self.tell(session, playbook, row, lead, "escalated", now, deadline.to)
            case Kind.REASSIGN:
                row.owner = _next_owner(playbook.handover.team.owners, row.owner)
                handovers.log(session, row, "reassigned", now, "sla", row.owner)
                await self.tell(session, playbook, row, lead, "reassigned", now)
            case Kind.RECYCLE:
                why = "nobody contacted the lead in time"
                await self.give_back(session, playbook, row, lead, State.RECYCLED, why, "sla", now)
                await self.tell(session, playbook, row, lead, "recycled", now)

    async def give_back(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        state: State,
        why: str,
        by: str,
        now: datetime,
    ) -> None:
        """The lead returns to marketing: lower stage, a time of rest, and the recycling flow."""
        row.state, row.closed_at, row.outcome = state, now, why
        handovers.log(session, row, str(state), now, by, why)
        if row.kind == handovers.TASK:
            return
        rule = playbook.handover
        lead.sales_owned = False
        lead.cooled_until = now + rule.cool_off
        leads.change_stage(session, lead, rule.back_stage, now, by=by, reason=why)
        flow = rule.terms.recycle_to
        runs = await enrolments.of_lead(session, lead.id)
        if flow and not any(run.active for run in enrolments.runs_of(runs, flow)):
            enrolments.begin(session, playbook, lead.id, flow, runs, now, why)

    async def tell(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        what: str,
        now: datetime,
        to: str | None = None,
    ) -> None:
        await session.flush()
        url = self._answer_url(row.id)
        data = await briefing.notice_data(session, playbook, row, lead, url, now, to)
        await handovers.tell(session, row, what, data, now)


async def _keep_rules(
    session: AsyncSession, playbook: Playbook, row: HandoverRow, facts: Facts, now: datetime
) -> None:
    """Which rules qualified the lead; points expire and traits change, so only now can it be told."""
    earned = await leads.score_entries(session, row.lead_id)
    for reason in scoring.explain(playbook.scoring, facts, earned, now):
        if reason.points > 0:
            session.add(HandoverRuleRow(handover_id=row.id, rule=reason.rule, points=reason.points))


def _next_owner(owners: tuple[str, ...], owner: str) -> str:
    position = owners.index(owner) if owner in owners else -1
    return owners[(position + 1) % len(owners)]
