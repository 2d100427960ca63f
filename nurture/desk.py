"""The sales desk: what sales answers to a handover, and what follows from each answer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys, sla, topics
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
    """What the answer page shows."""

    id: str
    kind: str
    lead_name: str
    lead_email: str
    persona: str
    score: int
    reason: str
    state: str
    owner: str
    due_at: datetime
    answers: tuple[str, ...]
    reject_reasons: tuple[str, ...]
    currency: str


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
        async with self._db.read() as session:
            row = await session.get(HandoverRow, handover_id)
            lead = await session.get(LeadRow, row.lead_id) if row else None
            if row is None or lead is None:
                return None
            rule = (await self._shelf.version(session, row.playbook)).handover
            promise = (await self._shelf.current(session)).promise
        answers = [state for state, before in sla.ANSWERS.items() if row.state in before]
        names = (lead.traits.get("first_name"), lead.traits.get("last_name"))
        return HandoverView(
            id=row.id,
            kind=row.kind,
            lead_name=" ".join(str(name) for name in names if name),
            lead_email=lead.email or "",
            persona=lead.persona or "",
            score=lead.fit + lead.engagement,
            reason=row.reason,
            state=row.state,
            owner=row.owner,
            due_at=row.due_at,
            answers=tuple(answers),
            reject_reasons=rule.reject_reasons,
            currency=promise.currency,
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
