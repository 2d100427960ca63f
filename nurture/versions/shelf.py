"""The shelf of compiled playbooks: any version by its hash, and the one in force."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import renaming
from nurture.domain.audience import changed_lists
from nurture.domain.errors import Finding, InputError, PlaybookError, StartError, Unreadable
from nurture.handovers import absences
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.planning import Difference, difference
from nurture.store import ad_lists, playbooks, wakeups
from nurture.store.database import Database
from nurture.versions import live_edits
from nurture.versions.checking import checked
from nurture.versions.live_edits import Affected

_KEPT = 20


@dataclass(frozen=True)
class Plan:
    """What putting a playbook in force changes, and whom it meets. `before`: what is in force so far; None where
    nothing is, or what needs a newer release."""

    before: Playbook | None
    playbook: Playbook
    difference: Difference
    affected: tuple[Affected, ...] = ()


@dataclass(frozen=True)
class _Before:
    """What is in force so far: its files, none where nothing is, and what its flows were called before."""

    files: Mapping[str, str] = field(default_factory=dict)
    playbook: Playbook | None = None
    names: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unread(self) -> bool:
        """Whether it needs a newer release."""
        return bool(self.files) and self.playbook is None

    def followed_by(self, playbook: Playbook) -> Playbook:
        """What comes in force next, with all that is known of its flows' names."""
        before = self.playbook.flows if self.playbook else {}
        if self.unread:
            before = renaming.unread(self.names, playbook.flows)
        return replace(playbook, flows=renaming.succeeding(before, playbook.flows))


