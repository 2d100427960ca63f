"""What Meta checks in an upload: schema, rows, hashes and the session they belong to."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded.ads.members import Row
from embedded.ads.record import seen
from embedded.ads.wire import Refusal, Reply
from nurture.delivery.ads.hashing import COUNTRIES

_MOST_ROWS = 10_000
_HASHED = frozenset("EMAIL PHONE GEN DOBY DOBM DOBD LN FN FI CT ST ZIP COUNTRY".split())  # noqa: SIM905
_PLAIN = frozenset({"EXTERN_ID", "MADID", "LOOKALIKE_VALUE", "UID", "APPUID", "PAGEUID"})
_LEGACY = {"EMAIL_SHA256": "EMAIL", "PHONE_SHA256": "PHONE"}
_PAYLOAD = {"schema", "data", "is_raw", "app_ids", "page_ids"}
_SESSION = {"session_id", "batch_seq", "last_batch_flag", "estimated_num_total"}
_HEX = re.compile(r"[0-9a-f]{64}")
_COUNTRIES = frozenset(hashlib.sha256(code.encode()).hexdigest() for code in COUNTRIES)


def refusal(code: int, message: str, subcode: int = 0, status: int = 400) -> Refusal:
    error: dict[str, Any] = {
        "message": f"(#{code}) {message}",
        "type": "OAuthException",
        "code": code,
        "is_transient": False,
        "fbtrace_id": "local",
    }
    if subcode:
        error["error_subcode"] = subcode
    return Refusal(Reply(status, {"error": error}))


@dataclass
class Upload:
    """`rows` are the members named, `invalid` the positions not taken."""

    received: int
    rows: list[Row] = field(default_factory=list)
    invalid: list[int] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def read(payload: Any, bad_rows: Collection[int | str]) -> Upload:
    """Raises Refusal for what Meta does not take at all."""
    if not isinstance(payload, dict) or payload.keys() - _PAYLOAD:
        raise refusal(100, "payload is not of the documented form")
    schema, data = _schema(payload.get("schema")), payload.get("data")
    if not isinstance(data, list) or not data:
        raise refusal(100, "Data is missing or does not match schema")
    if len(data) > _MOST_ROWS:
        raise refusal(100, f"{len(data)} rows; the most is {_MOST_ROWS}")
    upload = Upload(received=len(data))
    for place, values in enumerate(data):
        values = [values] if isinstance(values, str) else values
        if not isinstance(values, list) or len(values) != len(schema):
            raise refusal(100, "Data is missing or does not match schema")
        _row(place, dict(zip(schema, values, strict=True)), upload, place in bad_rows)
    return upload


def _schema(schema: Any) -> list[str]:
    if isinstance(schema, str):
        schema = [_LEGACY.get(schema, schema)]
    if not isinstance(schema, list) or not schema or len(set(schema)) != len(schema):
        raise refusal(100, "schema must be a list of keys without repeats")
    if unknown := set(schema) - _HASHED - _PLAIN:
        raise refusal(100, f"unknown schema keys {sorted(unknown)}")
    return schema


def _row(place: int, values: Mapping[str, Any], upload: Upload, bad: bool) -> None:
    problems = [
        problem for key, value in values.items() if (problem := _problem(key, value)) is not None
    ]
    upload.violations += [f"row {place}: {problem}" for problem in problems]
    named = tuple(f"{key}:{values[key]}" for key in ("EXTERN_ID", "EMAIL") if values.get(key))
    if not values.get("EMAIL") and values.get("PHONE"):
        named += (f"PHONE:{values['PHONE']}",)
    if problems or bad or not named:
        upload.invalid.append(place)
    else:
        upload.rows.append(named)


def _problem(key: str, value: Any) -> str | None:
    if not isinstance(value, str):
        return f"{key} is no string"
    if key in _HASHED:
        if value and not _HEX.fullmatch(value):
            return f"{key} is no lower-case SHA-256"
        if key == "COUNTRY" and value and value not in _COUNTRIES:
            return "COUNTRY is not the hash of a lower-case ISO 3166-1 code"
        return None
    found = seen(value)
    return f"{key} holds {found[0]}" if found else None


class Sessions:
    """Uploads in several batches: numbered from 1 without gaps, nothing after the last."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], tuple[int, int]] = {}
        self._closed: set[tuple[str, int]] = set()

    def check(self, audience: str, session: Any, rows: int) -> int:
        """The session's id, 0 without one. Raises Refusal."""
        if session is None:
            return 0
        if not isinstance(session, dict) or session.keys() - _SESSION:
            raise refusal(100, "session is not of the documented form")
        number, seq = session.get("session_id"), session.get("batch_seq")
        if not isinstance(number, int) or not 0 < number < 2**63 or not isinstance(seq, int):
            raise refusal(100, "session_id and batch_seq must be positive integers")
        key = (audience, number)
        last, total = self._open.get(key, (0, 0))
        if key in self._closed or seq != last + 1:
            raise refusal(100, "batch_seq does not follow the last one")
        if session.get("estimated_num_total", total + rows) < total + rows:
            raise refusal(100, "estimated_num_total is below the rows sent")
        self._open[key] = (seq, total + rows)
        if session.get("last_batch_flag"):
            self._closed.add(key)
        return number


_REPLACING = 90 * 60.0
"""Seconds in which a replacement has to be ended; then it is forgotten."""


class Replacements:
    """At most one list in the making for each audience; meanwhile the audience takes no other change."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[int, float, list[Row]]] = {}

    def admit(self, audience: str, session: int | None, now: float) -> None:
        """Raises Refusal while another session replaces the audience."""
        number, began, _ = self._open.get(audience, (session, now, []))
        if now >= began + _REPLACING:
            del self._open[audience]
            if number == session:
                raise refusal(2650, "The session to replace users has expired")
        elif number != session:
            raise refusal(2650, "Another session replaces the users of this audience")

    def take(
        self, audience: str, session: int, rows: list[Row], last: bool, now: float
    ) -> list[Row] | None:
        """The whole list once it is complete. Raises Refusal."""
        self.admit(audience, session, now)
        _, _, known = self._open.setdefault(audience, (session, now, []))
        known += rows
        return self._open.pop(audience)[2] if last else None
