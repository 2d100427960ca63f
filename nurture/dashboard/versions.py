"""The playbook as the dashboard shows it: what is in force, what is wrong with it, what was before."""

import asyncio
import difflib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.errors import Finding, InputError, PlaybookError
from nurture.store import playbooks
from nurture.store.database import Database
from nurture.versions.checking import checked
from nurture.versions.shelf import Shelf

PAGE = 20
_KEPT = 5


@dataclass(frozen=True)
class Version:
    """One time that a version was put in force."""

    number: int
    hash: str
    at: datetime
    by: str
    pace: str
    changes: Sequence[str]


@dataclass(frozen=True)
class Change:
    """One file of a comparison: its lines as a unified diff."""

    file: str
    lines: Sequence[str]


class Versions:
    """What was checked stays known: a version never changes, and checking its mails takes a moment."""

    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf
        self._findings: OrderedDict[str, Sequence[Finding]] = OrderedDict()

    async def page(self, before: int | None = None) -> list[Version]:
        """The newest first; PAGE and one more if there are more."""
        async with self._db.read() as session:
            rows = await playbooks.history(session, PAGE + 1, before)
        return [
            Version(row.id or 0, row.hash, row.at, row.by, row.pace, row.changes) for row in rows
        ]

    async def files(self, version: str) -> dict[str, str]:
        """Its files in order. Raises InputError for an unknown version."""
        async with self._db.read() as session:
            texts = await playbooks.files(session, version)
        if texts is None:
            raise InputError("there is no such version of the playbook")
        return dict(sorted(texts.items()))

    async def findings(self, version: str) -> Sequence[Finding]:
        """What this program finds wrong with it, which an older one may have let pass."""
        if version not in self._findings:
            files = await self.files(version)
            self._findings[version] = await asyncio.to_thread(_findings, files)
            while len(self._findings) > _KEPT:
                self._findings.popitem(last=False)
        return self._findings[version]

    async def changes(self, old: str, new: str) -> list[Change]:
        """File by file. Raises InputError for an unknown version."""
        before, after = await self.files(old), await self.files(new)
        found = []
        for file in sorted({*before, *after}):
            lines = list(
                difflib.unified_diff(
                    before.get(file, "").splitlines(), after.get(file, "").splitlines(), lineterm=""
                )
            )
            if lines:
                found.append(Change(file, lines[2:]))
        return found


def _findings(files: dict[str, str]) -> Sequence[Finding]:
    try:
        checked(files)
    except PlaybookError as error:
        return error.findings
    return ()
