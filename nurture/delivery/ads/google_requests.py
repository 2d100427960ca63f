"""What the Data Manager API says of a request that it took in: the request's id, and later its status.

Source: Google, Data Manager API reference v1, requestStatus:retrieve.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from nurture.domain.audience import Progress
from nurture.domain.errors import Transient

UNKNOWN_REQUEST = frozenset({"invalid_request_id", "request_too_old"})
"""Reasons for which no status is to be had of a request, ever."""

_REASON = re.compile(r"(?:PROCESSING_ERROR_)?(?:REASON_)?([A-Z][A-Z0-9_]{0,80})")


def request_of(answer: Mapping[str, Any]) -> str:
    """The id to ask by. Raises Transient for an answer without: what was sent is sent again then."""
    request = answer.get("requestId")
    if not isinstance(request, str) or not request:
        raise Transient("answer_incomplete")
    return request


def progress(answer: Mapping[str, Any]) -> Progress:
    """We name one destination in each request, so there is one status. A word that we do not know is taken for
    still being worked on."""
    told = answer.get("requestStatusPerDestination")
    found = [each for each in told if isinstance(each, Mapping)] if isinstance(told, list) else []
    statuses = {each.get("requestStatus") for each in found}
    if "FAILED" in statuses:
        return Progress(error=_with_reasons("request_failed", found))
    if statuses == {"SUCCESS"}:
        return Progress(done=True)
    if statuses and statuses <= {"SUCCESS", "PARTIAL_SUCCESS"}:
        return Progress(done=True, error=_with_reasons("done_in_part", found))
    return Progress()


def _with_reasons(word: str, found: Iterable[Mapping[str, Any]]) -> str:
    reasons = sorted({reason for each in found for reason in _reasons(each.get("errorInfo"))})
    return f"{word}: {', '.join(reasons)}" if reasons else word


def _reasons(info: object) -> Iterable[str]:
    """Codes alone: another text might quote what was sent."""
    counts = info.get("errorCounts") if isinstance(info, Mapping) else None
    for count in counts if isinstance(counts, list) else ():
        told = count.get("reason") if isinstance(count, Mapping) else None
        if isinstance(told, str) and (code := _REASON.fullmatch(told)):
            yield code[1]
