"""Unsubscribing: a link with a button for people, one POST for mailbox providers (RFC 8058)."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from nurture.domain.consent import EMAIL_MARKETING
from nurture.domain.errors import InputError
from nurture.tokens import UNSUBSCRIBE
from nurture.web import pages, payload
from nurture.web.access import open_to
from nurture.web.deps import Current, Deps
from nurture.web.errors import Refusal
from nurture.web.openapi import refusals

router = APIRouter(tags=["mail"], dependencies=[open_to("the reader of a mail, by a signed token")])

_BODY_LIMIT = 64 * 1024


@router.get(
    "/u/{token}",
    response_class=HTMLResponse,
    summary="Asks whether to unsubscribe",
    responses=refusals(404),
)
async def ask(token: str, deps: Current) -> Response:
    """Changes nothing: scanners follow every link of a mail."""
    _lead_of(deps, token)
    company = (await deps.playbook()).company
    return pages.render("unsubscribe.html", company=company.name)


@router.post(
    "/u/{token}",
    response_class=HTMLResponse,
    summary="Unsubscribes at once",
    responses=refusals(400, 404),
)
async def act(token: str, request: Request, deps: Current) -> Response:
    """Nothing but the token counts: no cookie, no confirmation, as often as it likes. The links of old
    mails work for ever."""
    await payload.read(request, _BODY_LIMIT)
    lead_id = _lead_of(deps, token)
    await deps.intake.withdraw(lead_id, EMAIL_MARKETING, "unsubscribe", deps.now())
    company = (await deps.playbook()).company
    text = f"You will get no more marketing mails from {company.name}."
    return pages.render("message.html", title="You are unsubscribed", text=text)


def _lead_of(deps: Deps, token: str) -> str:
    try:
        lead_id, _ = deps.tokens.read(UNSUBSCRIBE, token)
    except (InputError, ValueError, TypeError) as error:
        raise Refusal(
            404, "bad_link", "this link is not valid; please use the one in the mail itself"
        ) from error
    return str(lead_id)
