"""What a stand-in saw: the requests, and everything in them that must never have been sent."""

import re
from collections import deque
from typing import Any
from urllib.parse import unquote

from embedded.ads.wire import Call

_SECRET = ("authorization", "access_token", "access-token", "cookie")
_SMALL = 64 * 1024
_KEPT = 500
_PERSONAL = {
    "an e-mail address": re.compile(r"[^\s\"'@]@[^\s\"'@]+\.[^\s\"'@]"),
    "a phone number": re.compile(r"\+\d[\d ()-]{6,}\d"),
    "the hash of nothing": re.compile(
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    ),
}


class Record:
    """The last requests without their secrets, and the violations: what was wrong, never the data."""

    def __init__(self) -> None:
        self.requests: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.violations: list[str] = []
        self.count = 0
        self.unmatched = 0
        self._flying = 0
        self.peak = 0

    def begin(self, call: Call, at: float) -> dict[str, Any]:
        self.count += 1
        self._flying += 1
        self.peak = max(self.peak, self._flying)
        text = call.body.decode("utf-8", errors="replace")
        entry = {
            "number": self.count,
            "at": at,
            "method": call.method,
            "path": call.path,
            "headers": {name: v for name, v in call.headers.items() if name not in _SECRET},
            "bytes": len(call.body),
            "body": text if len(text) <= _SMALL else None,
            "status": None,
        }
        self.requests.append(entry)
        for what in seen(unquote(text)) + seen(unquote(call.target)):
            self.violation(f"request {self.count} holds {what}")
        return entry

    def end(self, entry: dict[str, Any], status: int | None) -> None:
        self._flying -= 1
        entry["status"] = status

    def violation(self, what: str) -> None:
        self.violations.append(what)


def seen(text: str) -> list[str]:
    """Kinds of personal data that the text holds in clear."""
    return [what for what, pattern in _PERSONAL.items() if pattern.search(text)]
