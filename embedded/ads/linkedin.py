"""LinkedIn's rules: DMP segments and their users.

Source: LinkedIn, Marketing API, DMP segments; versioning; Rest.li protocol 2.0.0.
"""

import hashlib
import itertools
import json
import re
from collections import deque
from collections.abc import Collection, Mapping
from operator import itemgetter
from typing import Any

from embedded.ads.members import Members, Row
from embedded.ads.record import Record
from embedded.ads.wire import Call, Refusal, Reply

_MOST = 5000
_DIGITS = {"SHA256_EMAIL": 64, "SHA512_EMAIL": 128}
_PLAIN = {"firstName", "lastName", "title", "company", "country"}
_SEGMENT = {"name", "sourcePlatform", "sourceSegmentId", "account", "type", "destinations"}
_SETTLING = 5.0


class LinkedInRules:
    """`token` is the only one accepted. With `segments` only those exist, and those created here."""

    name = "LinkedIn"

    def __init__(
        self,
        token: str,
        versions: Collection[str] = ("202605", "202606", "202607"),
        sunset: Collection[str] = ("202511",),
        segments: Collection[str] | None = None,
        per_minute: int = 300,
    ) -> None:
        self._token = token
        self._versions, self._sunset = frozenset(versions), frozenset(sunset)
        self._known = set(segments) if segments is not None else None
        self._sources: dict[str, str] = {}
        self._born: dict[str, float] = {}
        self._per_minute = per_minute
        self._calls: deque[float] = deque()

    def answer(self, call: Call, members: Members, record: Record, now: float) -> Reply:
        self._admit(call, now)
        match call.method, call.segments:
            case "POST", ["rest", "dmpSegments"]:
                return self._create(_object(call.body, _SEGMENT), members, now)
            case "POST", ["rest", "dmpSegments", segment, "users"]:
                if call.headers.get("x-restli-method") != "BATCH_CREATE":
                    raise _refusal(400, "X-RestLi-Method must be BATCH_CREATE")
                self._exists(segment, now)
                return _users(call, segment, members, record)
            case "GET", ["rest", "dmpSegments", segment]:
                self._exists(segment, now)
                size = members.size(segment)
                status = "READY" if size >= 300 else "BUILDING"
                destination = {"destination": "LINKEDIN", "status": status, "audienceSize": size}
                return Reply(body={"id": segment, "destinations": [destination]})
        raise _refusal(404, "no such resource")

    def recognised(self, person: Mapping[str, str]) -> set[str]:
        email = re.sub(r"\s", "", person.get("email", "")).lower()
        return {hashlib.sha256(email.encode()).hexdigest()} if email else set()

    def _admit(self, call: Call, now: float) -> None:
        if call.headers.get("authorization") != f"Bearer {self._token}":
            raise _refusal(401, "The token used in the request has expired or is invalid")
        version = call.headers.get("linkedin-version", "")
        if version in self._sunset:
            raise _refusal(426, "Version Header is Deprecated")
        if version not in self._versions:
            raise _refusal(400, "LinkedIn-Version is missing or unknown")
        if call.headers.get("x-restli-protocol-version") != "2.0.0":
            raise _refusal(400, "X-Restli-Protocol-Version must be 2.0.0")
        while self._calls and self._calls[0] <= now - 60:
            self._calls.popleft()
        if len(self._calls) >= self._per_minute:
            raise _refusal(429, "Resource level throttle limit reached")
        self._calls.append(now)

    def _exists(self, segment: str, now: float) -> None:
        unknown = self._known is not None and segment not in self._known
        if not segment.isdigit() or unknown or now < self._born.get(segment, 0) + _SETTLING:
            raise _refusal(404, "Not found")

    def _create(self, wanted: Mapping[str, Any], members: Members, now: float) -> Reply:
        if missing := _SEGMENT - wanted.keys():
            raise _refusal(400, f"missing {sorted(missing)}")
        source = str(wanted["sourceSegmentId"])
        if source in self._sources:
            raise _refusal(409, "a segment with this sourceSegmentId exists")
        segment = str(7_000_001 + len(self._sources))
        self._sources[source], self._born[segment] = segment, now
        if self._known is not None:
            self._known.add(segment)
        members.create(segment)
        return Reply(201, None, {"x-restli-id": segment})


def _refusal(status: int, message: str) -> Refusal:
    return Refusal(Reply(status, {"status": status, "message": message}))


def _object(body: bytes, known: Collection[str]) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise _refusal(400, "no JSON") from error
    if not isinstance(value, dict) or value.keys() - set(known):
        raise _refusal(400, "unknown fields")
    return value


def _users(call: Call, segment: str, members: Members, record: Record) -> Reply:
    elements = _object(call.body, {"elements"}).get("elements")
    if not isinstance(elements, list) or not 0 < len(elements) <= _MOST:
        raise _refusal(400, f"elements must be a list of 1 to {_MOST}")
    problems = [
        "bad by script" if place in call.bad_rows else _problem(element)
        for place, element in enumerate(elements)
    ]
    good = [element for element, problem in zip(elements, problems, strict=True) if not problem]
    for action, together in itertools.groupby(good, key=itemgetter("action")):
        rows = [_row(element) for element in together]
        if action == "ADD":
            members.change(segment, add=rows)
        else:
            members.change(segment, remove=rows)
    for shown in {name for element in good for name in _PLAIN & element.keys()}:
        record.violation(f"request {record.count}: {shown} is sent in clear")
    return Reply(body={"elements": [_result(problem) for problem in problems]})


def _row(element: Mapping[str, Any]) -> Row:
    return tuple(f"{user['idType']}:{user['idValue']}" for user in element["userIds"])


def _result(problem: str | None) -> dict[str, Any]:
    if problem is None:
        return {"status": 201}
    return {"status": 400, "error": {"status": 400, "message": problem}}


def _problem(element: Any) -> str | None:
    if not isinstance(element, dict) or element.keys() - _PLAIN - {"action", "userIds"}:
        return "unknown fields"
    if element.get("action") not in ("ADD", "REMOVE"):
        return "action must be ADD or REMOVE"
    users = element.get("userIds")
    if not isinstance(users, list) or not users:
        return "userIds is missing"
    for user in users:
        if not isinstance(user, dict) or user.keys() != {"idType", "idValue"}:
            return "userIds need idType and idValue"
        digits = _DIGITS.get(str(user["idType"]))
        if not digits or not re.fullmatch(rf"[0-9a-f]{{{digits}}}", str(user["idValue"])):
            return "idValue is not of its idType"
    return None
