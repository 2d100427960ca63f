"""The sales desk: what sales answers to a handover, and what follows from each answer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys, scoring, sla, topics
from nurture.domain.enrolment import Trigger
from nurture.domain.errors import InputError
from nurture.domain.sla import State
from nurture.handovers import Handovers
from nurture.incoming import Answer
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.reactions import Reactions
from nurture.shelf import Shelf
from nurture.store import handovers, leads
from nurture.store.database import Database
from nurture.store.tables import HandoverRow, LeadRow, SaleRow


@dataclass(frozen=True)
class HandoverView:
    """What sales sees of one handover. `due_at` carries the zone it is to be shown in.

    `answers` are those that may be given now; `reasons` say in plain words why the lead is worth a
    call; `history` is what happened so far, oldest first. What is not known is empty.
    """

    id: str
    kind: str
    lead_name: str
    lead_email: str
    lead_phone: str
    persona: str
    score: int
    reason: str
    reasons: tuple[str, ...]
    state: str
    owner: str
    due_at: datetime
    answers: tuple[str, ...]
    reject_reasons: tuple[str, ...]
    currency: str
    history: tuple[str, ...] = ()


class Desk:
    """Answers are accepted once each; one that contradicts what was said is refused with a sentence."""

    def __init__(
        self,
        db: Database,
        outbox: Outbox,
        shelf: Shelf,
        reactions: Reactions,
        handovers_: Handovers,
    ) -> None:
        self._db = db
        self._outbox = outbox
        self._shelf = shelf
        self._reactions = reactions
        self._handovers = handovers_

    async def view(self, handover_id: str) -> HandoverView | None:
        """None when there is no such handover."""
        async with self._db.read() as session:
            row = await session.get(HandoverRow, handover_id)
            lead = await session.get(LeadRow, row.lead_id) if row else None
            if row is None or lead is None:
                return None
            playbook = await self._shelf.version(session, row.playbook)
            facts = await leads.facts(session, lead, row.opened_at)
            earned = await leads.score_entries(session, lead.id)
            events = await handovers.events(session, row.id)
        reasons = scoring.explain(playbook.scoring, facts, earned, row.opened_at)
        titles = {persona.id: persona.title for persona in playbook.personas}
        return HandoverView(
            id=row.id,
            kind=row.kind,
            lead_name=leads.name(lead),
            lead_email=lead.email or "",
            lead_phone=str(lead.traits.get("phone") or ""),
            persona=titles.get(lead.persona or "", ""),
            score=lead.fit + lead.engagement,
            reason=row.reason,
            reasons=tuple(f"{reason.title} ({reason.points:+d})" for reason in reasons),
            state=row.state,
            owner=row.owner,
            due_at=row.due_at.astimezone(playbook.handover.terms.calendar.zone),
            answers=tuple(s for s, before in sla.ANSWERS.items() if State(row.state) in before),
            reject_reasons=playbook.handover.reject_reasons,
            currency=playbook.promise.currency,
            history=tuple(f"{event.kind} {event.detail}".strip() for event in events),
        )

    async def answer(self, handover_id: str, answer: Answer) -> str:
        """What became of the answer, in one sentence. Raises InputError when it cannot be taken."""
        async with self._outbox.write() as session:
            row = await handovers.lock(session, handover_id)
            lead = await leads.lock(session, row.lead_id) if row else None
            if row is None or lead is None:
                raise InputError("this handover does not exist")
            if row.state == answer.state:
                return f"This was already noted as {row.state}; nothing changed."
            playbook = await self._shelf.version(session, row.playbook)
            _check(playbook, row, answer)
            was_running = State(row.state) in sla.RUNNING
            await self._apply(session, playbook, row, lead, answer)
            current = await self._shelf.current(session)
            triggers = [Trigger(topics.SALES), Trigger(topics.STAGE, lead.stage)]
            await self._reactions.settle(session, current, lead, triggers, answer.at)
            if was_running and State(row.state) not in sla.RUNNING:
                handovers.wake(session, row, answer.at)
            return _sentence(row, answer)

    async def _apply(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        answer: Answer,
    ) -> None:
        match answer.state:
            case State.REJECTED | State.LOST:
                await self._handovers.give_back(
                    session,
                    playbook,
                    row,
                    lead,
                    answer.state,
                    answer.reason or "lost",
                    answer.by,
                    answer.at,
                )
                return
            case State.WON:
                _win(session, playbook, row, lead, answer)
            case State.CONTACTED:
                row.contacted_at, row.how = answer.at, answer.how
        row.state = answer.state
        row.accepted_at = row.accepted_at or answer.at
        detail = answer.how or answer.reason or ""
        handovers.log(session, row, str(answer.state), answer.at, answer.by, detail)
        _lift(session, playbook, row, lead, answer)


def _check(playbook: Playbook, row: HandoverRow, answer: Answer) -> None:
    if row.state not in sla.ANSWERS.get(answer.state, frozenset()):
        raise InputError(
            f"this handover is {row.state}, so it cannot become {answer.state} any more"
        )
    reasons = playbook.handover.reject_reasons
    if answer.state is State.REJECTED and answer.reason not in reasons:
        raise InputError(f"a rejection needs one of these reasons: {', '.join(reasons)}")
    if answer.state is State.WON and (answer.amount is None or answer.amount < 0):
        raise InputError("won needs the amount of the order, in whole units")


def _win(
    session: AsyncSession, playbook: Playbook, row: HandoverRow, lead: LeadRow, answer: Answer
) -> None:
    row.amount, row.currency = answer.amount, answer.currency or playbook.promise.currency
    row.closed_at, row.contacted_at = answer.at, row.contacted_at or answer.at
    row.outcome = "won"
    lead.sales_owned = False
    session.add(
        SaleRow(
            id=keys.notice_id(row.id, "sale"),
            lead_id=lead.id,
            handover_id=row.id,
            amount=row.amount or 0,
            currency=row.currency,
            at=answer.at,
        )
    )


def _lift(
    session: AsyncSession, playbook: Playbook, row: HandoverRow, lead: LeadRow, answer: Answer
) -> None:
    """Accepting makes the lead an SQL, winning a customer. A single task leaves it where it is."""
    rule, rank = playbook.handover, playbook.lifecycle.rank
    reached = [rule.sql_stage] + ([rule.customer_stage] if answer.state is State.WON else [])
    for stage in reached:
        if row.kind == handovers.HANDOVER and rank(stage) > rank(lead.stage):
            leads.change_stage(session, lead, stage, answer.at, by="sales")


def _sentence(row: HandoverRow, answer: Answer) -> str:
    late = answer.state is State.CONTACTED and answer.at > row.due_at
    tail = " The contact came after its deadline." if late else ""
    return f"Noted: {answer.state}.{tail}"
