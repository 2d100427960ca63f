"""The cookies of a signed-in browser, and the CSRF token that goes with them."""

import hashlib
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from fastapi import Request, Response

from nurture.settings import Settings
from nurture.web.errors import Refusal
from nurture.web.sources import matches

_LAX: Literal["lax"] = "lax"


def is_https(settings: Settings) -> bool:
    return settings.base_url.startswith("https://")


def session_name(settings: Settings) -> str:
    """`__Host-` (RFC 6265bis) keeps other hosts of the domain from setting it; it needs https."""
    return "__Host-nurture" if is_https(settings) else "nurture"


def put(response: Response, settings: Settings, name: str, value: str, seconds: int | None) -> None:
    """Neither readable by scripts nor sent along from other sites; `seconds` None: until the browser ends."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=is_https(settings),
        httponly=True,
        samesite=_LAX,
    )


def drop(response: Response, settings: Settings, name: str) -> None:
    response.delete_cookie(name, path="/", secure=is_https(settings), httponly=True, samesite=_LAX)


def fresh() -> str:
    return secrets.token_urlsafe(32)


def csrf(secret: str) -> str:
    """What a form has to carry: only our own pages know it, and it tells nothing of the cookie's secret."""
    return hashlib.sha256(f"csrf/{secret}".encode()).hexdigest()[:43]


def check(wanted: str, form: Mapping[str, Any], request: Request) -> None:
    """Raises Refusal unless the form, or the header X-CSRF-Token, carries it."""
    given = form.get("csrf") or request.headers.get("x-csrf-token", "")
    if not (wanted and isinstance(given, str) and matches(given, wanted)):
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            "bad_csrf",
            "this form is too old; open the page again and repeat it",
        )
