"""Sending one mail of a flow: claimed in the ledger, handed over, recorded. The next look sees a crash at any line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.exceptions import ApplicationError

from nurture.domain import retries
from nurture.domain.errors import (
    AddressRefused,
    Deferred,
    DeliveryError,
    InputError,
    MailboxFull,
    Permanent,
    Transient,
    Unknown,
)
from nurture.domain.feedback import Event, Kind
from nurture.domain.flow import Cursor, Move, SendMail
from nurture.mail.feedback import Feedback
from nurture.mail.postroom import Postroom
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.ports import MailAccount, Mailers
from nurture.store import enrolments, messages
from nurture.store.tables import EnrolmentRow, LeadRow

_REST = timedelta(seconds=30)
"""An account that took no mail is left alone so long where another can: mails do not queue up for its time-outs."""

_PROVIDER = "delivery"
"""Who told, in the feedback on mails that came back before anybody had taken them."""


@dataclass(frozen=True)
class Claimed:
    """A mail that is ours to send, where the lead stands until it is sent and where after that. `put_off`: when its
    recipient's side first did so. `again`: an earlier try may have reached the account, which
    knows the mail by its `id` and takes it only once."""

    id: str
    playbook: Playbook
    run: EnrolmentRow
    lead: LeadRow
    effect: SendMail
    at: Cursor
    past: Cursor
    account: MailAccount
    attempt: int
    put_off: datetime | None
    again: bool = False

    @property
    def next_account(self) -> MailAccount | None:
        """Who is asked when this one certainly did not take it."""
        order = self.playbook.accounts_of(self.playbook.sender_of[self.run.flow])
        return order[order.index(self.account) + 1] if self.account in order[:-1] else None

    def comes_back(self, put_off: datetime) -> datetime:
        """Until when its recipient's side may put it off that did so first then."""
        rules = self.playbook.flows[self.run.flow].mail
        return retries.comes_back(put_off, self.playbook.day, rules.max_hold)


@dataclass(frozen=True)
class Sent:
    """What became of a claimed mail, to be recorded."""

    claimed: Claimed
    state: str
    reason: str = ""
    provider_id: str | None = None


class Sending:
    """`claim` and `record` belong into the step's transactions, `send` between them."""

    def __init__(
        self, outbox: Outbox, postroom: Postroom, mailers: Mailers, feedback: Feedback
    ) -> None:
        self._outbox = outbox
        self._postroom = postroom
        self._mailers = mailers
        self._feedback = feedback
        self._resting: dict[str, datetime] = {}

    async def claim(
        self,
        session: AsyncSession,
        book: Playbook,
        run: EnrolmentRow,
        lead: LeadRow,
        move: Move,
        now: datetime,
    ) -> Claimed | None:
        """The mail, if it is ours to send; not when its fate is known, or nobody will ever know it."""
        assert isinstance(move.effect, SendMail)
        entry = await messages.come_to(session, book, run, move.effect.step)
        order = book.accounts_of(book.sender_of[run.flow])
        last = next((each for each in order if entry and each.id == entry.account), None)
        again = False
        if entry and entry.state == messages.CLAIMED:
            if now < entry.claimed_at:  # we were taken for dead; a later attempt sends the mail
                raise ApplicationError("a later attempt has this mail", type="Overtaken")
            if last is None or now >= entry.claimed_at + self._known_for(last):
                messages.doubt(entry, now)
                return None
            entry.attempts += 1
            again = True
        elif entry and entry.state != messages.PLANNED:
            return None
        account = last or self._awake(order, now)
        if entry is None or not again:
            entry = messages.claim(session, book, run, move.effect, account.id, now, entry)
        at, past = enrolments.cursor(run), move.cursor
        mail = (entry.id, book, run, lead, move.effect)
        return Claimed(*mail, at, past, account, entry.attempts, entry.put_off_at, again)

    async def send(self, claimed: Claimed, now: datetime) -> Sent | None:
        """Render and hand over, outside any transaction. None: the account did not take it, and the next one is
        to be asked. What should be tried again later fails the activity."""
        try:
            mail = self._postroom.render(
                claimed.playbook, claimed.run, claimed.lead, claimed.effect, claimed.id
            )
            provider_id = await self._mailers.of(claimed.account).send(mail)
        except AddressRefused as error:
            return await self._came_back(claimed, Kind.HARD_BOUNCE, error, now)
        except MailboxFull as error:
            return await self._came_back(claimed, Kind.SOFT_BOUNCE, error, now)
        except (Permanent, InputError) as error:
            return Sent(claimed, messages.FAILED, str(error))
        except Unknown as error:
            if not error.repeatable:
                return Sent(claimed, messages.UNKNOWN, str(error))
            raise _later(
                error
            ) from error  # it stays claimed; the next look sends it again or gives it up
        except Transient as error:
            return await self._not_taken(claimed, error, now)
        return Sent(claimed, messages.ACCEPTED, provider_id=provider_id)

    async def _not_taken(self, claimed: Claimed, error: Transient, now: datetime) -> Sent | None:
        """For now. What its recipient's side put off for too long came back, once no account is left to ask."""
        following, deferred = claimed.next_account, isinstance(error, Deferred)
        if claimed.again:
            raise _later(error, error) from error
        put_off = claimed.put_off or (now if deferred else None)
        if put_off and not following and now >= claimed.comes_back(put_off):
            return await self._came_back(claimed, Kind.SOFT_BOUNCE, error, now)
        await self._put_back(claimed, error, following, put_off)
        if not following:
            raise _later(error, error) from error
        if not deferred:
            self._resting[claimed.account.id] = now + _REST
        return None

    async def _came_back(
        self, claimed: Claimed, kind: Kind, error: DeliveryError, now: datetime
    ) -> Sent:
        """It counts like one that comes back later. Nobody ever took it, so it was not sent."""
        mails, to = (claimed.id,), claimed.lead.email or ""
        told = Event(claimed.id, kind, now, mails, to=to, reason=str(error), sent=False)
        await self._feedback.take(_PROVIDER, [told], now)
        return Sent(claimed, messages.BOUNCED, str(error))

    async def record(self, session: AsyncSession, sent: Sent, now: datetime) -> None:
        await messages.record(
            session, sent.claimed.id, sent.state, sent.reason, sent.provider_id, now
        )

    def _awake(self, order: Sequence[MailAccount], now: datetime) -> MailAccount:
        """The first account that did not fail just now; the first of all when each did."""
        awake = [each for each in order if self._resting.get(each.id, now) <= now]
        return (awake or order)[0]

    def _known_for(self, account: MailAccount) -> timedelta:
        try:
            return self._mailers.of(account).known_for
        except Transient:
            return timedelta()

    async def _put_back(
        self,
        claimed: Claimed,
        error: Transient,
        following: MailAccount | None,
        put_off: datetime | None,
    ) -> None:
        """For the next account; after the last one the first is asked again, later."""
        order = claimed.playbook.accounts_of(claimed.playbook.sender_of[claimed.run.flow])
        async with self._outbox.write() as session:
            account = following or order[0]
            await messages.put_back(
                session, claimed.id, claimed.attempt, str(error), account.id, put_off
            )


def _later(error: Transient | Unknown, wait: Transient | None = None) -> ApplicationError:
    return ApplicationError(
        f"mail not taken: {error.reason}",
        type=type(error).__name__,
        next_retry_delay=wait.retry_after if wait else None,
    )