class Shelf:
    """Versions never change, so each is compiled once; which is in force is asked every time. What its flows were
    called before may be more when one comes again.

    `pace` is what `apply` puts in force; whoever only reads follows the pace that is in force.
    """

    def __init__(self, db: Database, pace: str = "") -> None:
        self._db = db
        self._pace = pace
        self._compiled: OrderedDict[str, Playbook | Finding] = OrderedDict()
        """Or the first thing in it that this release does not know."""
        self._knowing: dict[str, Playbook] = {}
        """The same with their names, since `_number` is in force."""
        self._number = 0

    async def current(self, session: AsyncSession) -> Playbook:
        """The playbook in force. Raises StartError when none was ever applied, and Unreadable when a newer release
        put it there."""
        row = await playbooks.in_force(session)
        if row is None:
            raise StartError("no playbook is in force yet; run `nurture apply`")
        if row.pace != self._pace:
            self._pace = row.pace
            self._compiled.clear()
            self._knowing.clear()
        self._follow(row)
        return await self.read(session, row.hash)

    async def version(self, session: AsyncSession, version: str) -> Playbook:
        """The playbook of that hash, for what was begun in it. What was begun with a newer release, and is there still
        after the way back, goes on by the one in force.

        Raises StartError when the database does not hold it.
        """
        try:
            return await self.read(session, version)
        except Unreadable:
            return await self.current(session)

    async def read(self, session: AsyncSession, version: str) -> Playbook:
        """The playbook of that hash. Raises StartError when the database does not hold it, and Unreadable when it needs
        a newer release."""
        playbook = await self._as_written(session, version)
        if version not in self._knowing:
            names = await playbooks.names(session, version)
            flows = renaming.knowing(playbook.flows, names)
            self._knowing[version] = replace(playbook, flows=flows) if names else playbook
        return self._knowing[version]

    async def _as_written(self, session: AsyncSession, version: str) -> Playbook:
        if version not in self._compiled:
            texts = await playbooks.files(session, version)
            if texts is None:
                raise StartError(f"playbook {version[:12]} is not in the database")
            self._keep(version, self._compile(texts))
        self._compiled.move_to_end(version)
        found = self._compiled[version]
        if isinstance(found, Finding):
            raise Unreadable(
                "playbook_unreadable",
                f"playbook {version[:12]} needs a newer release of nurture than this one"
                f" ({found.file}:{found.line}:{found.column}); start that one, or put another playbook"
                " in force with `nurture apply`",
            )
        return found

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

    async def amend(self, texts: Mapping[str, str], by: str, now: datetime) -> Playbook:
        """The same for what is in force, changed in a way that no check asks about: what only later releases find
        wrong with the rest does not stop it."""
        playbook = compile_playbook(texts, self._pace, kept=True)
        return await self.put_in_force(playbook, texts, by, now)

    async def put_in_force(
        self, playbook: Playbook, texts: Mapping[str, str], by: str, now: datetime
    ) -> Playbook:
        """The same for what was made of these files already."""
        async with self._db.write() as session:
            await self._put(session, playbook, texts, by, now)
        self._keep(playbook.hash, playbook)
        return playbook

    async def unread(self) -> bool:
        """Whether what is in force needs a newer release, so that nobody can tell what another one changes."""
        async with self._db.read() as session:
            return (await self._before(session)).unread

    async def rollback(self, by: str, now: datetime) -> Playbook:
        """Put back in force what was before. Raises InputError when there is no such playbook, and Unreadable when it
        needs a newer release."""
        async with self._db.write() as session:
            current = await playbooks.in_force(session)
            row = await playbooks.before(session, current.hash) if current else None
            texts = await playbooks.files(session, row.hash) if row else None
            if row is None or texts is None:
                raise InputError("there is no earlier playbook to go back to")
            playbook = await self._as_written(session, row.hash)
            await self._put(session, playbook, texts, by, now)
        return playbook

    async def _put(
        self,
        session: AsyncSession,
        playbook: Playbook,
        texts: Mapping[str, str],
        by: str,
        now: datetime,
    ) -> None:
        before = await self._before(session)
        old, playbook = before.playbook, before.followed_by(playbook)
        changed = difference(old, playbook, before.files, texts)
        if old:
            await live_edits.carry_out(session, old, playbook, changed, self.version, now)
            await absences.carry_out(session, old, playbook, self.version, now)
        told, names = changed.sentences(), renaming.told(playbook.flows)
        await playbooks.put_in_force(
            session, playbook.hash, texts, by, now, self._pace, told, names
        )
        lists = changed_lists(old.audiences if old else {}, playbook.audiences)
        if before.unread:
            await live_edits.wake_all(session, now)
            lists = sorted({*lists, *await ad_lists.known(session)})
        await wakeups.spread(session, wakeups.AUDIENCE, lists, now, wakeups.SPACING)

    async def _plan(
        self, session: AsyncSession, playbook: Playbook, texts: Mapping[str, str], now: datetime
    ) -> Plan:
        before = await self._before(session)
        old, playbook = before.playbook, before.followed_by(playbook)
        changed = difference(old, playbook, before.files, texts)
        found: list[Affected] = []
        if old:
            found = await live_edits.affected(session, old, playbook, changed, self.version, now)
        return Plan(old, playbook, changed, tuple(found))

    async def _before(self, session: AsyncSession) -> _Before:
        row = await playbooks.in_force(session)
        if row is None:
            return _Before()
        self._follow(row)
        files = await playbooks.files(session, row.hash) or {}
        try:
            return _Before(files, await self.read(session, row.hash))
        except Unreadable:
            return _Before(files, names=await playbooks.names(session, row.hash))

    def _follow(self, row: playbooks.InForce) -> None:
        if row.number != self._number:
            self._number = row.number
            self._knowing.clear()

    def _compile(self, texts: Mapping[str, str]) -> Playbook | Finding:
        try:
            return compile_playbook(texts, self._pace, kept=True)
        except PlaybookError as error:
            return error.findings[0]

    def _keep(self, version: str, found: Playbook | Finding) -> None:
        self._compiled[version] = found
        while len(self._compiled) > _KEPT:
            gone, _ = self._compiled.popitem(last=False)
            self._knowing.pop(gone, None)
