"""The sales desk: what sales answers to a handover, and what follows from each answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys, sla, sources, story, topics
from nurture.domain.enrolment import Trigger
from nurture.domain.errors import InputError
from nurture.domain.handover import Handover
from nurture.domain.lead import Facts, Touch
from nurture.domain.lifecycle import SALES
from nurture.domain.sla import State
from nurture.domain.task import TIMELINE, MailSent
from nurture.handovers import briefing, tenure
from nurture.handovers.answers import check
from nurture.handovers.running import Handovers
from nurture.incoming import Answer
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.reactions import Reactions
from nurture.store import handovers, leads, owned, points, sales, touches
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverEventRow, HandoverRow, SaleRow
from nurture.store.tables import LeadRow
from nurture.versions.shelf import Shelf


@dataclass(frozen=True)
class HandoverView:
    """What sales sees of one handover. `due_at` carries the zone it is to be shown in.

    `answers` are those that may be given now; `reasons` say in plain words why the lead is worth a call;
    `timeline` what the lead did, newest first; `history` what became of the handover, oldest first. `until`:
    the end of a snooze or the time of a booked meeting, in the zone of `due_at`. What is not known is empty.
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
    history: tuple[HandoverEventRow, ...] = ()
    snooze_reasons: tuple[str, ...] = ()
    until: datetime | None = None
    timeline: tuple[story.Line, ...] = ()


@dataclass(frozen=True)
class Holder:
    """Who has a handover in hand, and the zone of their clock."""

    owner: str
    zone: tzinfo


