"""What the CRM fakes share: refusing, scripted faults, and requests as they were."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx


class Refused(Exception):
    """The platform's answer to a call it does not take."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(body)
        self.response = httpx.Response(status, json=body)


class Crm:
    """A transport for httpx. `faults` are answered in turn before anything is looked at; `lost` makes
    the next effects happen without an answer."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.faults: list[httpx.Response] = []
        self.lost = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.method, request.url.path))
        if self.faults:
            return self.faults.pop(0)
        body = json.loads(request.content) if request.content else None
        try:
            answer = self.answer(request, body)
        except Refused as refusal:
            return refusal.response
        if self.lost and request.method == "POST" and self.creates(request):
            self.lost -= 1
            raise httpx.ReadTimeout("the answer got lost")
        return answer

    def answer(self, request: httpx.Request, body: Any) -> httpx.Response:
        raise AssertionError(f"no such call: {request.method} {request.url.path}")

    def creates(self, request: httpx.Request) -> bool:
        """Does this call create a task?"""
        raise AssertionError("each platform says which")


Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def one_of(*values: str) -> Check:
    return lambda value: value in values


def problems(body: Mapping[str, Any], known: Mapping[str, Check], needed: set[str]) -> list[str]:
    """Names of fields that are unknown, of the wrong kind, or missing."""
    wrong = [name for name, value in body.items() if name not in known or not known[name](value)]
    return wrong + sorted(needed - set(body))
