"""One request to a stand-in and its answer, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """`path` and `query` are decoded, `target` is what stood on the wire; header names are lower-case.

    `bad_rows` are the positions that a scripted fault declares bad, `fails` those, or the hashes, for which nothing
    comes of the call (empty: for all; None: it works).
    """

    method: str
    path: str
    target: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    bad_rows: frozenset[int | str] = frozenset()
    fails: frozenset[int | str] | None = None

    @property
    def segments(self) -> list[str]:
        return self.path.strip("/").split("/")


@dataclass(frozen=True)
class Reply:
    """`body` is sent as JSON, or as HTML when it is a string."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The platform's answer to a call it does not take."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Dropped(ConnectionResetError):
    """The connection ends without an answer."""
