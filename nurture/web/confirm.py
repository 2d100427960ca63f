"""Double opt-in: the link in the mail shows a page, and only its button confirms."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from nurture.domain.errors import InputError
from nurture.tokens import CONFIRM
from nurture.web import pages, payload
from nurture.web.access import open_to
from nurture.web.deps import Current, Deps
from nurture.web.errors import Refusal
from nurture.web.openapi import refusals

router = APIRouter(tags=["mail"], dependencies=[open_to("the reader of a mail, by a signed token")])

_BODY_LIMIT = 64 * 1024


@router.get(
    "/y/{token}",
    response_class=HTMLResponse,
    summary="Asks whether the consent is meant",
    responses=refusals(404),
)
async def ask(token: str, deps: Current) -> Response:
    """Changes nothing: scanners follow every link of a mail, and none of them may consent for a person."""
    _read(deps, token)
    company = (await deps.playbook()).company
    return pages.render("confirm.html", company=company.name)


@router.post(
    "/y/{token}",
    response_class=HTMLResponse,
    summary="Confirms the consent",
    responses=refusals(400, 404),
)
async def act(token: str, request: Request, deps: Current) -> Response:
    """Grants what the form asked for, with its wording, the time and the mail as proof. What was confirmed
    already, was taken back or is too old stays as it is, and the page says so."""
    await payload.read(request, _BODY_LIMIT)
    granted = await deps.intake.confirm(*_read(deps, token), deps.now())
    company = (await deps.playbook()).company.name
    title = "Thank you" if granted else "Nothing to confirm"
    text = "This was confirmed already, was taken back, or is too old."
    if granted:
        text = f"It is confirmed: {company} may write to you. You can stop it in any mail."
    return pages.render("message.html", title=title, text=text)


def _read(deps: Deps, token: str) -> tuple[str, str]:
    try:
        lead_id, message_id = deps.tokens.read(CONFIRM, token)
    except (InputError, ValueError, TypeError) as error:
        raise Refusal(
            404, "bad_link", "this link is not valid; please use the one in the mail itself"
        ) from error
    return str(lead_id), str(message_id)
