"""Taking a lead through its flow: one move at a time, each in a transaction of its own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from math import inf

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities import clock, queues
from activities.contract import ADVANCE_ENROLMENT, Next
from activities.effects import Effects
from activities.sending import Claimed, Sending, Sent
from nurture import enrolling
from nurture.domain import allowance, gate
from nurture.domain import flow as flow_domain
from nurture.domain.flow import Email, Flow, Move, RefuseMail, SendMail
from nurture.domain.gate import Hold
from nurture.domain.lead import Facts, Standing
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.store import enrolments, messages, owned, senders
from nurture.store.tables import EnrolmentRow, LeadRow
from nurture.together import insist
from nurture.versions import live_edits, on_paper
from nurture.versions.shelf import Shelf


class Steps:
    """`advance` is the whole of an enrolment's doing; it may be repeated after a crash at any line."""

    def __init__(self, outbox: Outbox, shelf: Shelf, effects: Effects, sending: Sending) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._effects = effects
        self._sending = sending

    @activity.defn(name=ADVANCE_ENROLMENT)
    async def advance(self, enrolment_id: str) -> Next:
        """Move on until the lead has to wait, a mail is due that another queue sends, or the flow is over.

        One look sends one mail at most, so that a queue's rate is its sender's.
        """
        now = clock.now()
        sender = queues.sender_of(activity.info().task_queue)
        outcome = await insist(partial(self._proceed, enrolment_id, None, sender, now))
        while isinstance(outcome, Claimed):
            sent = await self._sending.send(outcome, now)
            following = None if sent else sender
            outcome = await insist(partial(self._proceed, enrolment_id, sent, following, now))
        return outcome

    async def _proceed(
        self, enrolment_id: str, sent: Sent | None, sender: str | None, now: datetime
    ) -> Next | Claimed:
        """In one transaction: record the mail just sent, then move until a wait or a mail comes, which is
        claimed if it is one of this sender's."""
        async with self._outbox.write() as session:
            found = await owned.hold(session, EnrolmentRow, enrolment_id)
            if found is None:
                return Next(done=True)
            row, lead = found
            if sent and not await self._record(session, row, sent, now):
                return Next(now.timestamp())  # should anybody still wait for us: look anew
            playbook = await self._shelf.current(session)
            book = await self._book(session, playbook, row, now)
            waiting: list[Next] = []
            for step in _again(playbook, row):
                mail = await self._once_more(session, playbook, row, lead, step, sender, now)
                if isinstance(mail, Claimed):
                    return mail
                waiting += [mail] if mail else []
            outcome = await self._go_on(session, playbook, book, row, lead, sender, now)
            return outcome if isinstance(outcome, Claimed) else _soonest(outcome, waiting)

    async def _book(
        self, session: AsyncSession, playbook: Playbook, row: EnrolmentRow, now: datetime
    ) -> Playbook | None:
        """What the run goes on by, under its flow's name of today; None: it has ended."""
        if row.ended:
            return None
        return await live_edits.book_of(session, self._shelf.version, playbook, row, now)

    async def _go_on(
        self,
        session: AsyncSession,
        playbook: Playbook,
        book: Playbook | None,
        row: EnrolmentRow,
        lead: LeadRow,
        sender: str | None,
        now: datetime,
    ) -> Next | Claimed:
        """From where the lead stands."""
        if book is None:
            return await _over(session, playbook, row, lead, now)
        flow = book.flows[row.flow]
        facts = await self._facts(session, playbook, flow, row, lead, now)
        while True:
            move = flow_domain.advance(flow, enrolments.cursor(row), facts, now)
            if isinstance(move.effect, SendMail) and book.sender_of[row.flow] != sender:
                row.wake_at, row.listens = now, []
                return _due(book, row.flow, now)
            outcome = await self._carry_out(session, playbook, book, row, lead, move, now)
            if outcome:
                return outcome
            if move.wake_at:
                mail = flow_domain.mail_due(flow, move.cursor, facts, move.wake_at)
                return _due(book, row.flow, move.wake_at, mail)
            if move.effect:
                facts = await self._facts(session, playbook, flow, row, lead, now)

    async def _once_more(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: EnrolmentRow,
        lead: LeadRow,
        step: str,
        sender: str | None,
        now: datetime,
    ) -> Next | Claimed | None:
        """A mail of which a person said that it never went out; the lead stays where it stands. None: it is dealt with.
        While it is held nobody else knows of it, so it is looked at once a day at least."""
        entry = await messages.of_step(session, playbook, row, step)
        effect: SendMail | RefuseMail | Hold = RefuseMail(step, "", "flow_removed")
        if flow := playbook.flows.get(row.flow):
            facts = await self._facts(session, playbook, flow, row, lead, now, again=step)
            since = entry.claimed_at if entry else now
            effect = flow_domain.once_more(flow, step, facts, now, since)
        if isinstance(effect, RefuseMail):
            await messages.refuse(session, playbook, row, effect, now)
        elif entry and entry.state in messages.OPEN:
            if isinstance(effect, Hold):
                tomorrow = now + playbook.day
                return _due(playbook, row.flow, min(effect.until or tomorrow, tomorrow))
            if playbook.sender_of[row.flow] != sender:
                return _due(playbook, row.flow, now)
            move = Move(enrolments.cursor(row), effect=effect)
            if claimed := await self._sending.claim(session, playbook, row, lead, move, now):
                return claimed
        row.again = [each for each in row.again if each != step]
        return None

    async def _facts(
        self,
        session: AsyncSession,
        playbook: Playbook,
        flow: Flow,
        run: EnrolmentRow,
        lead: LeadRow,
        now: datetime,
        again: str = "",
    ) -> Facts:
        """Before a mail, which may be that of the step `again`, with whether its sender stands still and when it has
        room; and where a cap lets flows compete, with their mails that are on their way or wait for their turn."""
        facts = await on_paper.facts_of(session, playbook, lead, now)
        if isinstance(flow.steps.get(again or run.step or ""), Email):
            stopped = await senders.paused(session, playbook.sender_of.get(run.flow, ""))
            turn = await _turn(session, playbook, run, now, again)
            standing = replace(facts.standing, sender_paused=stopped, turn=turn)
            facts = replace(facts, standing=standing)
        if flow.mail.cap is None:
            return facts
        return replace(facts, standing=await _among_others(session, playbook, run, facts.standing))

    async def _carry_out(
        self,
        session: AsyncSession,
        playbook: Playbook,
        book: Playbook,
        row: EnrolmentRow,
        lead: LeadRow,
        move: Move,
        now: datetime,
    ) -> Next | Claimed | None:
        """None: the move is made. Mails are those of the run's own `book`."""
        done = move.done
        if isinstance(move.effect, SendMail):
            if claimed := await self._sending.claim(session, book, row, lead, move, now):
                return claimed
        elif isinstance(move.effect, RefuseMail):
            await messages.refuse(session, book, row, move.effect, now)
        elif move.effect:
            told = await self._effects.carry_out(session, playbook, row, lead, move.effect, now)
            done = told or done
        if done:
            enrolments.end(row, done, now)
            return await _over(session, playbook, row, lead, now)
        enrolments.move(row, move.cursor, move.wake_at, move.listens, move.why)
        return None

    async def _record(
        self, session: AsyncSession, row: EnrolmentRow, sent: Sent, now: datetime
    ) -> bool:
        """Whether the lead still stood where the mail was claimed. If not we were taken for dead, and a later attempt
        has led it on: what became of the mail is all that we have to say."""
        await self._sending.record(session, sent, now)
        row.again = [step for step in row.again if step != sent.claimed.effect.step]
        if enrolments.cursor(row) != sent.claimed.at:
            return False
        if row.ended is None:
            enrolments.move(row, sent.claimed.past, None, ())
        return True


