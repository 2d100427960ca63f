"""Cross-origin headers for what websites call, on every answer; safety headers for the rest."""

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PUBLIC = ("/v1/", "/beacon/", "/sourceConfig", "/forms/", "/n.js")
"""Paths that pages of other origins call. Never with credentials, so `*` is safe."""

_CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    # `*` would not cover authorization; the others are sent by the browser SDKs.
    "access-control-allow-headers": "authorization, content-type, anonymousid, sentat, x-retry-count",
    "access-control-expose-headers": "retry-after, x-ratelimit-reset",
    "access-control-max-age": "86400",
    "cross-origin-resource-policy": "cross-origin",
}

_SAFETY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # The address of a page may hold a token. Not no-referrer: under it browsers hide where a form came from.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_HTTPS = {"strict-transport-security": "max-age=31536000"}


def safety(https: bool) -> dict[str, str]:
    """What goes with every answer; `https`: the public address is one."""
    return {**_SAFETY, **(_HTTPS if https else {})}


def headers(path: str) -> dict[str, str]:
    """The cross-origin headers of that path; none for what only our own pages and programs call."""
    return _CORS if path.startswith(PUBLIC) else {}


class Headers:
    """ASGI middleware: answers preflights and puts the headers on everything that leaves."""

    def __init__(self, app: ASGIApp, https: bool = False) -> None:
        self._app = app
        self._safety = safety(https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = {**self._safety, **headers(scope["path"])}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                for name, value in extra.items():
                    sent.setdefault(name, value)
            await send(message)

        if scope["method"] == "OPTIONS" and headers(scope["path"]):
            await Response(status_code=204)(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)
