"""The entry: touches in, and in one transaction for the whole batch all that follows from them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import keys, machines, topics
from nurture.domain.consent import REQUEST_LASTS, ConsentRecord, proofs, unwatched
from nurture.domain.enrolment import LONG_AGO, Trigger
from nurture.domain.errors import InputError
from nurture.domain.lead import Touch
from nurture.domain.sources import FORM, IMPORT, MAIL
from nurture.fingerprints import Fingerprints
from nurture.handovers.running import Handovers
from nurture.incoming import Incoming, Receipt
from nurture.intake import business, joining, passing, stages
from nurture.intake.identity import Register
from nurture.intake.watching import Watching
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.privacy import forgotten
from nurture.reactions import Reactions
from nurture.store import (
    aside,
    bursts,
    clicks,
    consents,
    feedback,
    glances,
    leads,
    merging,
    touches,
    words,
)
from nurture.store.tables import LeadRow, MessageRow
from nurture.together import Together, insistent
from nurture.versions.shelf import Shelf

_DAY = timedelta(days=1)

TOGETHER = 600
"""Messages that share a transaction: enough that its own cost does not count, few enough that others who write wait
less than a tenth of a second."""

REQUESTED, CONFIRMED = "consent_requested", "consent_confirmed"
"""A form was sent whose consent the mailbox has to confirm; it did."""

WITHOUT_TRAITS = "all but its traits was taken: "

ERASED = "this person asked to be forgotten; only a form it fills in itself brings it back"


class Batch(NamedTuple):
    """What came at once."""

    messages: Sequence[Incoming]
    now: datetime

    def size(self) -> int:
        return len(self.messages)


class Intake:
    """The one way in for everything a lead does or says."""

    def __init__(
        self,
        outbox: Outbox,
        shelf: Shelf,
        reactions: Reactions,
        handovers: Handovers,
        fingerprints: Fingerprints,
        together: int = TOGETHER,
    ) -> None:
        """`together`: how many messages of several batches share a transaction at most."""
        self._outbox = outbox
        self._shelf = shelf
        self._reactions = reactions
        self._handovers = handovers
        self._fingerprints = fingerprints
        self._together = together
        self._lines: dict[str, Together[Batch, Receipt]] = {}

    def rehearsed(self) -> "Intake":
        """One that says what would become of messages, and keeps nothing of them."""
        rest = self._reactions, self._handovers, self._fingerprints, self._together
        return Intake(self._outbox.rehearsal(), self._shelf, *rest)

    async def take(self, source: str, messages: Sequence[Incoming], now: datetime) -> Receipt:
        """Store the batch and what follows. A message seen before from this source changes nothing.

        Batches of one source that come at the same moment are taken together.
        """
        if source not in self._lines:
            self._lines[source] = Together(partial(self._take, source), Batch.size, self._together)
        return await self._lines[source].ask(Batch(messages, now))

    async def came(self, source: str, message_id: str, since: datetime) -> bool:
        """Whether this message was taken since then."""
        async with self._outbox.read() as session:
            return await touches.came_since(session, keys.touch_id(source, message_id), since)

    async def _take(self, source: str, batches: Sequence[Batch]) -> list[Receipt]:
        now = max(batch.now for batch in batches)
        async with self._outbox.write() as session:
            playbook = await self._shelf.current(session)
            owned = await _unseen(session, source, batches)
            fresh = [message for message, _ in owned]
            register = Register(session, playbook)
            known = await glances.look(session, await register.look_up(fresh))
            plain = register.of_one(partial(_plain, source))
            passed = await passing.sift(session, playbook, known, plain, source, now)
            rest = [message for message in fresh if message.message_id not in passed.messages]
            refused = (
                await self._tell(session, playbook, register, rest, source, now) if rest else {}
            )
            await passing.keep(session, passed, source, now)
        return _receipts(batches, owned, refused)

    async def _tell(
        self,
        session: AsyncSession,
        playbook: Playbook,
        register: Register,
        messages: Sequence[Incoming],
        source: str,
        now: datetime,
    ) -> dict[str, str]:
        """The messages that say something new of their leads, and all that follows; what was refused, and why."""
        await register.lock(messages)
        called = {row.id: words.called(row) for row in register.rows.values()}
        refused = dict.fromkeys(await self._erased(session, register, source, messages), ERASED)
        heard: dict[str, list[Trigger]] = {}
        said: list[tuple[str, ConsentRecord]] = []
        made: list[tuple[str, Touch]] = []
        watching = Watching(session)
        for message in _in_order(messages, refused):
            row = await register.lead_of(message, source, now)
            if problem := merging.too_much(row, message.traits):
                refused[message.message_id] = f"{WITHOUT_TRAITS}{problem}"
                message = message._replace(traits={})
            await watching.hear(row, _consents(message, row))
            triggers = heard.setdefault(row.id, [])
            triggers += await self._record(session, playbook, row, source, message, made, now)
            try:
                moved = stages.told(session, playbook, row, message, now)
                triggers += _dated(moved, playbook, source, message, now)
            except InputError as error:
                refused[message.message_id] = f"all but its stage was taken: {error}"
            said += [(row.id, record) for record in _consents(message, row)]
        register.write_names()
        await words.write(session, _renamed(register.rows.values(), called))
        await _store(session, playbook, register, made, source, now)
        await consents.tell(session, _joined(register, said))
        await self._reactions.settle_all(session, playbook, _together(register, heard), now)
        await joining.tell_sales(session, self._shelf, self._handovers, register, now)
        return refused

    async def _erased(
        self, session: AsyncSession, register: Register, source: str, fresh: Sequence[Incoming]
    ) -> set[str]:
        """Ids of messages that would bring back somebody who asked to be forgotten.

        Only a form does that: there the person speaks, not a list that still has the name.
        """
        if source.startswith(FORM):
            return set()
        return await forgotten.brought_back(session, self._fingerprints, register, fresh)

    @insistent
    async def hit(
        self,
        message_id: str,
        name: str,
        properties: Mapping[str, Any],
        machine: str | None,
        now: datetime,
    ) -> bool:
        """An open or click in one of our mails; False when nothing is kept of it: we never sent that mail, or who got
        it was erased or took `tracking` back since. A person's click counts a moment later: see
        nurture.intake.clicks."""
        async with self._outbox.write() as session:
            mail = await session.get(MessageRow, message_id)
            row = await leads.lock_joined(session, mail.lead_id) if mail else None
            if mail is None or row is None or row.erased_at or unwatched(name, row.declined):
                return False
            playbook = await self._shelf.current(session)
            url, burst = str(properties.get("url", "")), machines.BURST * (playbook.day / _DAY)
            if name == "clicked":
                walked = await bursts.unmask(session, row, mail, url, now - burst)
                machine = walked or machine or machines.TOO_EARLY
            triggers = [] if machine else [Trigger(topics.touch(name))]
            if not machine and await feedback.read(session, mail, row, name, now, playbook.day):
                triggers.append(Trigger(topics.CONSENT))
            message = Incoming(f"{mail.id}/{name}/{now.isoformat()}/{url}", now, touch=name)
            touch = touches.make(MAIL, message, {**properties, **_about(mail)}, machine)
            if machine == machines.TOO_EARLY:
                clicks.wait(session, touch.id, now + burst)
            await touches.store(session, playbook.scoring, row, touch, MAIL, now)
            await self._reactions.settle(session, playbook, row, triggers, now)
            return True

    @insistent
    async def withdraw(self, lead_id: str, purpose: str, source: str, now: datetime) -> None:
        """The lead takes a consent back. Effective for every mail from this moment on.

        A no that is only said again tells nobody anything, but what was asked for or granted meanwhile is over with it.
        """
        async with self._outbox.write() as session:
            row = await leads.lock_joined(session, lead_id)
            if row is None or row.erased_at:
                return
            again = purpose in row.declined
            await consents.tell(session, [(row, [ConsentRecord(purpose, False, now, source)])])
            if again:
                return
            playbook = await self._shelf.current(session)
            message = Incoming(f"{row.id}/{purpose}/{now.isoformat()}", now, touch="unsubscribed")
            touch = touches.make(source, message, {"purpose": purpose}, None)
            await touches.store(session, playbook.scoring, row, touch, source, now)
            triggers = [Trigger(topics.CONSENT), Trigger(topics.touch("unsubscribed"))]
            await self._reactions.settle(session, playbook, row, triggers, now)

    @insistent
    async def confirm(self, lead_id: str, message_id: str, now: datetime) -> list[str]:
        """The lead confirms, from that mail, what a form said in its name; the purposes it grants by it."""
        async with self._outbox.write() as session:
            row = await leads.lock_joined(session, lead_id)
            mail = await session.get(MessageRow, message_id)
            if row is None or row.erased_at or mail is None:
                return []
            playbook = await self._shelf.current(session)
            granted = await consents.confirm(session, row, mail, now, _lasts(playbook))
            if not granted:
                return []
            message = Incoming(f"{message_id}/{CONFIRMED}/{now.isoformat()}", now, touch=CONFIRMED)
            touch = touches.make(MAIL, message, {"purposes": granted, "message": message_id}, None)
            await touches.store(session, playbook.scoring, row, touch, MAIL, now)
            triggers = [Trigger(topics.CONSENT), Trigger(topics.touch(CONFIRMED))]
            await self._reactions.settle(session, playbook, row, triggers, now)
            return granted

    async def refuse(self, source: str, rows: Sequence[tuple[str, str]], now: datetime) -> None:
        """Keep what could not be used, each with the reason, so that nothing is lost."""
        async with self._outbox.write() as session:
            await aside.keep(session, source, rows, now)

    async def _record(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: LeadRow,
        source: str,
        message: Incoming,
        made: list[tuple[str, Touch]],
        now: datetime,
    ) -> list[Trigger]:
        """Write what the message says of the lead; its touches are `made`. What could follow from it."""
        triggers = []
        if merging.tell_traits(row, message.traits, message.at):
            triggers.append(Trigger(topics.LEAD))
        if _consents(message, row):
            triggers.append(Trigger(topics.CONSENT))
        if asked := [record for record in message.requests if record.purpose not in row.consents]:
            anew = await consents.ask(session, row, asked, now, _lasts(playbook))
            told = message._replace(message_id=f"{message.message_id}/asked", touch=REQUESTED)
            purposes = {"purposes": [record.purpose for record in asked]}
            made.append((row.id, touches.make(source, told, {**message.properties, **purposes})))
            # what may not be confirmed any more, nobody is asked
            over = message.at + _lasts(playbook) <= now
            triggers.append(Trigger(topics.touch(REQUESTED), anew=anew and not over, late=over))
        if unwatched(message.touch, row.declined):
            return triggers
        touch = touches.make(source, message, message.properties)
        made.append((row.id, touch))
        heard = [Trigger(topics.touch(touch.name))]
        if message.trusted:
            heard += await business.follow(session, playbook, self._handovers, row, touch, now)
        triggers += _dated(heard, playbook, source, message, now)
        return [*triggers, Trigger(IMPORT)] if source == IMPORT else triggers


def _dated(
    heard: Iterable[Trigger], playbook: Playbook, source: str, message: Incoming, now: datetime
) -> list[Trigger]:
    """What follows from the message, late if that is. A form's answers are old only when somebody took them out of
    quarantine by hand, for them to be answered."""
    late = not source.startswith(FORM) and message.at < now - LONG_AGO * (playbook.day / _DAY)
    return [replace(trigger, late=late) for trigger in heard]


def _lasts(playbook: Playbook) -> timedelta:
    """How long a consent may be confirmed."""
    return REQUEST_LASTS * (playbook.day / _DAY)


def _in_order(messages: Iterable[Incoming], refused: Collection[str]) -> list[Incoming]:
    """As they happened, without those refused."""
    taken = [message for message in messages if message.message_id not in refused]
    return sorted(taken, key=lambda message: (message.at, message.message_id))


def _about(mail: MessageRow) -> dict[str, str]:
    """Which mail a touch is of."""
    return {"message": mail.id, "step": mail.step, "flow": mail.flow, "template": mail.template}


def _renamed(rows: Iterable[LeadRow], before: Mapping[str, Any]) -> list[LeadRow]:
    """Those that are called otherwise than before."""
    return [row for row in rows if words.called(row) != before.get(row.id, words.NOBODY)]


async def _unseen(
    session: AsyncSession, source: str, batches: Sequence[Batch]
) -> list[tuple[Incoming, Batch]]:
    """Each message once, with its batch, without those stored before."""
    by_id: dict[str, tuple[Incoming, Batch]] = {}
    for batch in batches:
        for message in batch.messages:
            by_id.setdefault(keys.touch_id(source, message.message_id), (message, batch))
    seen = await touches.stored(session, by_id)
    return [owned for touch_id, owned in by_id.items() if touch_id not in seen]


def _receipts(
    batches: Sequence[Batch], fresh: Sequence[tuple[Incoming, Batch]], refused: Mapping[str, str]
) -> list[Receipt]:
    """One for each batch. The fresh messages are looked through once, however many batches came."""
    taken: dict[int, list[str]] = {id(batch): [] for batch in batches}
    for message, batch in fresh:
        taken[id(batch)].append(message.message_id)
    found = []
    for batch in batches:
        own = taken[id(batch)]
        no = tuple(sorted((name, refused[name]) for name in own if name in refused))
        found.append(Receipt(len(own) - len(no), len(batch.messages) - len(own), no))
    return found


def _plain(source: str, message: Incoming) -> bool:
    """Whether the message tells of a touch alone, as far as can be seen without its lead."""
    more = message.consents or message.requests or message.stage
    told = message.trusted and message.touch in business.TOUCHES
    return not (more or told or source == IMPORT)


async def _store(
    session: AsyncSession,
    playbook: Playbook,
    register: Register,
    made: Sequence[tuple[str, Touch]],
    source: str,
    now: datetime,
) -> None:
    """The touches, each with its lead as it is now that the batch is read."""
    told = [
        touches.told(playbook.scoring, register.now(lead_id), touch, source, now)
        for lead_id, touch in made
    ]
    await touches.store_all(session, told, source, now)


def _consents(message: Incoming, row: LeadRow) -> list[ConsentRecord]:
    """Anybody may take a consent back; only a trusted source says that one was given. One that the lead
    gave already needs no second confirmation."""
    again = [record for record in message.requests if record.purpose in row.consents]
    said = [record for record in message.consents if message.trusted or not record.granted]
    if not (message.trusted or message.user_id or message.email):
        said += proofs(message.consents)
    return said + again


def _joined(
    register: Register, said: Iterable[tuple[str, ConsentRecord]]
) -> list[tuple[LeadRow, list[ConsentRecord]]]:
    """Statements by lead, for leads as they are now that the batch is read."""
    found: dict[str, list[ConsentRecord]] = {}
    for lead_id, record in said:
        found.setdefault(register.now(lead_id).id, []).append(record)
    return [(register.rows[lead_id], records) for lead_id, records in found.items()]


def _together(
    register: Register, heard: Mapping[str, list[Trigger]]
) -> list[tuple[LeadRow, list[Trigger]]]:
    """Each lead once, also if it was two when the batch began."""
    found: dict[str, tuple[LeadRow, list[Trigger]]] = {}
    for lead_id, triggers in sorted(heard.items()):
        row = register.now(lead_id)
        found.setdefault(row.id, (row, []))[1].extend(triggers)
    return [found[lead_id] for lead_id in sorted(found)]