async def _among_others(
    session: AsyncSession, playbook: Playbook, run: EnrolmentRow, standing: Standing
) -> Standing:
    """What is on its way takes its place under the cap as if it had gone out. So a mail of this run that an earlier try
    may have sent waits for no rival."""
    under_way = await messages.under_way(session, run.lead_id)
    others = [at for of, at in under_way if of != run.id]
    tried = len(others) < len(under_way)
    rivals = () if tried else await enrolments.held_mails(session, playbook, run)
    return replace(standing, sent=(*standing.sent, *others), waiting=rivals)


async def _over(
    session: AsyncSession, playbook: Playbook, run: EnrolmentRow, lead: LeadRow, now: datetime
) -> Next:
    """The run has ended, maybe while an earlier try at its mail was waiting for an answer."""
    enrolling.look_again(playbook, lead, run, now)
    await messages.give_up(session, run, "its run ended", now)
    return Next(done=True)


def _again(playbook: Playbook, row: EnrolmentRow) -> tuple[str, ...]:
    """The steps, as they are called now, of mails that are to go out once more."""
    if row.again and (flow := playbook.flows.get(row.flow)):
        row.again = [flow.was.get(step, step) for step in row.again]
    return tuple(row.again)


def _soonest(next_: Next, others: Sequence[Next]) -> Next:
    """Of several looks the first; of one moment the lead's own."""
    for other in others:
        if next_.done or (next_.wake_at or inf) > (other.wake_at or inf):
            next_ = other
    return next_


def _due(book: Playbook, flow: str, at: datetime, mail: bool = True) -> Next:
    """A look at that time, on the queue of the flow's sender when it is for a mail; there a flow with a priority
    goes first."""
    if not mail:
        return Next(at.timestamp())
    part = queues.mail(book.sender_of[flow])
    return Next(at.timestamp(), part=part, urgent=book.flows[flow].mail.urgent)


async def _turn(
    session: AsyncSession, book: Playbook, run: EnrolmentRow, now: datetime, again: str
) -> datetime | None:
    """When the sender, which may send so many a day, has room for the mail that the lead stands at, or that goes out
    `again` and has had its turn. None: now; and until this transaction ends nobody takes that room."""
    sender = book.senders[book.sender_of[run.flow]]
    its = sender.allowance
    if its.on(now) is None:
        return None
    await senders.take_turn(session, sender.id)
    called = bool(again)
    if not again and run.held == gate.DAILY_LIMIT and run.wake_at:
        if run.wake_at > now:
            return run.wake_at
        called = True
    today = its.begin_of(now)
    flows = [flow for flow, name in book.sender_of.items() if name == sender.id]
    own = await messages.of_step(session, book, run, again or run.step or "")
    sent = await messages.sent_since(session, sender.id, today, own.id if own else "")
    waiting, last = await enrolments.line(session, flows, now, today + its.day)
    return allowance.turn(its, allowance.Line(sent, waiting, last), now, called)
