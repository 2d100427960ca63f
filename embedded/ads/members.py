"""Who is on which audience, known by hashes and our ids only; kept in a journal when given a file."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

Row = tuple[str, ...]
"""What names one member, such as ("EXTERN_ID:7f3", "EMAIL:9351ac…"). The first is its key."""


class Members:
    """Sets: adding or removing twice changes nothing. A removal takes everyone it shares a name with.

    The journal is one JSON object a line. A last line torn by a crash was never answered and is dropped.
    """

    def __init__(self, journal: Path | None = None) -> None:
        self._rows: dict[str, dict[str, Row]] = {}
        self._keys: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._journal = journal
        if journal:
            journal.parent.mkdir(parents=True, exist_ok=True)
            journal.touch()
            self._replay(journal)

    def audiences(self) -> list[str]:
        return sorted(self._rows)

    def create(self, audience: str) -> None:
        self.change(audience)

    def rows(self, audience: str) -> list[Row]:
        return [row for _, row in sorted(self._rows.get(audience, {}).items())]

    def keys(self, audience: str) -> set[str]:
        """The members' keys without their kind."""
        return {key.partition(":")[2] for key in self._rows.get(audience, {})}

    def size(self, audience: str) -> int:
        return len(self._rows.get(audience, {}))

    def change(self, audience: str, add: Sequence[Row] = (), remove: Sequence[Row] = ()) -> None:
        self._apply(audience, add, remove)
        if self._journal:
            with self._journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps([audience, add, remove], separators=(",", ":")) + "\n")

    def _apply(self, audience: str, add: Iterable[Row], remove: Iterable[Row]) -> None:
        members = self._rows.setdefault(audience, {})
        for row in remove:
            for key in {key for name in row for key in self._keys[audience, name]}:
                self._forget(audience, members.pop(key))
        for row in add:
            if old := members.get(row[0]):
                self._forget(audience, old)
            members[row[0]] = row
            for name in row:
                self._keys[audience, name].add(row[0])

    def _forget(self, audience: str, row: Row) -> None:
        for name in row:
            self._keys[audience, name].discard(row[0])

    def _replay(self, journal: Path) -> None:
        whole = 0
        for line in journal.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            audience, add, remove = json.loads(line)
            self._apply(audience, map(tuple, add), map(tuple, remove))
            whole += len(line)
        with journal.open("r+b") as file:
            file.truncate(whole)
