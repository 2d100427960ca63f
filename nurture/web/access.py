"""Who may use a route. Every route says so, and a test walks them all:

    visit: Annotated[Visit, needs(Permission.LEADS)]      somebody with that permission
    dependencies=[open_to("anybody")]                     no sign-in; the words say who is let in, and why

`needs` finds out who asks, refuses or leads to the sign-in page, checks the CSRF token of a form, and notes every
change in the audit log before it is made.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request

from nurture.access import actor
from nurture.access.actor import Actor
from nurture.domain.permissions import Permission
from nurture.figures import zone_of
from nurture.settings import Settings
from nurture.web import cookies, fields, i18n
from nurture.web.deps import Current, Deps
from nurture.web.errors import JSON_ONLY, Refusal
from nurture.web.parts import parts
from nurture.web.sources import basic, opens
from nurture.web.visit import Visit

SAFE = ("GET", "HEAD", "OPTIONS")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Needs:
    """The dependency behind `needs`."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, deps: Current) -> Visit:
        _same_site(request, deps.settings)
        page = not request.url.path.startswith(JSON_ONLY)
        who, session = await _who(request, deps)
        if who is None:
            raise _to_sign_in(request) if page else _unknown()
        request.state.colleague = page and bool(session)
        if not who.may(self.permission):
            raise Refusal(
                HTTPStatus.FORBIDDEN,
                "not_permitted",
                f"this needs the permission {self.permission}",
            )
        visit = Visit(request, deps, who, csrf=cookies.csrf(session) if session else "")
        if page:
            playbook = await deps.playbook()
            language = i18n.choose(request.headers.get("accept-language", ""), who.language)
            visit.playbook, visit.words = playbook, i18n.Words(language, zone_of(playbook))
        if request.method not in SAFE:
            await _before_change(visit, self.permission, page, bool(session))
        return visit


class Open:
    """The dependency behind `open_to`."""

    def __init__(self, whom: str) -> None:
        self.whom = whom

    async def __call__(self) -> None:
        """Lets everybody in; what else is needed, such as a signed token, the route asks itself."""


def needs(permission: Permission) -> Any:
    """For a route's parameter of type Visit, or its `dependencies`."""
    return Depends(Needs(permission))


def open_to(whom: str) -> Any:
    """For the `dependencies` of a route, or of a router whose routes are all open."""
    return Depends(Open(whom))


async def _who(request: Request, deps: Deps) -> tuple[Actor | None, str]:
    """And the session's secret, if it is one by which they came in."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() in ("basic", "bearer"):
        given = basic(credentials)[1] if scheme.lower() == "basic" else credentials
        return await _of_token(given, deps), ""
    session = request.cookies.get(cookies.session_name(deps.settings), "")
    found = await deps.access.sessions.actor(session, deps.now()) if session else None
    if found is None and _is_own_machine(request, deps.settings):
        return actor.everything("this machine"), ""
    return found, session if found else ""


async def _of_token(given: str, deps: Deps) -> Actor | None:
    if opens(given, deps.settings.api_token):
        return actor.everything("token of the settings")
    return await deps.access.tokens.actor(given, deps.now())


def _is_own_machine(request: Request, settings: Settings) -> bool:
    """On a developer's own machine programs need no token, unless one is set. Pages always ask who it is.

    The Host header has to be the machine's own, lest a website makes its name point here.
    """
    return (
        request.url.path.startswith(JSON_ONLY)
        and not settings.api_token.get_secret_value()
        and not settings.public_url
        and settings.http_host in _LOOPBACK
        and parts(f"//{request.headers.get('host', '')}").hostname in _LOOPBACK
    )


def _same_site(request: Request, settings: Settings) -> None:
    """A browser says from where it was made to ask; programs do not. Raises Refusal for other websites."""
    if request.method in SAFE:
        return
    origin = request.headers.get("origin")
    ours = (request.headers.get("host", ""), urlsplit(settings.base_url).netloc)
    foreign = origin is not None and parts(origin).netloc not in ours
    if foreign or request.headers.get("sec-fetch-site") == "cross-site":
        raise Refusal(HTTPStatus.FORBIDDEN, "other_site", "another website asked for this")


async def _before_change(visit: Visit, permission: Permission, page: bool, session: bool) -> None:
    request = visit.request
    if page:
        visit.form = await fields.read(request)
    if session:
        cookies.check(visit.csrf, visit.form, request)
    if permission.changes:
        name = getattr(request.scope.get("route"), "name", "")
        # An address may name a lead in a path; it has no place in the log.
        named = [str(value) for value in request.path_params.values()]
        visit.subject = ", ".join(name for name in named if "@" not in name)
        request.state.entry = await visit.deps.access.audit.note(
            visit.actor.name, name, visit.deps.now(), visit.subject
        )
        request.state.visit = visit


def _to_sign_in(request: Request) -> Refusal:
    """A 303, so that also a POST after the session ended becomes a page."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(here)}" if request.method in SAFE and here != "/" else ""
    return Refusal(
        HTTPStatus.SEE_OTHER, "sign_in", "please sign in", {"location": f"/sign-in{back}"}
    )


def _unknown() -> Refusal:
    ask = {"www-authenticate": 'Basic realm="nurture", charset="UTF-8"'}
    return Refusal(
        HTTPStatus.UNAUTHORIZED,
        "bad_token",
        "an API token is needed; an administrator makes one in the dashboard",
        ask,
    )
