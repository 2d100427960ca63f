"""Taking a lead through its flow: one move at a time, each in a transaction of its own."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import clock, queues
from activities.contract import ADVANCE_ENROLMENT, Next
from activities.effects import Effects
from nurture import live_edits
from nurture.domain import flow as flow_domain
from nurture.domain import keys
from nurture.domain.errors import AddressRefused, InputError, Permanent, Transient, Unknown
from nurture.domain.flow import Cursor, Flow, Move, RefuseMail, SendMail
from nurture.domain.lead import Facts
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.ports import Mailer
from nurture.postroom import Postroom
from nurture.shelf import Shelf
from nurture.store import enrolments, leads, messages, senders
from nurture.store.tables import EnrolmentRow, LeadRow


@dataclass(frozen=True)
class Claimed:
    """A mail that is ours to send, and where the lead stands once it is sent."""

    playbook: Playbook
    run: EnrolmentRow
    lead: LeadRow
    effect: SendMail
    past: Cursor


@dataclass(frozen=True)
class Sent:
    """What became of a claimed mail, to be recorded."""

    claimed: Claimed
    state: str
    reason: str = ""
    provider_id: str | None = None


class Steps:
    """`advance` is the whole of an enrolment's doing; it may be repeated after a crash at any line."""

    def __init__(
        self, outbox: Outbox, shelf: Shelf, effects: Effects, postroom: Postroom, mailer: Mailer
    ) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._effects = effects
        self._postroom = postroom
        self._mailer = mailer

    @activity.defn(name=ADVANCE_ENROLMENT)
    async def advance(self, enrolment_id: str) -> Next:
        """Move on until the lead has to wait, a mail is due that another queue sends, or the flow is over.

        One look sends one mail at most, so that a queue's rate is its sender's.
        """
        now = clock.now()
        sender = queues.sender_of(activity.info().task_queue)
        outcome = await self._proceed(enrolment_id, None, sender, now)
        if isinstance(outcome, Claimed):
            sent = await self._send(outcome, now)
            outcome = await self._proceed(enrolment_id, sent, None, now)
        assert isinstance(outcome, Next)
        return outcome

    async def _proceed(
        self, enrolment_id: str, sent: Sent | None, sender: str | None, now: datetime
    ) -> Next | Claimed:
        """In one transaction: record the mail just sent, then move until a wait or a mail comes, which is
        claimed if it is one of this sender's."""
        async with self._outbox.write() as session:
            row = await enrolments.lock(session, enrolment_id)
            if row and sent:
                await self._record(session, row, sent, now)
            lead = await leads.lock(session, row.lead_id) if row else None
            if row is None or lead is None:
                return Next(done=True)
            playbook = await self._shelf.current(session)
            while row.again:
                if claimed := await self._once_more(session, playbook, row, lead, now):
                    return claimed
            if row.ended:
                return Next(done=True)
            book = await live_edits.book_of(session, self._shelf.version, playbook, row, now)
            if book is None:
                return Next(done=True)
            flow = book.flows[row.flow]
            facts = await self._facts(session, playbook, flow, row, lead, now)
            while True:
                move = flow_domain.advance(flow, enrolments.cursor(row), facts, now)
                if isinstance(move.effect, SendMail) and book.sender_of[row.flow] != sender:
                    enrolments.move(row, enrolments.cursor(row), now, ())
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
        now: datetime,
    ) -> Claimed | None:
        """The next mail of which a person said that it never went out; the lead stays where it stands."""
        step, cursor = row.again[0], enrolments.cursor(row)
        flow = playbook.flows.get(row.flow)
        effect: SendMail | RefuseMail = RefuseMail(step, "", "flow_removed")
        if flow:
            facts = await self._facts(session, playbook, flow, row, lead, now)
            effect = flow_domain.once_more(flow, step, facts, now)
        if isinstance(effect, RefuseMail):
            await messages.refuse(session, playbook, row, effect, now)
        elif await self._claim(session, playbook, row, effect, now):
            return Claimed(playbook, row, lead, effect, cursor)
        row.again = row.again[1:]
        return None

    async def _facts(
        self,
        session: AsyncSession,
        playbook: Playbook,
        flow: Flow,
        run: EnrolmentRow,
        lead: LeadRow,
        now: datetime,
    ) -> Facts:
        """Before a mail with whether its sender stands still; and with the mails of other flows that wait
        for their turn, where a cap lets them compete."""
        facts = await leads.facts(session, lead, now)
        if isinstance(flow.steps.get(run.step or ""), flow_domain.Email):
            stopped = await senders.paused(session, playbook.sender_of.get(run.flow, ""))
            facts = replace(facts, standing=replace(facts.standing, sender_paused=stopped))
        if flow.mail.cap is None:
            return facts
        rivals = await enrolments.held_mails(session, playbook, run)
        return replace(facts, standing=replace(facts.standing, waiting=rivals))

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
        if isinstance(move.effect, SendMail):
            if await self._claim(session, book, row, move.effect, now):
                return Claimed(book, row, lead, move.effect, move.cursor)
        elif isinstance(move.effect, RefuseMail):
            await messages.refuse(session, book, row, move.effect, now)
        elif move.effect:
            await self._effects.carry_out(session, playbook, row, lead, move.effect, now)
        if move.done:
            enrolments.end(row, move.done, now)
            return Next(done=True)
        enrolments.move(row, move.cursor, move.wake_at, move.listens, move.why)
        return None

    async def _claim(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: EnrolmentRow,
        effect: SendMail,
        now: datetime,
    ) -> bool:
        """Whether the mail is ours to send; not when an earlier attempt claimed it and then died."""
        entry = await messages.of_step(session, row.id, effect.step)
        if entry and entry.state == messages.CLAIMED:
            entry.state, entry.reason = messages.UNKNOWN, "the sender died while sending"
            entry.sent_at = now
            return False
        if entry and entry.state != messages.PLANNED:
            return False
        messages.claim(session, playbook, row, effect, now, entry)
        return True

    async def _send(self, claimed: Claimed, now: datetime) -> Sent:
        """Render and hand over, outside any transaction. What should be tried again fails the activity."""
        try:
            mail = self._postroom.render(
                claimed.playbook, claimed.run, claimed.lead, claimed.effect
            )
            provider_id = await self._mailer.send(mail)
        except AddressRefused as error:
            return Sent(claimed, messages.BOUNCED, str(error))
        except (Permanent, InputError) as error:
            return Sent(claimed, messages.FAILED, str(error))
        except Unknown as error:
            return Sent(claimed, messages.UNKNOWN, str(error))
        except Transient as error:
            await self._put_back(claimed, error, now)
            raise ApplicationError(
                f"mail not taken: {error.reason}",
                type="Transient",
                next_retry_delay=error.retry_after,
            ) from error
        return Sent(claimed, messages.ACCEPTED, provider_id=provider_id)

    async def _put_back(self, claimed: Claimed, error: Transient, now: datetime) -> None:
        async with self._outbox.write() as session:
            mail_id = keys.message_id(claimed.run.id, claimed.effect.step)
            await messages.record(session, mail_id, messages.PLANNED, str(error), None, now)

    async def _record(
        self, session: AsyncSession, row: EnrolmentRow, sent: Sent, now: datetime
    ) -> None:
        mail_id = keys.message_id(row.id, sent.claimed.effect.step)
        await messages.record(session, mail_id, sent.state, sent.reason, sent.provider_id, now)
        row.again = [step for step in row.again if step != sent.claimed.effect.step]
        if row.ended is None:
            enrolments.move(row, sent.claimed.past, None, ())


def _due(book: Playbook, flow: str, at: datetime, mail: bool = True) -> Next:
    """A look at that time, on the queue of the flow's sender when it is for a mail."""
    if not mail:
        return Next(at.timestamp())
    return Next(at.timestamp(), part=queues.mail(book.sender_of[flow]))
