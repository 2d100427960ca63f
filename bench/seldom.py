"""What happens to leads by the day or when somebody asks for it, done once each: of what goes through a whole list,
one piece."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from nurture.audiences import comparing
from nurture.domain.consent import EMAIL_MARKETING, ConsentRecord
from nurture.domain.sources import FORM
from nurture.incoming import Incoming
from nurture.playbook import Playbook, Retention
from nurture.ports import Identifiers, Person
from nurture.store import ad_lists, audiences, enrolments, handovers, messages, senders
from nurture.store.database import Database
from nurture.store.queue import OVER, STATES
from nurture.upkeep.retention import Retention as Forgetting
from nurture.versions.shelf import Shelf
from tests.support.domain import when
from tests.support.world import BROWSER, OneBook, World

COUNTED = "what is counted when somebody looks"
"""The one deed that may read a big table from end to end: a page of mails or of audiences says how many there are in
all, and what is over of handovers nearly all are. Nobody asks by the minute."""

GIVEN_UP = "given-up"
"""A list that everybody is to leave."""

_LIST, _OWNER = "hesitating", "Anna"
_KEPT = timedelta(days=690)
_EMAIL, _PASSWORD = "ida@firm.example", "a password that is long enough"


class Seldom:
    """In this order, since later ones need what earlier ones left behind."""

    def __init__(self, db: Database, world: World, book: Playbook, now: datetime) -> None:
        self._db, self._world, self._book, self._now = db, world, book, now
        forgetful = OneBook(replace(book, retention=Retention(*[_KEPT] * 5)))
        self._retention = Forgetting(db, world.outbox, cast(Shelf, forgetful), [BROWSER])

    def all(self) -> Mapping[str, Callable[[], Awaitable[Any]]]:
        return {
            "two leads that are one": self._joined,
            "the lists of handovers": self._queue,
            "who has how much in hand": self._in_hand,
            "a comparison of an audience": self._compared,
            "a list that is named anew": self._named_anew,
            "a list that is given up": self._given_up,
            "a sender that goes on": self._senders,
            "a colleague who signs in": self._signed_in,
            "a program with a token": self._program,
            COUNTED: self._counted,
            "what is too old, and goes": self._forgotten,
        }

    async def _joined(self) -> None:
        """A browser's visitor turns out to be a lead, and then two leads one person."""
        world, now = self._world, self._now
        for message in (
            Incoming("j1", now, anonymous_id="b1", touch="page"),
            Incoming("j2", now, email="bo@firm.example", touch="page", trusted=True),
            Incoming("j3", now, anonymous_id="b1", email="bo@firm.example", touch="page"),
            Incoming("j4", now, email="carla@firm.example", user_id="u1", trusted=True),
            Incoming("j5", now, email="bo@firm.example", user_id="u1", trusted=True),
        ):
            await world.intake.take("shop", [message], now)

    async def _queue(self) -> None:
        queue = self._world.dashboard.queue
        pages = [
            await queue.page(which, owner, self._now)
            for which in STATES
            for owner in (None, _OWNER)
        ]
        [line, *_] = [line for page in pages for line in page.lines]
        assert await queue.show(line.id, None, self._now)

    async def _in_hand(self) -> None:
        async with self._db.read() as session:
            await anext(handovers.in_hand(session, [_OWNER]), None)
            await handovers.is_owned(session, "nobody", _OWNER)

    async def _compared(self) -> None:
        """The first page, of a list with a rule and of one that flows alone put leads on."""
        told = self._book.audiences[_LIST]
        async with self._db.write() as session:
            for audience in (told, replace(told, when=when(lambda facts: True))):
                whom = comparing._whom(audience).with_for_update()
                key = comparing._key(audience)
                await comparing._page(session, self._book, whom, key, "", self._now)

    async def _named_anew(self) -> None:
        now = self._now
        later = now + timedelta(days=1)
        somebody = Person("nobody", "eva@firm.example", "+4512345678")
        async with self._db.write() as session:
            await audiences.size(session, _LIST)
            await audiences.members(session, _LIST, "", 1000)
            await audiences.taken_again(session, _LIST, later)
            await audiences.refresh(session, _LIST, later, now)
            await audiences.wanted(session, _LIST, "", 1000)
            await audiences.overstayed(session, _LIST, later)
            await audiences.unconfirm_sharing(
                session, _LIST, [somebody], lambda person: Identifiers("hash", "hash")
            )

    async def _given_up(self) -> None:
        """One of whose members the first are told to leave, and one that all were told to."""
        now = self._now
        async with self._db.write() as session:
            await audiences.give_up(session, _LIST, now)
            for refused in (True, False):
                await audiences.anyone_named(session, GIVEN_UP, refused)
            await audiences.to_remove(session, GIVEN_UP, now, lambda tried: 1000, everyone=True)
            await audiences.next_due(session, GIVEN_UP, adds=True, everyone=True)

    async def _senders(self) -> None:
        async with self._db.write() as session:
            await senders.wake(session, list(self._book.flows), self._now)
            await messages.latest(session, "failed", "", "", 50)
            await enrolments.last_start(session, "welcome")

    async def _counted(self) -> None:
        async with self._db.read() as session:
            await ad_lists.counts(session)
            await messages.counts(session)
        await self._world.dashboard.queue.page(OVER, None, self._now)

    async def _signed_in(self) -> None:
        access, now = self._world.access, self._now
        await access.accounts.add(_EMAIL, "Ida", "admin", "", _PASSWORD, now)
        found = await access.sessions.sign_in(_EMAIL, _PASSWORD, "192.0.2.1", now)
        assert found
        await access.sessions.actor(found[0], now + timedelta(hours=1))
        entry = await access.audit.note("ida", "lead.erase", now)
        await access.audit.conclude(entry, "done", "", "")
        await access.audit.page(None, "ida", "lead.erase")
        await access.audit.actions()
        await access.sessions.end(found[0])

    async def _program(self) -> None:
        tokens, now = self._world.access.tokens, self._now
        secret, _ = await tokens.create("import", ["leads:read"], "ida", now)
        assert await tokens.actor(secret, now)

    async def _forgotten(self) -> None:
        """Touches, a visitor whom nobody came to know, and who never confirmed what a form asked."""
        world, now = self._world, self._now
        asked = ConsentRecord(EMAIL_MARKETING, True, now, f"{FORM}guide", "Yes")
        for source, message in (
            (BROWSER, Incoming("o1", now, anonymous_id="b2", touch="page")),
            (f"{FORM}guide", Incoming("o2", now, email="dan@firm.example", requests=(asked,))),
        ):
            await world.intake.take(source, [message], now)
        assert await self._retention.page(now + _KEPT + timedelta(days=30))
