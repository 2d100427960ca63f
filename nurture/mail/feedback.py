"""What mail systems tell of our mails: kept as it came, once, and carried into ledger and leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import feedback as events_domain
from nurture.domain import topics
from nurture.domain.consent import EMAIL_MARKETING, ConsentRecord
from nurture.domain.enrolment import Trigger
from nurture.domain.feedback import AGAINST_THE_LEAD, Event, Kind
from nurture.domain.sources import FEEDBACK, UNSUBSCRIBE
from nurture.incoming import Incoming
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.reactions import Reactions
from nurture.store import consents, feedback, leads, touches
from nurture.store.tables import LeadRow, MessageRow
from nurture.together import insist
from nurture.versions.shelf import Shelf

_TOUCHES = {
    Kind.HARD_BOUNCE: "bounced",
    Kind.SOFT_BOUNCE: "bounced",
    Kind.COMPLAINED: "complained",
    Kind.UNSUBSCRIBED: "unsubscribed",
}
"""What a flow or a rule may ask for, and a lead's story tells."""

_BOUNCES = (Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE)

_AT_ONCE = 200
"""Events in one transaction: no lead is locked for long, and no statement outgrows a database's limits."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Heard:
    """What became of a call's events. `unmatched` are kept, though they name no mail of ours."""

    taken: int = 0
    duplicates: int = 0
    unmatched: int = 0

    def __add__(self, other: "Heard") -> "Heard":
        return Heard(
            self.taken + other.taken,
            self.duplicates + other.duplicates,
            self.unmatched + other.unmatched,
        )


class Feedback:
    """`take` is the one way in, whoever tells: webhooks of providers, bounced mails, reports of spam."""

    def __init__(self, outbox: Outbox, shelf: Shelf, reactions: Reactions) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._reactions = reactions

    async def take(self, provider: str, events: Sequence[Event], now: datetime) -> Heard:
        """Store the events and what follows. Repeated, it changes nothing."""
        heard = Heard()
        for begin in range(0, len(events), _AT_ONCE):
            some = events[begin : begin + _AT_ONCE]
            heard += await insist(partial(self._take, provider, some, now))
        return heard

    async def _take(self, provider: str, events: Sequence[Event], now: datetime) -> Heard:
        """In one transaction."""
        async with self._outbox.write() as session:
            new = await feedback.keep(session, provider, events, now)
            await leads.lock_all(
                session, await feedback.leads_of(session, new)
            )  # before their mails
            mails = await feedback.mails_of(session, new)
            people = await _people(session, new, mails)
            playbook = await self._shelf.current(session)
            for event in sorted(new, key=lambda event: (event.at, event.id)):
                if lead := people.get(event.id):
                    mail = mails.get(event.id)
                    await self._apply(session, playbook, provider, event, mail, lead, now)
        unmatched = len(new) - len(people)
        if unmatched:
            log.info("feedback_unmatched", provider=provider, events=unmatched)
        return Heard(len(people), len(events) - len(new), unmatched)

    async def _apply(
        self,
        session: AsyncSession,
        playbook: Playbook,
        provider: str,
        event: Event,
        mail: MessageRow | None,
        lead: LeadRow,
        now: datetime,
    ) -> None:
        await feedback.note(session, provider, event, mail, lead)
        rose = feedback.rise(mail, event, lead) if mail else True
        if lead.erased_at or not (rose or event.kind is Kind.UNSUBSCRIBED):
            return
        heard = await _against(session, event, lead, playbook.day, now)
        if name := _TOUCHES.get(event.kind):
            told = f"{provider}/{event.id}/{now.isoformat()}"
            message = Incoming(told, event.at, touch=name)
            touch = touches.make(FEEDBACK, message, _about(event, mail))
            await touches.store(session, playbook.scoring, lead, touch, FEEDBACK, now)
            heard.append(Trigger(topics.touch(name)))
        if heard:
            await self._reactions.settle(session, playbook, lead, heard, now)


async def _people(
    session: AsyncSession, events: Sequence[Event], mails: Mapping[str, MessageRow]
) -> dict[str, LeadRow]:
    """The lead of each event, by the event's id: the mail's, else who has the address it was sent to."""
    owners = {event_id: row.lead_id for event_id, row in mails.items()}
    for event in events:
        if event.id in owners or not event.to or event.kind not in _TOUCHES:
            continue
        if found := await leads.find(session, event.to):
            owners[event.id] = found.id
    rows = await leads.lock_all(session, sorted(set(owners.values())))
    return {event_id: rows[lead_id] for event_id, lead_id in owners.items() if lead_id in rows}


async def _against(
    session: AsyncSession, event: Event, lead: LeadRow, day: timedelta, now: datetime
) -> list[Trigger]:
    """What the news says against further mails to this lead; what has to hear of it."""
    if event.kind in _BOUNCES and await _from_another_address(session, event, lead):
        return []
    before = (lead.suppressed, lead.soft_bounces, list(lead.declined))
    if reason := AGAINST_THE_LEAD.get(event.kind):
        lead.suppressed = events_domain.graver(lead.suppressed, reason)
    if event.kind is Kind.UNSUBSCRIBED:
        said = ConsentRecord(EMAIL_MARKETING, False, event.at, UNSUBSCRIBE)
        await consents.tell(session, [(lead, [said])])
    if event.kind in (Kind.SOFT_BOUNCE, Kind.DELIVERED):
        lead.soft_bounces = await feedback.soft_bounces(session, lead, day, now)
    changed = before != (lead.suppressed, lead.soft_bounces, lead.declined)
    return [Trigger(topics.CONSENT)] if changed else []


async def _from_another_address(session: AsyncSession, event: Event, lead: LeadRow) -> bool:
    """Whether the mail came back from an address that the lead had before. A receiver that no lead is known by may be
    where the lead's own passes mails on to."""
    receiver = event.to.strip().lower()
    return receiver not in ("", lead.email) and lead.id in await leads.meant(session, receiver)


def _about(event: Event, mail: MessageRow | None) -> dict[str, str]:
    found = {"kind": str(event.kind), "reason": event.reason}
    if mail:
        found |= {"message": mail.id, "step": mail.step, "flow": mail.flow}
    return found