TASK_DONE = "task_done"


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

    async def holder(self, handover_id: str) -> Holder | None:
        """None when there is no such handover."""
        async with self._db.peek() as session:
            row = await session.get(HandoverRow, handover_id)
            if row is None:
                return None
            playbook = await self._shelf.version(session, row.playbook)
            return Holder(row.owner, playbook.handover.terms.calendar.zone)

    async def view(self, handover_id: str) -> HandoverView | None:
        """None when there is no such handover."""
        async with self._db.peek() as session:
            row = await session.get(HandoverRow, handover_id)
            lead = await session.get(LeadRow, row.lead_id) if row else None
            if row is None or lead is None:
                return None
            playbook = await self._shelf.version(session, row.playbook)
            facts = await leads.facts(session, lead, row.opened_at)
            reasons = await points.reasons(session, playbook.scoring, facts, row.opened_at)
            events = await handovers.events(session, row.id)
            mails = await briefing.mails_of(session, lead.id)
            handover = tenure.read(row, playbook, await self._shelf.current(session))
        zone = playbook.handover.terms.calendar.zone
        return HandoverView(
            id=row.id,
            kind=row.kind,
            lead_name=leads.name(lead),
            lead_email=lead.email or "",
            lead_phone=str(lead.traits.get("phone") or ""),
            persona=playbook.persona_titles.get(leads.persona(lead), ""),
            score=lead.fit + lead.engagement,
            reason=row.reason,
            reasons=tuple(f"{reason.title} ({reason.points:+d})" for reason in reasons),
            state=row.state,
            owner=row.owner,
            due_at=handover.due_at.astimezone(zone),
            answers=()
            if lead.erased_at
            else tuple(each for each in sla.ANSWERS if handover.may_become(each)),
            reject_reasons=playbook.handover.reject_reasons,
            currency=playbook.promise.currency,
            history=tuple(events),
            snooze_reasons=playbook.handover.snooze_reasons,
            until=row.until.astimezone(zone) if row.until else None,
            timeline=_timeline(facts, mails),
        )

    async def answer(self, handover_id: str, answer: Answer) -> str:
        """What became of the answer, in one sentence. Raises InputError when it cannot be taken."""
        async with self._outbox.write() as session:
            found = await owned.hold(session, HandoverRow, handover_id)
            if found is None:
                raise InputError("this handover does not exist")
            row, lead = found
            if lead.erased_at:
                raise InputError(
                    "this person asked to be forgotten; nothing is kept of it any more"
                )
            playbook = await self._shelf.version(session, row.playbook)
            current = await self._shelf.current(session)
            handover = tenure.read(row, playbook, current).begun(answer.at)
            if handover.is_known(answer.state, answer.until):
                return f"This was already noted as {answer.state}; nothing changed."
            check(playbook, row, answer)
            tenure.keep(row, handover)
            if answer.state is State.CONTACTED and answer.how not in handover.terms.contacted:
                handovers.log(session, row, "attempted", answer.at, answer.by, answer.how or "")
                accepted = ", ".join(handover.terms.contacted)
                return f"Noted: tried. Only {accepted} counts as contact; the deadline stays."
            before = handover.next_look(answer.at)
            triggers = await self._apply(session, playbook, current, row, lead, answer, handover)
            after = tenure.read(row, playbook, current).next_look(answer.at)
            await self._reactions.settle(session, current, lead, triggers, answer.at)
            if handover.plan and (before is None or after is None or after < before):
                handovers.wake(session, row, answer.at)
            return _sentence(row, answer)

    async def open(self, name: str, reason: str, by: str, now: datetime) -> str:
        """Give a lead to sales by hand: the id of its handover. Raises InputError for an unknown lead."""
        async with self._outbox.write() as session:
            known = await leads.find(session, name)
            lead = await leads.lock_joined(session, known.id) if known else None
            if lead is None or lead.erased_at:
                raise InputError("nobody goes by that name", "lead")
            playbook = await self._shelf.current(session)
            facts = await leads.facts(session, lead, now)
            row = await self._handovers.open(session, playbook, lead, facts, reason, by, now)
            await self._reactions.settle(session, playbook, lead, [Trigger(topics.SALES)], now)
            return row.id

    async def current_of(self, name: str) -> str | None:
        """The handover of that lead that sales has in hand, or that was won last, for systems that know only the
        person."""
        async with self._db.read() as session:
            lead = await leads.find(session, name)
            row = await handovers.current_of(session, lead.id) if lead else None
            return row.id if row else None

    async def _apply(
        self,
        session: AsyncSession,
        playbook: Playbook,
        current: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        answer: Answer,
        before: Handover,
    ) -> list[Trigger]:
        """Write down what was said; what may follow from it."""
        triggers = [Trigger(topics.SALES)]
        if answer.state in sla.GIVEN_BACK:
            await self._handovers.give_back(session, playbook, current, row, lead, answer)
            return [*triggers, Trigger(topics.STAGE, lead.stage)]
        why, how, until = answer.reason or "", answer.how, answer.until
        told = before.answered(answer.state, answer.at, until, how, why)
        tenure.keep(row, told)
        if answer.state is State.WON:
            await self._win(session, playbook, row, lead, answer)
        detail = how or why
        if until:
            detail = f"{until.isoformat()} {detail}".strip()
        handovers.log(session, row, str(answer.state), answer.at, answer.by, detail)
        for stage in () if told.is_task else current.lifted(lead.stage, answer.state):
            leads.change_stage(session, lead, stage, answer.at, by=SALES)
        if told.fulfils(before):
            triggers.append(await _done(session, playbook, row, lead, answer))
        return [*triggers, Trigger(topics.STAGE, lead.stage)]

    async def _win(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: HandoverRow,
        lead: LeadRow,
        answer: Answer,
    ) -> None:
        """One that was lost may be won while sales has the lead again: one sale, and both are won."""
        row.amount, row.currency = answer.amount, answer.currency or playbook.promise.currency
        row.outcome = "won"
        sale = SaleRow(
            id=sales.said_id(row.id),
            lead_id=lead.id,
            handover_id=row.id,
            amount=row.amount or 0,
            currency=row.currency,
            at=answer.at,
        )
        await sales.book(session, sale, playbook.same_sale, row.opened_at)
        if again := await self._handovers.sold(session, playbook, lead, sale, answer.by, answer.at):
            again.contacted_at = again.contacted_at or answer.at
        lead.sales_owned = False


async def _done(
    session: AsyncSession, playbook: Playbook, row: HandoverRow, lead: LeadRow, answer: Answer
) -> Trigger:
    """The flow that asked for the task hears that it is over."""
    about = {"flow": row.trigger, "step": row.step, "how": row.how}
    touch = Touch(keys.touch_id(sources.SALES, row.id), TASK_DONE, answer.at, about)
    await touches.store(session, playbook.scoring, lead, touch, sources.SALES, answer.at)
    return Trigger(topics.touch(TASK_DONE))


def _sentence(row: HandoverRow, answer: Answer) -> str:
    late = answer.at == row.contacted_at and answer.at > row.due_at
    tail = " The contact came after its deadline." if late else ""
    return f"Noted: {answer.state}.{tail}"


def _timeline(facts: Facts, mails: Sequence[MailSent]) -> tuple[story.Line, ...]:
    titles = {mail.id: mail.title for mail in mails}
    return tuple(story.timeline(facts.touches, titles, TIMELINE))
