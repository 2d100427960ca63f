"""The send ledger: what went out, what did not and why, and one mail as it looks."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.dashboard.letters import Letter
from nurture.domain.errors import InputError
from nurture.domain.permissions import Permission
from nurture.store.mail_list import Filter
from nurture.web import fields
from nurture.web.access import needs
from nurture.web.dashboard import paging
from nurture.web.errors import Refusal
from nurture.web.visit import Visit

router = APIRouter(prefix="/mails", include_in_schema=False)

Looks = Annotated[Visit, needs(Permission.MAILS)]

STATES = (
    *("unknown", "planned", "claimed", "accepted", "delivered", "bounced"),
    *("complained", "failed", "refused"),
)
FATES = (SENT, NOT_SENT) = ("sent", "not sent")
_ALONE = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; frame-ancestors 'self'"
)
"""A mail is looked at in a frame of its own: no script, nothing fetched, no link that leads anywhere."""


@router.get("", response_class=HTMLResponse)
async def ledger(
    visit: Looks,
    state: str = "",
    flow: str = "",
    step: str = "",
    before: str = "",
    after: str = "",
) -> Response:
    wanted = Filter(state, flow, step, visit.actor.owner)
    page = await visit.deps.dashboard.letters.page(wanted, paging.read(before, after))
    return visit.page(
        "mails.html",
        page=page,
        wanted=wanted,
        states=STATES,
        flows=list(visit.playbook.flows),
        **paging.links(page),
    )


@router.get("/{message_id}", response_class=HTMLResponse)
async def show(message_id: str, visit: Looks) -> Response:
    return await _page(visit, message_id)


@router.post("/{message_id}/settle", response_class=HTMLResponse)
async def settle_mail(
    message_id: str, visit: Annotated[Visit, needs(Permission.EDIT_MAILS)]
) -> Response:
    """What a person found out about a mail of which nobody knew whether it went out."""
    fate = fields.text(visit.form, "fate", 10)
    visit.detail = fate if fate in FATES else ""
    try:
        if fate not in FATES or not fields.ticked(visit.form, "sure"):
            raise InputError("say what became of the mail, and that you are sure")
        sent, deps = fate == SENT, visit.deps
        await deps.mails.settle([message_id], sent, visit.actor.name, deps.now())
    except InputError as error:
        return await _page(visit, message_id, visit.explain(error))
    if sent:
        return visit.go(f"/mails/{message_id}", visit.say("It counts as sent."))
    return visit.go(
        f"/mails/{message_id}", visit.say("It is sent once more, if the lead may still get it.")
    )


@router.get("/{message_id}/page", response_class=HTMLResponse)
async def as_it_looks(message_id: str, visit: Looks) -> Response:
    letter = await _letter(visit, message_id)
    if letter.mail is None:
        raise Refusal(404, "no_mail", "this mail cannot be rendered any more")
    headers = {
        "content-security-policy": _ALONE,
        "x-frame-options": "SAMEORIGIN",
        "cache-control": "no-store, private",
    }
    return HTMLResponse(letter.mail.html, headers=headers)


async def _page(visit: Visit, message_id: str, problem: str = "") -> Response:
    letter = await _letter(visit, message_id)
    status = 422 if problem else 200
    return visit.page("mail.html", status, letter=letter, problem=problem)


async def _letter(visit: Visit, message_id: str) -> Letter:
    letter = await visit.deps.dashboard.letters.show(message_id, visit.actor.owner)
    if letter is None:
        raise Refusal(404, "unknown_mail", "there is no such mail")
    return letter
