"""What a lead itself says about our mails: fewer, later, none, or again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import consent, language, topics
from nurture.domain.consent import EMAIL_MARKETING, REQUEST_LASTS, ConsentRecord
from nurture.domain.enrolment import Trigger
from nurture.domain.sources import PREFERENCES
from nurture.incoming import Incoming
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.reactions import Reactions
from nurture.store import consents, leads, touches
from nurture.store.tables import LeadRow, MessageRow
from nurture.versions.shelf import Shelf

_DAY = timedelta(days=1)
BREAKS = (30, 90)
"""Days of a break that one can ask for."""


@dataclass(frozen=True)
class Wanted:
    """What holds now. `subscriptions`: those of the playbook that the lead still wants. `language` is what the
    lead told of itself, if it did."""

    subscribed: bool
    left: bool
    subscriptions: frozenset[str]
    paused_until: datetime | None
    language: str


class Preferences:
    """Whoever holds the signed link of a mail speaks for the lead. All of it may be said as often as one likes."""

    def __init__(self, outbox: Outbox, shelf: Shelf, reactions: Reactions) -> None:
        self._outbox = outbox
        self._shelf = shelf
        self._reactions = reactions

    async def look(self, lead_id: str, now: datetime) -> Wanted | None:
        """None for a lead that is no more."""
        async with self._outbox.read() as session:
            lead = await leads.joined(session, lead_id)
            if lead is None or lead.erased_at:
                return None
            playbook = await self._shelf.current(session)
        until = lead.paused_until
        return Wanted(
            subscribed=EMAIL_MARKETING in lead.consents,
            left=EMAIL_MARKETING in lead.declined,
            subscriptions=frozenset(playbook.subscriptions) - _declined(lead),
            paused_until=until if until and until > now else None,
            language=_told_language(lead),
        )

    async def asked(self, lead_id: str, message_id: str, now: datetime) -> list[ConsentRecord]:
        """What the lead would grant by the button behind that mail's link."""
        async with self._outbox.read() as session:
            lead = await leads.joined(session, lead_id)
            mail = await session.get(MessageRow, message_id)
            if lead is None or lead.erased_at or mail is None:
                return []
            lasts = REQUEST_LASTS * ((await self._shelf.current(session)).day / _DAY)
            return await consents.confirmable(session, lead, mail, now, lasts)

    async def come_back(self, lead_id: str, wording: str, now: datetime) -> None:
        """Mails again, after leaving; of who never left it changes nothing. `wording` is what stood on the button, kept
        as proof. It lifts no bounce and no complaint."""
        async with self._outbox.write() as session:
            lead = await leads.lock_joined(session, lead_id)
            if lead is None or lead.erased_at or EMAIL_MARKETING not in lead.declined:
                return
            playbook = await self._shelf.current(session)
            await _say(session, lead, {EMAIL_MARKETING: True}, now, wording)
            await self._settle(session, playbook, lead, "resubscribed", EMAIL_MARKETING, now)

    async def choose(self, lead_id: str, wanted: Collection[str], now: datetime) -> None:
        """Only these subscriptions; whoever wants none of them gets only what belongs to none."""
        async with self._outbox.write() as session:
            lead = await leads.lock_joined(session, lead_id)
            if lead is None or lead.erased_at:
                return
            playbook = await self._shelf.current(session)
            declined = _declined(lead)
            for name in playbook.subscriptions:
                purpose = consent.part(EMAIL_MARKETING, name)
                if (name in wanted) == (name in declined):
                    await _say(session, lead, {purpose: name in wanted}, now)
                    touch = "resubscribed" if name in wanted else "unsubscribed"
                    await self._settle(session, playbook, lead, touch, purpose, now)

    async def pause(self, lead_id: str, days: int, now: datetime) -> None:
        """A break of so many days of the playbook; 0 ends it."""
        async with self._outbox.write() as session:
            lead = await leads.lock_joined(session, lead_id)
            if lead is None or lead.erased_at:
                return
            playbook = await self._shelf.current(session)
            until = now + days * playbook.day if days else None
            if until == lead.paused_until:
                return
            lead.paused_until = until
            touch = "mails_paused" if days else "resubscribed"
            await self._settle(session, playbook, lead, touch, f"{days} days", now)

    async def _settle(
        self,
        session: AsyncSession,
        playbook: Playbook,
        lead: LeadRow,
        name: str,
        about: str,
        now: datetime,
    ) -> None:
        message = Incoming(f"{lead.id}/{name}/{about}/{now.isoformat()}", now, touch=name)
        touch = touches.make(PREFERENCES, message, {"purpose": about})
        await touches.store(session, playbook.scoring, lead, touch, PREFERENCES, now)
        heard = [Trigger(topics.CONSENT), Trigger(topics.touch(name))]
        await self._reactions.settle(session, playbook, lead, heard, now)


def _told_language(lead: LeadRow) -> str:
    told = next((str(lead.traits[name]) for name in language.TRAITS if lead.traits.get(name)), "")
    return told.strip().lower().replace("_", "-").partition("-")[0]


def _declined(lead: LeadRow) -> frozenset[str]:
    prefix = consent.part(EMAIL_MARKETING, "")
    return frozenset(
        purpose.removeprefix(prefix) for purpose in lead.declined if purpose.startswith(prefix)
    )


async def _say(
    session: AsyncSession, lead: LeadRow, said: dict[str, bool], now: datetime, wording: str = ""
) -> None:
    records = [
        ConsentRecord(purpose, granted, now, PREFERENCES, wording)
        for purpose, granted in said.items()
    ]
    await consents.tell(session, [(lead, records)])
