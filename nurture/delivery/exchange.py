"""One HTTP exchange with anybody outside: the whole of it within a time, and no more of the answer than is wanted."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from nurture.domain.errors import Transient

UNTIL_REPAIRED = timedelta(minutes=5)
"""How long what only an operator can mend is left alone: a key, an account, a bill."""

MOST = 64 * 1024
"""Bytes of an answer that somebody reads who only wants to know whether it was taken."""


def built(
    client: httpx.AsyncClient, method: str, url: str, headers: Mapping[str, str], **more: Any
) -> httpx.Request:
    """The request. Raises Transient when the address is none or a header cannot hold what it should (a key that was
    copied with something else): an operator can mend either. The error tells neither, since both may be secret."""
    try:
        address, head = httpx.URL(url), httpx.Headers(dict(headers))
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Transient(
            "no_request", f"its address or key: {type(error).__name__}", UNTIL_REPAIRED
        ) from error
    return client.build_request(method, address, headers=head, **more)


async def whole(
    client: httpx.AsyncClient,
    request: httpx.Request,
    seconds: float,
    most: int = MOST,
    auth: httpx.Auth | None = None,
) -> httpx.Response:
    """The answer, whatever its status, with at most `most` bytes of its body. Redirects are not followed.

    Raises TimeoutError when it is not all there after `seconds`, however it trickles, and what httpx raises.
    """
    async with asyncio.timeout(seconds):
        response = await client.send(request, stream=True, auth=auth, follow_redirects=False)
        try:
            body = await _read(response, most)
        finally:
            await response.aclose()
    return httpx.Response(
        response.status_code, headers=_plain(response.headers), content=body, request=request
    )


def answered(response: httpx.Response) -> Any:
    """The JSON of it. Raises ValueError for what is none, or is nested without end."""
    try:
        return response.json()
    except RecursionError as error:
        raise ValueError("nested without end") from error


async def _read(response: httpx.Response, most: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) >= most:
            break
    return bytes(body[:most])


def _plain(headers: httpx.Headers) -> list[tuple[str, str]]:
    """Without what described the body on the wire: it has been decoded and may have been cut."""
    wire = {"content-encoding", "content-length", "transfer-encoding"}
    return [(name, value) for name, value in headers.multi_items() if name not in wire]
