"""Coming in with a password, and going out."""

import math
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from nurture.access.sessions import TooMany
from nurture.domain.permissions import Permission
from nurture.web import cookies, fields, i18n, pages
from nurture.web.access import needs, open_to
from nurture.web.deps import Current, Deps
from nurture.web.visit import Visit

router = APIRouter(include_in_schema=False)

FORM_COOKIE = "nurture-form"
"""Before there is a session, this secret makes the form's CSRF token: nobody can sign somebody else in."""


@router.get("/sign-in", response_class=HTMLResponse, dependencies=[open_to("whoever wants in")])
async def show(request: Request, deps: Current, next: str = "/") -> Response:
    session = request.cookies.get(cookies.session_name(deps.settings), "")
    if session and await deps.access.sessions.actor(session, deps.now()):
        return RedirectResponse(inside(next), 303)
    return form(request, deps, next)


@router.post("/sign-in", response_class=HTMLResponse, dependencies=[open_to("whoever wants in")])
async def sign_in(request: Request, deps: Current) -> Response:
    told = await fields.read(request)
    cookies.check(cookies.csrf(request.cookies.get(FORM_COOKIE, "")), told, request)
    email, password = fields.text(told, "email", 320), str(told.get("password", ""))
    onward = fields.text(told, "next", 2000)
    address = request.client.host if request.client else ""
    try:
        found = await deps.access.sessions.sign_in(email, password, address, deps.now())
    except TooMany as error:
        minutes = max(1, math.ceil(error.wait.total_seconds() / 60))
        text = i18n.of(request).ngettext(
            "Too many attempts. Please try again in a minute.",
            "Too many attempts. Please try again in %(num)s minutes.",
            minutes,
        ) % {"num": minutes}
        headers = {"retry-after": str(math.ceil(error.wait.total_seconds()))}
        return form(request, deps, onward, email, text, HTTPStatus.TOO_MANY_REQUESTS, headers)
    if found is None:
        await deps.access.audit.note("somebody", "sign_in", deps.now(), outcome="refused")
        text = i18n.of(request).gettext("This e-mail address and password do not belong together.")
        return form(request, deps, onward, email, text, HTTPStatus.UNAUTHORIZED)
    secret, account = found
    await deps.access.audit.note(account.name, "sign_in", deps.now(), outcome="done")
    return let_in(deps, secret, onward)


@router.post("/sign-out")
async def sign_out(
    deps: Current, visit: Annotated[Visit, needs(Permission.OWN_ACCOUNT)]
) -> Response:
    name = cookies.session_name(deps.settings)
    await deps.access.sessions.end(visit.request.cookies.get(name, ""))
    response = RedirectResponse("/sign-in", 303)
    cookies.drop(response, deps.settings, name)
    return response


def form(
    request: Request,
    deps: Deps,
    onward: str,
    email: str = "",
    problem: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """The sign-in page; what was typed stays, the password does not."""
    secret = request.cookies.get(FORM_COOKIE) or cookies.fresh()
    response = pages.render(
        "dashboard/sign_in.html",
        status,
        words=i18n.of(request),
        csrf=cookies.csrf(secret),
        next=inside(onward),
        email=email,
        problem=problem,
        company_sign_in=deps.company is not None,
    )
    response.headers.update(headers or {})
    cookies.put(response, deps.settings, FORM_COOKIE, secret, None)
    return response


def let_in(deps: Deps, secret: str, onward: str) -> Response:
    """A fresh session, whatever the browser had before, and on to where it wanted to go."""
    response = RedirectResponse(inside(onward), 303)
    cookies.put(response, deps.settings, cookies.session_name(deps.settings), secret, None)
    cookies.drop(response, deps.settings, FORM_COOKIE)
    return response


def inside(path: str) -> str:
    """A path of our own: never another host's, however it is written (`//host`, `/\\host`, `https:`)."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if plain and path.isprintable() and "\\" not in path else "/"
