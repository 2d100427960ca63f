"""One HTTP exchange with an ad platform. Membership is a set, so every call may be repeated."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from nurture.delivery import pauses
from nurture.delivery.exchange import answered, built, whole
from nurture.domain.errors import Transient

_WITHIN = 60.0
"""Seconds for one exchange as a whole."""

_MOST = 8 * 1024 * 1024
"""Some platforms name each record of a batch that they refuse."""


async def exchange(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    json: Any,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Whatever the platform answered. Raises Transient when there is no answer: also after a break
    in the middle, since a change that did happen is only repeated."""
    return await _send(client, built(client, method, url, headers, json=json, params=params))


async def post_form(client: httpx.AsyncClient, url: str, form: Mapping[str, str]) -> httpx.Response:
    """The same for a form, as token endpoints take it."""
    return await _send(client, built(client, "POST", url, {}, data=dict(form)))


async def post_bytes(
    client: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str]
) -> httpx.Response:
    """The same for a body that is signed byte for byte."""
    return await _send(client, built(client, "POST", url, headers, content=body))


def content(response: httpx.Response) -> dict[str, Any]:
    """The JSON object answered. Raises Transient for anything else, such as a proxy's HTML page."""
    try:
        found = answered(response)
    except ValueError as error:
        raise Transient("not_json", f"HTTP {response.status_code}") from error
    if not isinstance(found, dict):
        raise Transient("not_json", f"HTTP {response.status_code}")
    return found


def retry_after(response: httpx.Response) -> timedelta | None:
    """How long the answer asks to be left alone."""
    return pauses.retry_after(response.headers.get("retry-after", ""), datetime.now(UTC))


async def _send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    try:
        return await whole(client, request, _WITHIN, _MOST)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Transient("unreachable", type(error).__name__) from error
    except (TimeoutError, httpx.TransportError, httpx.DecodingError) as error:
        raise Transient("no_answer", type(error).__name__) from error
