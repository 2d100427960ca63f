"""Opens and clicks in our mails. The target of a link is signed, so nobody can make us redirect elsewhere."""

from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from nurture.domain import machines
from nurture.domain.errors import InputError, Transient
from nurture.domain.machines import Hit
from nurture.tokens import CLICK, OPEN
from nurture.web.access import open_to
from nurture.web.deps import Current, Deps
from nurture.web.errors import Refusal
from nurture.web.openapi import refusals

log = structlog.get_logger()
router = APIRouter(tags=["mail"], dependencies=[open_to("the reader of a mail, by a signed token")])

PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
"""A transparent GIF of one by one pixel."""

_FRESH = {"cache-control": "no-store, private"}
_DAY = timedelta(days=1)


class Gif(Response):
    media_type = "image/gif"


@router.head("/o/{token}", include_in_schema=False)
@router.get("/o/{token}", response_class=Gif, summary="The pixel of a mail")
async def opened(token: str, request: Request, deps: Current) -> Response:
    """Always the pixel: a reader must not see a broken image because a link was cut."""
    try:
        (message_id,) = deps.tokens.read(OPEN, token.removesuffix(".gif"))
    except (InputError, ValueError, TypeError):
        return Gif(PIXEL, headers=_FRESH)
    await _hit(deps, request, OPEN, token.removesuffix(".gif"), message_id, {})
    return Gif(PIXEL, headers=_FRESH)


@router.head("/c/{token}", include_in_schema=False)
@router.get(
    "/c/{token}",
    response_class=RedirectResponse,
    summary="A link in a mail",
    responses=refusals(404),
    status_code=302,
)
async def clicked(token: str, request: Request, deps: Current) -> Response:
    """On to the signed target. HEAD is answered alike, and kept as a machine's."""
    try:
        message_id, url = deps.tokens.read(CLICK, token)
    except (InputError, ValueError, TypeError) as error:
        raise Refusal(404, "bad_link", "this link is not valid") from error
    if urlsplit(url).scheme not in ("http", "https"):
        raise Refusal(404, "bad_link", "this link leads nowhere")
    await _hit(deps, request, CLICK, token, message_id, {"url": url})
    return RedirectResponse(url, 302, headers=_FRESH)


async def _hit(
    deps: Deps, request: Request, use: str, token: str, message_id: str, properties: dict[str, str]
) -> None:
    """Keep it. The reader gets on also while the database is away: the link is in the token."""
    try:
        await _keep(deps, request, use, token, message_id, properties)
    except Transient as error:
        log.warning("hit_not_kept", use=use, reason=error.reason)


async def _keep(
    deps: Deps, request: Request, use: str, token: str, message_id: str, properties: dict[str, str]
) -> None:
    name = "opened" if use == OPEN else "clicked"
    now = deps.now()
    # The token is signed when the mail is made, right before it is sent.
    hit = Hit(name, request.method, request.headers, now - deps.tokens.signed_at(use, token))
    pace = (await deps.playbook()).day / _DAY
    machine = machines.reason(hit, machines.AT_ONCE * pace)
    await deps.intake.hit(message_id, name, properties, machine, now)
