"""What sales' local inbox received: one JSON line per call, so a restart knows all of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass
class Received:
    """A notice that was taken, first at `came_at` by our own clock. `attempts` counts genuine calls with its id,
    failed ones included."""

    id: str
    type: str
    timestamp: str
    data: Mapping[str, Any]
    came_at: str
    attempts: int


@dataclass
class Counts:
    """Calls: `received` first ones, `repeated` ones of a notice we had, `failed` on purpose, `refused`
    for their signature or body."""

    received: int = 0
    repeated: int = 0
    failed: int = 0
    refused: int = 0


class Journal:
    """Append-only. A line is written before the call is answered; a half line, left by a crash in the
    middle of writing, was never answered and is dropped."""

    def __init__(self, path: Path) -> None:
        self.counts = Counts()
        self._path = path
        self._notices: dict[str, Received] = {}
        self._attempts: dict[str, int] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        for entry in _entries(path):
            self._remember(entry)

    @property
    def notices(self) -> list[Received]:
        """In the order in which they first came."""
        return list(self._notices.values())

    def take(self, id: str, body: Mapping[str, Any], now: datetime) -> None:
        """A genuine call that is answered with success."""
        if id in self._notices:
            self._note({"repeated": id})
        else:
            told = {key: body[key] for key in ("type", "timestamp", "data")}
            self._note({"received": id, **told, "came_at": now.isoformat()})

    def fail(self, id: str) -> None:
        """A genuine call that is made to fail."""
        self._note({"failed": id})

    def refuse(self, reason: str) -> None:
        self._note({"refused": reason})

    def totals(self) -> dict[str, int]:
        return asdict(self.counts)

    def _note(self, entry: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._remember(entry)

    def _remember(self, entry: dict[str, Any]) -> None:
        kind, id = next(iter(entry.items()))
        setattr(self.counts, kind, getattr(self.counts, kind) + 1)
        if kind == "refused":
            return
        self._attempts[id] = self._attempts.get(id, 0) + 1
        if kind == "received":
            told = {key: entry[key] for key in ("type", "timestamp", "data", "came_at")}
            self._notices[id] = Received(id, **told, attempts=0)
        if id in self._notices:
            self._notices[id].attempts = self._attempts[id]


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    whole, _, half = path.read_bytes().rpartition(b"\n")
    if half:
        path.write_bytes(whole + b"\n" if whole else b"")
    for line in whole.splitlines():
        yield json.loads(line)
