"""What the Data Manager API's errors mean for us.

Source: Google, Data Manager API, error model and ErrorReason.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx

from nurture.delivery.ads.batches import BadRecord
from nurture.delivery.ads.http import content, retry_after
from nurture.domain.errors import DeliveryError, Permanent, Transient

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_OF_RECORDS = frozenset(
    {
        "INVALID_AUDIENCE_MEMBER",
        "INVALID_BASE64_ENCODING",
        "INVALID_FORMAT",
        "INVALID_HEX_ENCODING",
        "INVALID_SHA256_FORMAT",
        "TOO_MANY_USER_IDENTIFIERS",
    }
)
_MEMBER = re.compile(r"(?:audience_?members(?:\.members)?|^members)\[(\d+)\]", re.IGNORECASE)


def failure(response: httpx.Response, records: int, renewed: bool) -> DeliveryError:
    """The error to raise. One bad record of `records` refuses the whole request: then a BadRecord.
    `renewed`: the token was refused, and the next call uses another."""
    error = content(response).get("error")
    told: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    details = [detail for detail in told.get("details") or () if isinstance(detail, Mapping)]
    reason = next((str(d["reason"]) for d in details if d.get("reason")), "")
    status = str(told.get("status", ""))
    detail = f"HTTP {response.status_code}, {status} {reason}".strip()
    match response.status_code:
        case 401 if renewed:
            return Transient("token_expired", detail)
        case 401:
            return Permanent("token_refused", detail)
        case 429:
            return Transient("rate_limited", detail, retry_after(response) or _pause(details))
        case code if code >= 500:
            return Transient("platform_error", detail, retry_after(response))
        case 400:
            fields = [
                str(v.get("field", "")) for d in details for v in d.get("fieldViolations", ())
            ]
            return _refusal(reason or status, detail, fields, records)
    return Permanent((reason or status or "refused").lower(), detail)


def _refusal(reason: str, detail: str, fields: Sequence[str], records: int) -> DeliveryError:
    """A field's path may name the record; its description may quote it and is not kept."""
    found = {int(match[1]) for field in fields if (match := _MEMBER.search(field))}
    if found and max(found) < records:
        return BadRecord(reason.lower(), sorted(found))
    named = [field for field in fields if "member" in field.lower()]
    if named or (reason in _OF_RECORDS and not fields):
        return BadRecord(reason.lower())
    return Permanent((reason or "refused").lower(), detail)


def _pause(details: Iterable[Mapping[str, Any]]) -> timedelta:
    """Quotas are per minute and per day; the name of the one spent tells which."""
    limits = [str(detail.get("metadata", {}).get("quota_limit", "")) for detail in details]
    return _HOUR if any("PerDay" in limit for limit in limits) else _MINUTE
