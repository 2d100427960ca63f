"""Taking a lead through its flow: one move at a time, each in a transaction of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import clock
from activities.contract import ADVANCE_ENROLMENT, Next
from activities.effects import Effects
from nurture.domain import flow as flow_domain
from nurture.domain.errors import AddressRefused, Permanent, Transient, Unknown
from nurture.domain.flow import Flow, Move, RefuseMail, SendMail
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.ports import Mail, Mailer
from nurture.postroom import Postroom
from nurture.shelf import Shelf
from nurture.store import enrolments, leads, messages
from nurture.store.tables import EnrolmentRow, LeadRow

_FAR = timedelta(days=3650)
"""A wait that only a wake-up ends is still looked at after ten years."""


@dataclass(frozen=True)
class Claimed:
    """A mail that is ours to send, and where the lead stands once it is sent."""

    mail: Mail
    move: Move


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
        """Move on until the lead has to wait or the flow is over."""
        now = clock.now()
        while True:
            outcome = await self._move(enrolment_id, now)
            if isinstance(outcome, Next):
                return outcome
            if isinstance(outcome, Claimed):
                await self._send(enrolment_id, outcome, now)

    async def _move(self, enrolment_id: str, now: datetime) -> Next | Claimed | None:
        """Decide and carry out one move. None: go on at once."""
        async with self._outbox.write() as session:
            row = await enrolments.lock(session, enrolment_id)
            lead = await leads.lock(session, row.lead_id) if row else None
            if row is None or lead is None or row.ended:
                return Next(done=True)
            playbook, flow = await self._flow(session, row)
            if flow is None:
                enrolments.end(row, "flow_removed", now)
                return Next(done=True)
            facts = await leads.facts(session, lead, now)
            move = flow_domain.advance(flow, enrolments.cursor(row), facts, now)
            return await self._carry_out(session, playbook, row, lead, move, now)

    async def _carry_out(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: EnrolmentRow,
        lead: LeadRow,
        move: Move,
        now: datetime,
    ) -> Next | Claimed | None:
        if isinstance(move.effect, SendMail):
            mail = await self._claim(session, playbook, row, lead, move.effect, now)
            if mail:
                return Claimed(mail, move)
        elif isinstance(move.effect, RefuseMail):
            await messages.refuse(session, playbook, row, move.effect, now)
        elif move.effect:
            await self._effects.carry_out(session, playbook, row, lead, move.effect, now)
        if move.done:
            enrolments.end(row, move.done, now)
            return Next(done=True)
        enrolments.move(row, move.cursor, move.wake_at, move.listens)
        if not move.sleeps:
            return None
        return Next(wake_at=(move.wake_at or now + _FAR).timestamp())

    async def _claim(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: EnrolmentRow,
        lead: LeadRow,
        effect: SendMail,
        now: datetime,
    ) -> Mail | None:
        """The mail, ours to send; None when an earlier attempt claimed it and nobody knows how that ended."""
        entry = await messages.of_step(session, row.id, effect.step)
        if entry and entry.state == messages.CLAIMED:
            entry.state, entry.reason = messages.UNKNOWN, "the sender died while sending"
            return None
        if entry and entry.state != messages.PLANNED:
            return None
        mail = self._postroom.render(playbook, row, lead, effect)
        messages.claim(session, playbook, row, effect, now, entry)
        return mail

    async def _send(self, enrolment_id: str, claimed: Claimed, now: datetime) -> None:
        """Hand the mail over and record what became of it; only then does the lead move on."""
        state, reason, provider_id = messages.ACCEPTED, "", None
        retry: Transient | None = None
        try:
            provider_id = await self._mailer.send(claimed.mail)
        except AddressRefused as error:
            state, reason = messages.BOUNCED, str(error)
        except Permanent as error:
            state, reason = messages.FAILED, str(error)
        except Unknown as error:
            state, reason = messages.UNKNOWN, str(error)
        except Transient as error:
            state, reason, retry = messages.PLANNED, str(error), error
        async with self._outbox.write() as session:
            await messages.record(session, claimed.mail.id, state, reason, provider_id, now)
            row = await enrolments.lock(session, enrolment_id)
            if row and not retry and row.ended is None:
                enrolments.move(row, claimed.move.cursor, None, ())
        if retry:
            raise ApplicationError(
                f"mail not taken: {retry.reason}",
                type="Transient",
                next_retry_delay=retry.retry_after,
            )

    async def _flow(self, session: AsyncSession, row: EnrolmentRow) -> tuple[Playbook, Flow | None]:
        """Leads follow the flow in force, wherever they stand in it."""
        playbook = await self._shelf.current(session)
        return playbook, playbook.flows.get(row.flow)
