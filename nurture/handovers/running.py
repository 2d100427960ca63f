"""Handovers: opening one, what its deadlines make happen, and how it ends. Rules: nurture.domain.sla."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture import enrolling
from nurture.domain import keys, orders, sla
from nurture.domain.effects import CreateTask
from nurture.domain.lead import Facts
from nurture.domain.renaming import in_force
from nurture.domain.sla import Deadline, Kind, State
from nurture.domain.terms import to_json
from nurture.handovers import briefing, tenure
from nurture.incoming import Answer
from nurture.playbook import Playbook
from nurture.store import enrolments, handovers, leads, points
from nurture.store.handover_tables import HandoverRow, HandoverRuleRow, SaleRow
from nurture.store.tables import LeadRow


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
        to: str | None = None,
    ) -> HandoverRow:
        """Give the lead to sales, to the team `to` or the agreement's.

        Of a lead already in its hands sales gets the new reason as news.
        """
        running = await handovers.open_of(session, lead.id)
        if running:
            handovers.log(session, running, "enriched", now, trigger, reason)
            await self.tell(session, playbook, running, lead, "enriched", now, news=reason)
            handovers.wake(session, running, now)
            return running
        row = await self._create(session, playbook, lead, facts, reason, trigger, now, to)
        lead.sales_owned = True
        await _keep_rules(session, playbook, row, facts, now)
        await self.tell(session, playbook, row, lead, "created", now)
        return row

    async def ask(
        self,
        session: AsyncSession,
        playbook: Playbook,
        lead: LeadRow,
        facts: Facts,
        task: CreateTask,
        title: str,
        flow: str,
        now: datetime,
    ) -> HandoverRow:
        """A single thing for sales to do, with its own deadline; the lead stays with marketing."""
        to = task.team
        row = await self._create(session, playbook, lead, facts, title, flow, now, to, task)
        await self.tell(session, playbook, row, lead, "created", now)
        return row

    async def act(
        self,
        session: AsyncSession,
        playbook: Playbook,
        current: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        now: datetime,
    ) -> datetime | None:
        """Do what is due on a running handover; when something next will be (None: nothing).

        `playbook` is the one it was opened under, `current` the one in force.
        """
        if State(row.state) not in sla.SALES_OWNED:
            return None
        handover = tenure.read(row, playbook, current).begun(now)
        tenure.keep(row, handover)
        due, _ = handover.due(now)
        for deadline in due:
            await self._meet(session, playbook, current, row, lead, deadline, now)
            row.done = [*row.done, deadline.id]
            if State(row.state) not in sla.SALES_OWNED:
                return None  # what else was due on it is over with it
        return tenure.read(row, playbook, current).next_look(now)

    async def _create(
        self,
        session: AsyncSession,
        playbook: Playbook,
        lead: LeadRow,
        facts: Facts,
        reason: str,
        trigger: str,
        now: datetime,
        to: str | None,
        task: CreateTask | None = None,
    ) -> HandoverRow:
        team = playbook.team(to)
        owner = await tenure.choose(session, playbook, team, facts, now)
        terms = playbook.handover.given(owner, task.within if task else None)
        ordinal = await handovers.next_ordinal(session, lead.id)
        row = HandoverRow(
            id=keys.handover_id(lead.id, ordinal),
            lead_id=lead.id,
            ordinal=ordinal,
            kind=handovers.TASK if task else handovers.HANDOVER,
            playbook=playbook.hash,
            team=team.id,
            owner=owner.id,
            state=State.OPEN,
            reason=reason,
            trigger=trigger,
            step=task.step if task else None,
            terms=to_json(terms),
            opened_at=now,
            due_at=now,
        )
        tenure.keep(row, tenure.read(row, playbook, playbook))
        session.add(row)
        await session.flush()
        handovers.log(session, row, "opened", now, trigger, reason)
        handovers.wake(session, row, now)
        return row

    async def _meet(
        self,
        session: AsyncSession,
        playbook: Playbook,
        current: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        deadline: Deadline,
        now: datetime,
    ) -> None:
        match deadline.kind:
            case Kind.REMIND:
                handovers.log(session, row, "reminded", now, "sla", row.owner)
                news = _HOW_IS_IT if State(row.state) in sla.TALKING else ""
                await self.tell(session, playbook, row, lead, "reminder", now, news=news)
            case Kind.ESCALATE:
                handovers.log(session, row, "escalated", now, "sla", deadline.to or "")
                await self.tell(session, playbook, row, lead, "escalated", now, deadline.to)
            case Kind.REASSIGN:
                team = current.team(row.team)
                facts = await leads.facts(session, lead, now)
                owner = await tenure.choose(session, current, team, facts, now, row.owner)
                row.owner, row.held_since = owner.id, now
                # when it is due with that one
                tenure.keep(row, tenure.read(row, playbook, current))
                handovers.log(session, row, "reassigned", now, "sla", row.owner)
                await self.tell(session, playbook, row, lead, "reassigned", now)
            case Kind.RECYCLE:
                over = Answer(State.RECYCLED, now, "sla", _silence(row))
                await self.give_back(session, playbook, current, row, lead, over)
                await self.tell(session, playbook, row, lead, "recycled", now)

    async def give_back(
        self,
        session: AsyncSession,
        playbook: Playbook,
        current: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        answer: Answer,
    ) -> None:
        """The lead returns to marketing: lower stage, a time of rest, and the recycling flow; a customer stays one.

        Where it goes back to says the playbook in force, which knows the lead's stage; how long it rests and by which
        flow, the one that the handover was opened under. If the lead asked not to hear of it `until` then, the flow
        begins only then.
        """
        now, why = answer.at, answer.reason or "lost"
        row.state, row.closed_at, row.outcome = answer.state, now, why
        handovers.log(session, row, str(answer.state), now, answer.by, why)
        if row.kind == handovers.TASK:
            return
        lead.sales_owned = False
        back = current.back_from(lead.stage)
        if back is None:
            return
        rule = playbook.handover
        lead.cooled_until = max(now + rule.cool_off, answer.until or now)
        if back != lead.stage:
            leads.change_stage(session, lead, back, now, by=answer.by, reason=why)
        flow, start = rule.terms.recycle_to, max(now, answer.until or now)
        runs = await enrolments.of_lead(session, lead.id)
        its = in_force(playbook.flows, current.flows, flow) if flow else None
        if its is None or any(run.active for run in enrolments.runs_of(runs, its)):
            return
        if current.admits(its.id, start):
            facts = await leads.facts(session, lead, now)
            run = enrolling.begin(session, current, lead, facts, its.id, runs, now, why)
            run.started_at = run.since = start

    async def ordered(
        self,
        session: AsyncSession,
        playbook: Playbook,
        lead: LeadRow,
        sale: SaleRow,
        now: datetime,
    ) -> HandoverRow | None:
        """What is won by an order: what sales has in hand of who was no customer yet. A customer orders also without
        sales, which hears of it and says `won` if it had a part in that."""
        row = await _in_hand(session, lead, sale)
        if row is None or not await _was_customer(session, playbook, lead, row):
            return await self.sold(session, playbook, lead, sale, "order", now)
        news = orders.of_customer(sale.amount, sale.currency)
        handovers.log(session, row, "enriched", now, "order", news)
        await self.tell(session, playbook, row, lead, "enriched", now, news=news)
        handovers.wake(session, row, now)
        return None

    async def sold(
        self,
        session: AsyncSession,
        playbook: Playbook,
        lead: LeadRow,
        sale: SaleRow,
        by: str,
        now: datetime,
    ) -> HandoverRow | None:
        """The lead bought: what sales has in hand of it is won by that, and sales is told. None: sales had nothing, or
        got it only after that sale. A sale that is heard of late ends nothing before the talk that came meanwhile."""
        row = await _in_hand(session, lead, sale)
        if row is None:
            return None
        row.state, row.outcome, row.until = State.WON, "won", None
        row.closed_at = max(sale.at, row.contacted_at or sale.at)
        lead.sales_owned = False
        sale.handover_id = sale.handover_id or row.id
        handovers.log(session, row, str(State.WON), row.closed_at, by)
        news = (
            f"Sold for {sale.amount} {sale.currency}: it counts as won, and nothing is left to do."
        )
        await self.tell(session, playbook, row, lead, "won", now, news=news)
        handovers.wake(session, row, now)
        return row

    async def tell(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        what: str,
        now: datetime,
        to: str | None = None,
        news: str = "",
    ) -> None:
        await session.flush()
        url = self._answer_url(row.id)
        data = await briefing.notice_data(session, playbook, row, lead, url, now, to, news)
        await handovers.tell(session, row, what, data, now)


async def _in_hand(session: AsyncSession, lead: LeadRow, sale: SaleRow) -> HandoverRow | None:
    """What sales had of the lead in hand when it bought, and has still."""
    row = await handovers.open_of(session, lead.id) if lead.sales_owned else None
    return row if row and row.opened_at <= sale.at else None


async def _was_customer(
    session: AsyncSession, playbook: Playbook, lead: LeadRow, row: HandoverRow
) -> bool:
    """Whether the lead, a customer by now, was one already when sales got it."""
    customers = playbook.customers
    if lead.stage not in customers:
        return False
    return not await leads.rose(session, lead.id, customers, row.opened_at)


_HOW_IS_IT = "What became of it? Without an answer the lead goes back to marketing."


def _silence(row: HandoverRow) -> str:
    """Why a handover ends by itself."""
    if State(row.state) in sla.TALKING:
        return "sales told no outcome in time"
    return "not done in time" if row.step else "nobody contacted the lead in time"


async def _keep_rules(
    session: AsyncSession, playbook: Playbook, row: HandoverRow, facts: Facts, now: datetime
) -> None:
    """Which rules qualified the lead; points expire and traits change, so only now can it be told."""
    for reason in await points.reasons(session, playbook.scoring, facts, now):
        if reason.points > 0:
            session.add(HandoverRuleRow(handover_id=row.id, rule=reason.rule, points=reason.points))
