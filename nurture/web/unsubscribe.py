"""Unsubscribing: one POST for mailbox providers (RFC 8058), and a page on which people choose what they get.

The page works without sign-in, cookie and script: its link, signed, is in the mail itself and never expires.
"""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from nurture.domain.consent import EMAIL_MARKETING
from nurture.domain.errors import InputError
from nurture.domain.sources import UNSUBSCRIBE
from nurture.mail.preferences import BREAKS, Wanted
from nurture.web import fields, i18n, pages, payload
from nurture.web.access import open_to
from nurture.web.deps import Current, Deps
from nurture.web.errors import Refusal
from nurture.web.i18n import Asked, Words, later
from nurture.web.openapi import CHOICE, refusals

router = APIRouter(tags=["mail"], dependencies=[open_to("the reader of a mail, by a signed token")])

BACK = later("Yes, send me mails again. I can stop it at any time.")
"""What is kept as the wording of a consent given here."""

_BODY_LIMIT = 64 * 1024
_DONE = {
    "left": later("You are unsubscribed. You get no more marketing mails from us."),
    "back": later("Welcome back. You get our mails again."),
    "saved": later("Your choice is saved."),
    "paused": later("You get no mails for a while. After that they come again by themselves."),
    "resumed": later("Your break is over. You get our mails again."),
}


@router.head("/u/{token}", include_in_schema=False)
@router.get(
    "/u/{token}",
    response_class=HTMLResponse,
    summary="Asks what the reader wants: all, some, later or none",
    responses=refusals(404),
)
async def ask(
    token: str, request: Request, deps: Current, language: Asked = "", done: str = ""
) -> Response:
    """Changes nothing: scanners follow every link of a mail."""
    return await _page(token, request, deps, language, done)


@router.post(
    "/u/{token}",
    response_class=HTMLResponse,
    summary="Unsubscribes at once",
    responses=refusals(400, 404),
)
async def act(token: str, request: Request, deps: Current, language: Asked = "") -> Response:
    """Nothing but the token counts: no cookie, no confirmation, as often as it likes. The links of old
    mails work for ever."""
    await payload.read(request, _BODY_LIMIT)
    lead_id = _lead_of(deps, token)
    await deps.intake.withdraw(lead_id, EMAIL_MARKETING, UNSUBSCRIBE, deps.now())
    return await _page(token, request, deps, language, "left")


@router.post(
    "/u/{token}/{choice}",
    response_class=RedirectResponse,
    status_code=303,
    summary="Chooses kinds of mails, takes a break, or comes back",
    openapi_extra=CHOICE,
    responses=refusals(400, 404, 413),
)
async def choose(
    token: str, choice: str, request: Request, deps: Current, language: Asked = ""
) -> Response:
    """`choice` is `kinds` (a field for each kind that is wanted), `pause` (`days`: 30, 90, or 0 to end it) or
    `back`."""
    lead_id, form, now = _lead_of(deps, token), await fields.read(request), deps.now()
    match choice:
        case "kinds":
            await deps.preferences.choose(lead_id, [name for name in form if form[name]], now)
            done = "saved"
        case "pause":
            days = fields.text(form, "days")
            if days not in ("0", *map(str, BREAKS)):
                raise InputError("must be 30, 90 or 0", "days")
            await deps.preferences.pause(lead_id, int(days), now)
            done = "paused" if int(days) else "resumed"
        case "back":
            words = _words(request, language, await deps.preferences.look(lead_id, now))
            await deps.preferences.come_back(lead_id, words.gettext(BACK), now)
            done = "back"
        case _:
            raise Refusal(404, "unknown_choice", "there is nothing to choose here")
    query = {"done": done, **({"language": language} if language else {})}
    return RedirectResponse(f"/u/{token}?{urlencode(query)}", 303)


async def _page(token: str, request: Request, deps: Deps, language: str, done: str) -> Response:
    wanted = await deps.preferences.look(_lead_of(deps, token), deps.now())
    words = _words(request, language, wanted)
    if done == "back" and not (wanted and wanted.subscribed):
        done = ""
    playbook = await deps.playbook()
    return pages.render(
        "preferences.html",
        words=words,
        company=playbook.company,
        wanted=wanted,
        kinds=[
            (kind.id, kind.titled(words.language), kind.described(words.language))
            for kind in playbook.subscriptions.values()
        ],
        breaks=BREAKS,
        done=words.gettext(_DONE[done]) if done in _DONE else "",
        back=words.gettext(BACK),
        here=f"/u/{token}",
        query=f"?{urlencode({'language': words.language})}",
        languages=i18n.others(words.language),
    )


def _words(request: Request, asked: str, wanted: Wanted | None) -> Words:
    return i18n.of(request, asked, wanted.language if wanted else "")


def _lead_of(deps: Deps, token: str) -> str:
    try:
        return deps.tokens.lead_leaving(token)
    except InputError as error:
        text = later("this link is not valid; please use the one in the mail itself")
        raise Refusal(404, "bad_link", text) from error
