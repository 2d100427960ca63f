"""Coming in by the company's own identity provider: there, and back again."""

from dataclasses import astuple
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from nurture.access.company import CompanySignIn, Pending
from nurture.domain.errors import InputError
from nurture.web import cookies, i18n
from nurture.web.access import open_to
from nurture.web.dashboard import sign_in
from nurture.web.deps import Current, Deps
from nurture.web.errors import Refusal

router = APIRouter(
    prefix="/sign-in/company",
    include_in_schema=False,
    dependencies=[open_to("whoever wants in")],
)

COOKIE = "nurture-company"
_LASTS = timedelta(minutes=10)


@router.get("", response_class=HTMLResponse)
async def leave(request: Request, deps: Current, next: str = "/") -> Response:
    try:
        url, pending = await _company(deps).begin(_back(deps))
    except InputError as error:
        return _failed(request, deps, next, error)
    response = RedirectResponse(url, 303)
    kept = deps.tokens.sign(COOKIE, [*astuple(pending), sign_in.inside(next)])
    cookies.put(response, deps.settings, COOKIE, kept, int(_LASTS.total_seconds()))
    return response


@router.get("/back", response_class=HTMLResponse)
async def come_back(request: Request, deps: Current) -> Response:
    onward = "/"
    try:
        kept = deps.tokens.read(COOKIE, request.cookies.get(COOKIE, ""), _LASTS)
        *pending, onward = kept
        account = await _company(deps).finish(
            Pending(*pending), request.query_params, _back(deps), deps.now()
        )
    except InputError as error:
        await deps.access.audit.note("somebody", "sign_in", deps.now(), outcome="refused")
        return _failed(request, deps, onward, error)
    secret = await deps.access.sessions.open(account, deps.now())
    await deps.access.audit.note(account.name, "sign_in", deps.now(), outcome="done")
    response = sign_in.let_in(deps, secret, onward)
    cookies.drop(response, deps.settings, COOKIE)
    return response


def _company(deps: Deps) -> CompanySignIn:
    if deps.company is None:
        raise Refusal(404, "no_company_sign_in", "NURTURE_OIDC_ISSUER is not set")
    return deps.company


def _back(deps: Deps) -> str:
    return f"{deps.settings.base_url}/sign-in/company/back"


def _failed(request: Request, deps: Deps, onward: str, error: InputError) -> Response:
    if isinstance(error, Refusal):
        raise error
    told = i18n.of(request).gettext(str(error))
    return sign_in.form(request, deps, onward, problem=told, status=401)
