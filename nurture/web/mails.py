"""Mails and senders as JSON: what became of them, and what only a person can settle."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from nurture.domain.errors import InputError
from nurture.domain.permissions import Permission
from nurture.web import fields
from nurture.web.access import needs
from nurture.web.deps import Current
from nurture.web.errors import Refusal
from nurture.web.openapi import PAUSE, SETTLE, refusals
from nurture.web.visit import Visit

router = APIRouter(prefix="/api", tags=["api"], responses=refusals(401, 403))

Changing = Annotated[Visit, needs(Permission.EDIT_MAILS)]


@router.get(
    "/mails",
    responses=refusals(400),
    dependencies=[needs(Permission.MAILS)],
    summary="Mails with what became of them, the latest first",
)
async def mails(
    deps: Current,
    state: Annotated[str, Query(description="such as unknown or bounced")] = "",
    flow: str = "",
    lead: Annotated[str, Query(description="a lead's id")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> dict[str, Any]:
    """`counts` says how many there are in each state."""
    found = await deps.mails.list(state, flow, lead, limit)
    return {"counts": await deps.mails.counts(), "mails": found}


@router.post(
    "/mails/{mail_id}/settle",
    responses=refusals(400, 409, 413),
    openapi_extra=SETTLE,
    summary="Says whether an unknown mail went out",
)
async def settle(mail_id: str, request: Request, deps: Current, visit: Changing) -> dict[str, str]:
    """One that did not is sent once more, if the gate still lets it."""
    form = await fields.read(request)
    if "sent" not in form:
        raise InputError("is needed: true or false", "sent")
    went_out = fields.ticked(form, "sent")
    visit.detail = "sent" if went_out else "not sent"
    try:
        await deps.mails.settle([mail_id], went_out, visit.actor.name, deps.now())
    except InputError as error:
        raise Refusal(409, "not_unknown", str(error)) from error
    return {"message": "counted as sent" if went_out else "to be sent once more"}


@router.get(
    "/senders",
    dependencies=[needs(Permission.MAILS)],
    summary="Senders with their complaint and bounce rates, those over a limit first",
)
async def senders(deps: Current) -> list[dict[str, Any]]:
    """`alarm` is none, warn or pause. A sender that stands still has `paused_at`; its mails wait."""
    return await deps.watch.state(deps.now())


@router.post(
    "/senders/{sender}/pause",
    responses=refusals(400, 404, 413),
    openapi_extra=PAUSE,
    summary="Lets a sender stand still; its mails wait",
)
async def pause(sender: str, request: Request, deps: Current, visit: Changing) -> dict[str, str]:
    form = await fields.read(request)
    reason = fields.text(form, "reason", 200) or "by hand"
    try:
        await deps.watch.pause(sender, reason, visit.actor.name, deps.now())
    except InputError as error:
        raise Refusal(404, "unknown_sender", str(error)) from error
    return {"message": f"{sender} stands still"}


@router.post(
    "/senders/{sender}/resume", responses=refusals(409), summary="Lets a paused sender go on"
)
async def resume(sender: str, deps: Current, visit: Changing) -> dict[str, int]:
    try:
        return {"held": await deps.watch.resume(sender, visit.actor.name, deps.now())}
    except InputError as error:
        raise Refusal(409, "not_paused", str(error)) from error
