"""The shelf of compiled playbooks: any version by its hash, and the one in force."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.errors import StartError
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.source import content_hash
from nurture.store import playbooks
from nurture.store.database import Database

_KEPT = 20


class Shelf:
    """Versions never change, so each is compiled once; which is in force is asked every time."""

    def __init__(self, db: Database, pace: str = "") -> None:
        self._db = db
        self._pace = pace
        self._compiled: OrderedDict[str, Playbook] = OrderedDict()

    async def current(self, session: AsyncSession) -> Playbook:
        """The playbook in force. Raises StartError when none was ever applied."""
        row = await playbooks.in_force(session)
        if row is None:
            raise StartError("no playbook is in force yet; run `nurture apply`")
        return await self.version(session, row.hash)

    async def version(self, session: AsyncSession, version: str) -> Playbook:
        """The playbook of that hash. Raises StartError when the database does not hold it."""
        if version in self._compiled:
            self._compiled.move_to_end(version)
            return self._compiled[version]
        texts = await playbooks.files(session, version)
        if texts is None:
            raise StartError(f"playbook {version[:12]} is not in the database")
        return self._keep(compile_playbook(texts, self._pace))

    async def apply(self, texts: Mapping[str, str], by: str, now: datetime) -> Playbook:
        """Check, store and put in force. Raises PlaybookError, and then nothing has changed."""
        playbook = compile_playbook(texts, self._pace)
        async with self._db.write() as session:
            version = content_hash(texts)
            await playbooks.put_in_force(session, version, texts, by, now, self._pace)
        return self._keep(playbook)

    def _keep(self, playbook: Playbook) -> Playbook:
        self._compiled[playbook.hash] = playbook
        while len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return playbook
