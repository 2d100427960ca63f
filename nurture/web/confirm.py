"""Double opt-in: the link in the mail shows a page, and only its button confirms."""

from collections.abc import Sequence
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from nurture.domain.errors import InputError
from nurture.tokens import CONFIRM
from nurture.web import i18n, pages, payload
from nurture.web.access import open_to
from nurture.web.deps import Current, Deps
from nurture.web.errors import Refusal
from nurture.web.i18n import Asked, later
from nurture.web.openapi import refusals

router = APIRouter(tags=["mail"], dependencies=[open_to("the reader of a mail, by a signed token")])

_BODY_LIMIT = 64 * 1024


@router.get(
    "/y/{token}",
    response_class=HTMLResponse,
    summary="Asks whether the consent is meant",
    responses=refusals(404),
)
async def ask(token: str, request: Request, deps: Current, language: Asked = "") -> Response:
    """Says what the button would confirm, and changes nothing: scanners follow every link of a mail, and none of them
    may consent for a person."""
    asked = await deps.preferences.asked(*_read(deps, token), deps.now())
    wordings = list(dict.fromkeys(record.wording for record in asked if record.wording))
    return await _page(token, request, deps, language, "asked" if asked else "nothing", wordings)


@router.post(
    "/y/{token}",
    response_class=HTMLResponse,
    summary="Confirms the consent",
    responses=refusals(400, 404),
)
async def act(token: str, request: Request, deps: Current, language: Asked = "") -> Response:
    """Grants what the form asked for, with its wording, the time and the mail as proof. What was confirmed
    already, was taken back or is too old stays as it is, and the page says so."""
    await payload.read(request, _BODY_LIMIT)
    granted = await deps.intake.confirm(*_read(deps, token), deps.now())
    return await _page(token, request, deps, language, "granted" if granted else "nothing")


async def _page(
    token: str,
    request: Request,
    deps: Deps,
    language: str,
    state: str,
    wordings: Sequence[str] = (),
) -> Response:
    lead_id, _ = _read(deps, token)
    wanted = await deps.preferences.look(lead_id, deps.now())
    words = i18n.of(request, language, wanted.language if wanted else "")
    return pages.render(
        "confirm.html",
        words=words,
        company=(await deps.playbook()).company,
        state=state,
        wordings=wordings,
        here=f"/y/{token}",
        query=f"?{urlencode({'language': words.language})}",
        languages=i18n.others(words.language),
    )


def _read(deps: Deps, token: str) -> tuple[str, str]:
    try:
        lead_id, message_id = deps.tokens.read(CONFIRM, token)
    except (InputError, ValueError, TypeError) as error:
        text = later("this link is not valid; please use the one in the mail itself")
        raise Refusal(404, "bad_link", text) from error
    return str(lead_id), str(message_id)
