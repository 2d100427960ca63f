"""Who may see figures and records: whoever holds the API token."""

from fastapi import Request

from nurture.settings import Settings
from nurture.web.deps import Current
from nurture.web.errors import Refusal
from nurture.web.sources import basic, matches

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def check(request: Request, deps: Current) -> None:
    """Bearer for programs, Basic with the token as password for browsers. Raises Refusal."""
    token = deps.settings.api_token.get_secret_value()
    if not token:
        if _only_here(deps.settings):
            return
        raise Refusal(403, "no_api_token", "closed until the server has a NURTURE_API_TOKEN")
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    given = basic(credentials)[1] if scheme.lower() == "basic" else credentials
    if scheme.lower() not in ("basic", "bearer") or not matches(given, token):
        ask = {"www-authenticate": 'Basic realm="nurture", charset="UTF-8"'}
        raise Refusal(401, "bad_token", "the API token is needed", ask)


def _only_here(settings: Settings) -> bool:
    """On a developer's own machine there is nobody to keep out."""
    return settings.http_host in _LOOPBACK and not settings.public_url
