"""What Meta's error codes mean for us. The HTTP status is 400 mostly, rate limits included.

Source: Meta, Graph API error handling, Marketing API error codes and rate limiting.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from nurture.delivery.pauses import LONGEST
from nurture.domain.errors import DeliveryError, Permanent, Transient

_RATE_LIMITS = frozenset({4, 17, 32, 613, *range(80000, 80015)})
_ABUSE_PAUSE = timedelta(hours=4)
_REST = timedelta(minutes=5)
_ALLOWANCES = ("call_count", "total_cputime", "total_time")

_TRANSIENT = {
    1: "platform_error",
    2: "platform_error",
    341: "platform_error",
    803: "audience_not_ready",
    2650: "audience_busy",
}
_PERMANENT = {
    190: "token_refused",
    10: "not_permitted",
    200: "not_permitted",
    294: "not_permitted",
    100: "invalid_parameter",
    105: "too_many_parameters",
    2635: "version_not_supported",
    2655: "terms_not_accepted",
    1487301: "audience_not_shared",
    1487366: "audience_deleted",
}
_SUBCODES = {
    33: "no_such_audience",
    460: "password_changed",
    463: "token_expired",
    1713230: "audience_flagged",
}


def failure(response: httpx.Response, error: Any) -> DeliveryError:
    """The error to raise for an answer. Meta's own texts may quote what was sent, so only its numbers
    and its trace id are kept."""
    told: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    code, subcode = told.get("code"), told.get("error_subcode")
    detail = f"HTTP {response.status_code}, code {code}/{subcode}, trace {told.get('fbtrace_id')}"
    if code in _RATE_LIMITS or response.status_code == 429:
        return Transient("rate_limited", detail, _pause(response))
    if code == 368:
        return Transient("blocked_as_abusive", detail, _ABUSE_PAUSE)
    if code in _TRANSIENT:
        return Transient(_TRANSIENT[code], detail)
    if told.get("is_transient") or response.status_code >= 500:
        return Transient("platform_error", detail)
    reason = _PERMANENT.get(code, "refused") if isinstance(code, int) else "refused"
    return Permanent(_SUBCODES.get(subcode, reason) if subcode else reason, detail)


def slow_down(response: httpx.Response) -> timedelta | None:
    """How long to rest before Meta refuses: when 80 % of any allowance of this hour is spent."""
    spent = [case.get(name, 0) for case in _usage(response) for name in _ALLOWANCES]
    return _REST if any(isinstance(part, int | float) and part >= 80 for part in spent) else None


def _pause(response: httpx.Response) -> timedelta | None:
    """The longest `estimated_time_to_regain_access`, in minutes, of the custom audience use case."""
    waits = [case.get("estimated_time_to_regain_access", 0) for case in _usage(response)]
    minutes = max((wait for wait in waits if isinstance(wait, int | float)), default=0)
    return timedelta(minutes=min(minutes, LONGEST / timedelta(minutes=1))) if minutes else None


def _usage(response: httpx.Response) -> list[Mapping[str, Any]]:
    """What the header says of each use case; empty when it says nothing that can be read."""
    try:
        usage = json.loads(response.headers.get("x-business-use-case-usage", "{}"))
        return [case for business in usage.values() for case in business if isinstance(case, dict)]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []
