"""The shelf of compiled playbooks: any version by its hash, and the one in force."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture import live_edits
from nurture.checking import checked
from nurture.domain.audience import changed_lists
from nurture.domain.errors import InputError, StartError
from nurture.live_edits import Affected
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.planning import Difference, difference
from nurture.store import playbooks, wakeups
from nurture.store.database import Database

_KEPT = 20


@dataclass(frozen=True)
class Plan:
    """What putting a playbook in force changes, and whom it meets. `before`: the one in force; None: none is yet."""

    before: Playbook | None
    playbook: Playbook
    difference: Difference
    affected: tuple[Affected, ...] = ()


class Shelf:
    """Versions never change, so each is compiled once; which is in force is asked every time.

    `pace` is what `apply` puts in force; whoever only reads follows the pace that is in force.
    """

    def __init__(self, db: Database, pace: str = "") -> None:
        self._db = db
        self._pace = pace
        self._compiled: OrderedDict[str, Playbook] = OrderedDict()

    async def current(self, session: AsyncSession) -> Playbook:
        """The playbook in force. Raises StartError when none was ever applied."""
        row = await playbooks.in_force(session)
        if row is None:
            raise StartError("no playbook is in force yet; run `nurture apply`")
        if row.pace != self._pace:
            self._pace = row.pace
            self._compiled.clear()
        return await self.version(session, row.hash)

    async def version(self, session: AsyncSession, version: str) -> Playbook:
        """The playbook of that hash. Raises StartError when the database does not hold it."""
        if version in self._compiled:
            self._compiled.move_to_end(version)
            return self._compiled[version]
        texts = await playbooks.files(session, version)
        if texts is None:
            raise StartError(f"playbook {version[:12]} is not in the database")
        return self._keep(compile_playbook(texts, self._pace, kept=True))

    async def senders(self, session: AsyncSession) -> dict[str, float | None]:
        """Every sender whose mails may be due, and how many it sends a second at most.

        Those of the playbook in force, and those of versions that a sleeping lead's next look was planned by.
        """
        current = await self.current(session)
        books = [await self.version(session, old) for old in await playbooks.in_use(session)]
        return {
            name: sender.rate for book in [*books, current] for name, sender in book.senders.items()
        }

    def check(self, texts: Mapping[str, str]) -> Playbook:
        """The playbook of these files at our pace. Raises PlaybookError with every finding."""
        return checked(texts, self._pace)

    async def plan(self, texts: Mapping[str, str], now: datetime) -> Plan:
        """What `apply` would change. Raises PlaybookError."""
        playbook = self.check(texts)
        async with self._db.read() as session:
            return await self._plan(session, playbook, texts, now)

    async def apply(self, texts: Mapping[str, str], by: str, now: datetime) -> Playbook:
        """Check, store and put in force, with all that it means for leads in flight.

        Raises PlaybookError, and then nothing has changed.
        """
        return await self.put_in_force(self.check(texts), texts, by, now)

    async def put_in_force(
        self, playbook: Playbook, texts: Mapping[str, str], by: str, now: datetime
    ) -> Playbook:
        """The same for what `check` made of these files."""
        async with self._db.write() as session:
            await self._put(session, playbook, texts, by, now)
        return self._keep(playbook)

    async def rollback(self, by: str, now: datetime) -> Playbook:
        """Put back in force what was before. Raises InputError when there is no such playbook."""
        async with self._db.write() as session:
            current = await playbooks.in_force(session)
            row = await playbooks.before(session, current.hash) if current else None
            texts = await playbooks.files(session, row.hash) if row else None
            if texts is None:
                raise InputError("there is no earlier playbook to go back to")
            playbook = compile_playbook(texts, self._pace, kept=True)
            await self._put(session, playbook, texts, by, now)
        return self._keep(playbook)

    async def _put(
        self,
        session: AsyncSession,
        playbook: Playbook,
        texts: Mapping[str, str],
        by: str,
        now: datetime,
    ) -> None:
        old = await self._in_force(session)
        changed = await self._difference(session, old, playbook, texts)
        await playbooks.put_in_force(
            session, playbook.hash, texts, by, now, self._pace, changed.sentences()
        )
        if old:
            await live_edits.carry_out(session, old, playbook, changed, self.version, now)
        lists = changed_lists(old.audiences if old else {}, playbook.audiences)
        await wakeups.spread(session, wakeups.AUDIENCE, lists, now, live_edits.SPACING)

    async def _plan(
        self, session: AsyncSession, playbook: Playbook, texts: Mapping[str, str], now: datetime
    ) -> Plan:
        old = await self._in_force(session)
        changed = await self._difference(session, old, playbook, texts)
        found: list[Affected] = []
        if old:
            found = await live_edits.affected(session, old, playbook, changed, self.version, now)
        return Plan(old, playbook, changed, tuple(found))

    async def _in_force(self, session: AsyncSession) -> Playbook | None:
        row = await playbooks.in_force(session)
        return await self.version(session, row.hash) if row else None

    async def _difference(
        self,
        session: AsyncSession,
        old: Playbook | None,
        playbook: Playbook,
        texts: Mapping[str, str],
    ) -> Difference:
        before = await playbooks.files(session, old.hash) if old else None
        return difference(old, playbook, before or {}, texts)

    def _keep(self, playbook: Playbook) -> Playbook:
        self._compiled[playbook.hash] = playbook
        while len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return playbook
