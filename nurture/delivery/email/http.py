"""One mail handed to a provider's HTTP interface, and what its answer means.

The question is always whether the provider has the mail. It certainly has not when no connection was made, and when the
answer says so (4xx, 429, 503). Anything else after the request went out is unknown.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from nurture.delivery.email import replies
from nurture.delivery.exchange import UNTIL_REPAIRED, answered, built, whole
from nurture.delivery.pauses import retry_after
from nurture.domain.errors import DeliveryError, Permanent, Transient, Unknown

WITHIN = 45.0
"""Seconds for all of it."""

_TIME_OUT = httpx.Timeout(30.0, connect=10.0, pool=10.0)
"""Between two bytes of an answer; and for a connection, its TLS and a place in the pool, each: together less than for
all of it, so that what ends before anything was sent says so."""

_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


@dataclass(frozen=True)
class Answer:
    """`told` is the body as JSON; empty when it is not a mapping."""

    status: int
    told: Mapping[str, Any]
    headers: httpx.Headers


async def post(
    client: httpx.AsyncClient,
    url: str,
    headers: Mapping[str, str],
    repeatable: bool = False,
    auth: httpx.Auth | None = None,
    **body: Any,
) -> Answer:
    """The answer, if it says yes or no. Raises Transient or Unknown when it says neither; `repeatable`:
    the provider would know the mail again."""
    request = built(client, "POST", url, headers, timeout=_TIME_OUT, **body)
    try:
        response = await whole(client, request, WITHIN, auth=auth)
    except _NOT_SENT as error:
        raise Transient("no_connection", type(error).__name__) from error
    except (TimeoutError, httpx.TransportError, httpx.DecodingError) as error:
        raise Unknown("connection_lost", type(error).__name__, repeatable) from error
    status = response.status_code
    told = _told(response)
    if status in (429, 503):
        wait = retry_after(response.headers.get("retry-after", ""), datetime.now(UTC))
        raise Transient("refused_for_now", detail(status, told), wait)
    if status >= 500 or 300 <= status < 400:
        raise Unknown("no_answer", detail(status, told), repeatable)
    return Answer(status, told, response.headers)


def refusal(answer: Answer, said: str) -> DeliveryError:
    """What a 4xx means that is nobody's fault in particular: our key, our account, or this mail."""
    text = detail(answer.status, said)
    if answer.status in (401, 403):
        return Transient("login_refused", text, UNTIL_REPAIRED)
    if answer.status in (402, 404, 408):
        return Transient("account_refused", text, UNTIL_REPAIRED)
    return Permanent("refused", text)


def detail(status: int, said: Any) -> str:
    """Without the addresses in it: it ends up in logs and in Temporal's history."""
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return replies.detail(status, text)


def _told(response: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answered(response)
    except ValueError:
        return {"message": response.text} if response.text else {}
    return found if isinstance(found, dict) else {"message": found}
