"""Google's rules: audience members of the Data Manager API.

Source: Google, Data Manager API reference v1, error model, limits and quotas.
"""

import hashlib
import json
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Any

from embedded.ads import google_payload
from embedded.ads.google_payload import refusal
from embedded.ads.members import Members
from embedded.ads.record import Record
from embedded.ads.wire import Call, Reply

_MINUTE, _DAY = 60.0, 86_400.0
_PROCESSING = 3600.0
_REMEMBERED = 50 * _DAY


class GoogleRules:
    """`token` is the only one accepted. Any number is a user list; sending is limited as documented."""

    name = "Google"

    def __init__(self, token: str, per_minute: int = 300, per_day: int = 100_000) -> None:
        self._token = token
        self._limits = {"PerMinute": (per_minute, _MINUTE), "PerDay": (per_day, _DAY)}
        self._writes: deque[float] = deque()
        self._requests: dict[str, tuple[float, dict[str, Any]]] = {}

    def answer(self, call: Call, members: Members, record: Record, now: float) -> Reply:
        if call.headers.get("authorization") != f"Bearer {self._token}":
            raise refusal("UNAUTHENTICATED", "ACCESS_TOKEN_INVALID", status=401)
        match call.method, call.path:
            case "POST", "/v1/audienceMembers:ingest":
                return self._change(call, members, record, now, add=True)
            case "POST", "/v1/audienceMembers:remove":
                return self._change(call, members, record, now, add=False)
            case "GET", "/v1/requestStatus:retrieve":
                return self._status(call.query.get("requestId", ""), now)
        raise refusal("NOT_FOUND", "NOT_FOUND", status=404)

    def recognised(self, person: Mapping[str, str]) -> set[str]:
        local, _, domain = person.get("email", "").lower().partition("@")
        if domain in ("gmail.com", "googlemail.com"):
            local = local.partition("+")[0].replace(".", "")
        texts = (f"{local}@{domain}" if local else "", person.get("phone", ""))
        return {hashlib.sha256(text.encode()).hexdigest() for text in texts if text}

    def _change(self, call: Call, members: Members, record: Record, now: float, add: bool) -> Reply:
        self._limit(now)
        try:
            body = json.loads(call.body)
        except ValueError as error:
            raise refusal("INVALID_ARGUMENT", "INVALID_ARGUMENT", "no JSON") from error
        upload = google_payload.read(body, add, call.bad_rows)
        for problem in upload.violations:
            record.violation(f"request {record.count}: {problem}")
        request_id = uuid.uuid4().hex
        if not upload.validate_only:
            upload.fail(call.fails)
            for user_list in upload.lists:
                if add:
                    members.change(user_list, add=upload.rows)
                else:
                    members.change(user_list, remove=upload.rows)
            self._requests[request_id] = (now, _report(upload, add))
        return Reply(body={"requestId": request_id})

    def _limit(self, now: float) -> None:
        while self._writes and self._writes[0] <= now - _DAY:
            self._writes.popleft()
        for name, (most, span) in self._limits.items():
            if sum(at > now - span for at in self._writes) >= most:
                quota = f"IngestionMutateRequests{name}PerProject"
                raise refusal("RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", status=429, quota=quota)
        self._writes.append(now)

    def _status(self, request_id: str, now: float) -> Reply:
        if request_id not in self._requests:
            raise refusal("INVALID_ARGUMENT", "INVALID_REQUEST_ID")
        at, report = self._requests[request_id]
        if now > at + _REMEMBERED:
            raise refusal("INVALID_ARGUMENT", "REQUEST_TOO_OLD")
        if now < at + _PROCESSING:
            report = {"requestStatus": "PROCESSING"}
        return Reply(body={"requestStatusPerDestination": [report]})


def _report(upload: google_payload.Upload, add: bool) -> dict[str, Any]:
    counts = {
        "recordCount": str(len(upload.rows)),
        "userIdentifierCount": str(sum(len(row) for row in upload.rows)),
    }
    kind = "audienceMembersIngestionStatus" if add else "audienceMembersRemovalStatus"
    key = "userDataIngestionStatus" if add else "userDataRemovalStatus"
    report: dict[str, Any] = {"requestStatus": "SUCCESS", kind: {key: counts}}
    wrong = {
        "PROCESSING_ERROR_REASON_NO_CONSENT": upload.without_consent,
        "PROCESSING_ERROR_REASON_INTERNAL_ERROR": upload.failed,
    }
    found = [{"recordCount": str(n), "reason": reason} for reason, n in wrong.items() if n]
    if found:
        report["requestStatus"] = (
            "PARTIAL_SUCCESS" if upload.rows or not upload.failed else "FAILED"
        )
        report["errorInfo"] = {"errorCounts": found}
    return report
