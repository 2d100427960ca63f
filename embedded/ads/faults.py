"""Faults that a test or an operator scripts: which call goes wrong, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from embedded.ads.wire import Reply

Kind = Literal["answer", "reset_before", "reset_after", "bad_rows", "fails_later"]


@dataclass
class Fault:
    """`skip` calls that fit are let through, then `times` calls suffer.

    answer: this status, body (a string is sent as HTML) and headers, and nothing happens;
    reset_before and reset_after: the connection breaks before or after the effect;
    bad_rows: the records at these positions are treated as bad;
    fails_later: the change is taken in and not made for the records at these positions, or with these hashes (none:
    for nobody), which only the platform's word on it tells.
    """

    kind: Kind
    method: str = ""
    path: str = ""
    skip: int = 0
    times: int = 1
    status: int = 500
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[int | str, ...] = ()

    @property
    def reply(self) -> Reply:
        return Reply(self.status, self.body, self.headers)

    def fits(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in ("", method) and self.path in path


class Script:
    """The faults still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        self._faults += faults

    def clear(self) -> None:
        self._faults.clear()

    def next(self, method: str, path: str) -> Fault | None:
        """The fault this call suffers, used up by that."""
        for fault in self._faults:
            if not fault.fits(method, path):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            return fault
        return None
