"""One HTTP exchange with whoever serves sales, and what its answer means for another try."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from nurture.delivery.exchange import built, whole
from nurture.delivery.pauses import retry_after
from nurture.domain.errors import DeliveryError, Gone, Permanent, Transient

TIME_OUT = 20.0
"""Seconds for one exchange as a whole; the specification advises 15 to 30."""

_QUOTED = 200
_TRY_AGAIN = frozenset({408, 425, 429})


async def exchange(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
    json: Any = None,
    params: Mapping[str, str] | None = None,
) -> httpx.Response:
    """The answer, whatever its status, with at most 64 KB of its body. Redirects are not followed.

    Raises Transient when there is no whole answer. That is safe where the other side may have acted:
    a webhook is known by its id and a CRM is searched before anything is created.
    """
    request = built(client, method, url, headers, content=content, json=json, params=params)
    try:
        return await whole(client, request, TIME_OUT)
    except (TimeoutError, httpx.TimeoutException) as error:
        raise Transient("timed_out", f"no answer within {TIME_OUT:.0f} s") from error
    except httpx.ConnectError as error:
        raise Transient("unreachable", "nobody answers at the address") from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise Transient("broken_off", type(error).__name__) from error


def refusal(response: httpx.Response, now: datetime) -> DeliveryError | None:
    """What an answer other than 2xx means. `now` turns a Retry-After given as a date into a time to wait.

    A redirect is tried again: it may be a maintenance page, and what was signed was meant for this
    address only.
    """
    status = response.status_code
    if response.is_success:
        return None
    wait = retry_after(response.headers.get("retry-after", ""), now)
    detail = " ".join(response.text.split())[:_QUOTED]
    reason = f"http_{status}"
    if status == 410:
        return Gone(reason, detail)
    if status >= 500 or status < 400 or status in _TRY_AGAIN or wait is not None:
        return Transient(reason, detail, wait)
    return Permanent(reason, detail)
