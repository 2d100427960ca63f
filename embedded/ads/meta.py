"""Meta's rules: customer-file custom audiences of the Marketing API.

Source: Meta, Marketing API, Custom Audiences, error codes and rate limiting.
"""

import hashlib
import hmac
import json
import re
from collections import deque
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

from embedded.ads import meta_payload
from embedded.ads.members import Members
from embedded.ads.meta_payload import Upload, refusal
from embedded.ads.record import Record
from embedded.ads.wire import Call, Dropped, Refusal, Reply

_LONGEST_TARGET = 8 * 1024
_HOUR = 3600.0
_FIELDS = {"payload", "session", "access_token", "appsecret_proof"}
_NEW = {"name", "subtype", "description", "customer_file_source", "access_token", "appsecret_proof"}
_SOURCES = ("USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED")


class MetaRules:
    """`token` is the only one accepted, `app_secret` makes a proof mandatory, `quota` is calls an hour.

    With `audiences` only those exist (and those created here); without, every number is an audience.
    """

    name = "Meta"

    def __init__(
        self,
        token: str,
        app_secret: str = "",
        versions: Collection[str] = ("v25.0", "v26.0"),
        audiences: Collection[str] | None = None,
        quota: int = 190_000,
    ) -> None:
        self._token = token
        self._proof = _proof(token, app_secret) if app_secret else ""
        self._versions = frozenset(versions)
        self._known = set(audiences) if audiences is not None else None
        self._quota = quota
        self._calls: deque[float] = deque()
        self._sizes: dict[str, list[tuple[float, int]]] = {}
        self._sessions = meta_payload.Sessions()
        self._replacements = meta_payload.Replacements()

    def answer(self, call: Call, members: Members, record: Record, now: float) -> Reply:
        try:
            reply = self._answer(call, members, record, now)
        except Refusal as told:
            reply = told.reply
        return Reply(reply.status, reply.body, {**reply.headers, **self._usage()})

    def recognised(self, person: Mapping[str, str]) -> set[str]:
        email = person.get("email", "").strip().lower()
        digits = re.sub(r"\D", "", person.get("phone", ""))
        return {hashlib.sha256(text.encode()).hexdigest() for text in (email, digits) if text}

    def _answer(self, call: Call, members: Members, record: Record, now: float) -> Reply:
        fields = _fields(call)
        self._admit(call, fields, now)
        match call.method, call.segments[1:]:
            case (("POST" | "DELETE"), [audience, "users"]):
                self._exists(audience)
                return self._users(call, audience, fields, members, record, now)
            case "POST", [audience, "usersreplace"]:
                self._exists(audience)
                return self._replace(call, audience, fields, members, record, now)
            case "POST", [account, "customaudiences"] if account.startswith("act_"):
                return self._create(fields, members)
            case "GET", [audience]:
                self._exists(audience)
                return Reply(body=self._counts(audience, now))
        raise refusal(100, "Unsupported request", subcode=33)

    def _admit(self, call: Call, fields: Mapping[str, Any], now: float) -> None:
        if call.segments[0] not in self._versions:
            raise refusal(2635, "This version is not supported")
        bearer = call.headers.get("authorization", "").removeprefix("Bearer ")
        if (bearer or fields.get("access_token")) != self._token:
            raise refusal(190, "Invalid OAuth access token")
        if self._proof and fields.get("appsecret_proof") != self._proof:
            raise refusal(100, "Invalid appsecret_proof provided in the API argument")
        while self._calls and self._calls[0] <= now - _HOUR:
            self._calls.popleft()
        if len(self._calls) >= self._quota:
            raise refusal(80003, "There have been too many calls to this ad-account")
        self._calls.append(now)

    def _exists(self, audience: str) -> None:
        if not audience.isdigit() or (self._known is not None and audience not in self._known):
            raise refusal(100, "Object does not exist or no access", subcode=33)

    def _users(
        self,
        call: Call,
        audience: str,
        fields: Mapping[str, Any],
        members: Members,
        record: Record,
        now: float,
    ) -> Reply:
        if call.method == "DELETE" and len(call.target) > _LONGEST_TARGET:
            raise Dropped
        self._replacements.admit(audience, None, now)
        upload = _upload(call, fields, record)
        session = self._sessions.check(audience, fields.get("session"), upload.received)
        if call.method == "POST":
            members.change(audience, add=upload.rows)
        else:
            members.change(audience, remove=upload.rows)
        return self._taken(audience, session, upload, members, now)

    def _replace(
        self,
        call: Call,
        audience: str,
        fields: Mapping[str, Any],
        members: Members,
        record: Record,
        now: float,
    ) -> Reply:
        """The list of a session takes the place of the old one with the last batch."""
        upload = _upload(call, fields, record)
        session = self._sessions.check(audience, fields.get("session"), upload.received)
        if not session:
            raise refusal(100, "a replacement needs a session")
        last = bool(fields["session"].get("last_batch_flag"))
        if (rows := self._replacements.take(audience, session, upload.rows, last, now)) is not None:
            members.change(audience, add=rows, remove=members.rows(audience))
        return self._taken(audience, session, upload, members, now)

    def _taken(
        self, audience: str, session: int, upload: Upload, members: Members, now: float
    ) -> Reply:
        self._sizes.setdefault(audience, []).append((now, members.size(audience)))
        return Reply(
            body={
                "audience_id": audience,
                "session_id": str(session),
                "num_received": upload.received,
                "num_invalid_entries": len(upload.invalid),
                "invalid_entry_samples": {str(row): "Invalid entry" for row in upload.invalid},
            }
        )

    def _create(self, fields: Mapping[str, Any], members: Members) -> Reply:
        if (unknown := fields.keys() - _NEW) or not fields.get("name"):
            raise refusal(100, f"Unknown parameters {sorted(unknown)} or no name")
        if fields.get("subtype") != "CUSTOM" or fields.get("customer_file_source") not in _SOURCES:
            raise refusal(100, "subtype and customer_file_source are required")
        audience = str(2384000000000001 + len(members.audiences()))
        members.create(audience)
        if self._known is not None:
            self._known.add(audience)
        return Reply(body={"id": audience})

    def _counts(self, audience: str, now: float) -> dict[str, Any]:
        """Sizes are ranges, an hour old, and hidden below 100."""
        sizes = [size for at, size in self._sizes.get(audience, []) if at <= now - _HOUR]
        size = sizes[-1] if sizes else 0
        low, high = (size // 100 * 100, size // 100 * 100 + 100) if size >= 100 else (-1, -1)
        return {
            "id": audience,
            "approximate_count_lower_bound": low,
            "approximate_count_upper_bound": high,
            "operation_status": {"code": 200, "description": "Normal"},
        }

    def _usage(self) -> dict[str, str]:
        spent = len(self._calls) / self._quota
        case = {
            "type": "custom_audience",
            "call_count": int(100 * spent),
            "total_cputime": 0,
            "total_time": 0,
            "estimated_time_to_regain_access": 60 if spent >= 1 else 0,
        }
        return {"X-Business-Use-Case-Usage": json.dumps({"1000": [case]})}


def _upload(call: Call, fields: Mapping[str, Any], record: Record) -> Upload:
    if unknown := fields.keys() - _FIELDS:
        raise refusal(100, f"Unknown parameters {sorted(unknown)}")
    upload = meta_payload.read(fields.get("payload"), call.bad_rows)
    for problem in upload.violations:
        record.violation(f"request {record.count}: {problem}")
    return upload


def _proof(token: str, app_secret: str) -> str:
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def _fields(call: Call) -> dict[str, Any]:
    """All parameters: of the query and of the body, a form with JSON inside or JSON throughout."""
    fields: dict[str, Any] = dict(call.query)
    text = call.body.decode("utf-8", errors="replace")
    if "json" in call.headers.get("content-type", ""):
        try:
            fields |= json.loads(text)
        except (ValueError, TypeError) as error:
            raise refusal(100, "The body is not a JSON object") from error
    else:
        fields |= dict(parse_qsl(text, keep_blank_values=True))
    for name in ("payload", "session"):
        if isinstance(fields.get(name), str):
            try:
                fields[name] = json.loads(fields[name])
            except ValueError as error:
                raise refusal(100, f"{name} is not JSON") from error
    return fields
