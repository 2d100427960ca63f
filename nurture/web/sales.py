"""The page on which a sales person answers a handover, on a phone and without JavaScript.

A GET shows, only a POST acts, so that mail scanners and chat previews change nothing.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from nurture.domain import orders
from nurture.domain.errors import InputError
from nurture.domain.sla import ANSWERS, RUNNING, State
from nurture.handovers.desk import HandoverView
from nurture.incoming import Answer
from nurture.tokens import HANDOVER
from nurture.web import fields, i18n, pages
from nurture.web.access import open_to
from nurture.web.deps import Current, Deps
from nurture.web.errors import Refusal
from nurture.web.openapi import REPLY, refusals

router = APIRouter(tags=["sales"], dependencies=[open_to("the holder of a signed link")])

LINK_LASTS = timedelta(days=365)
"""Orders are won long after the call; a year later the link has been forwarded too often."""

WAYS = ("call", "mail", "meeting", "message")
"""How a lead may have been contacted."""

_MOST_DIGITS = 20


@router.get(
    "/h/{token}",
    response_class=HTMLResponse,
    summary="A handover and its possible answers",
    responses=refusals(404),
)
async def show(token: str, request: Request, deps: Current) -> Response:
    return _page(request, deps, await _view(deps, _named(deps, token)))


@router.post(
    "/h/{token}",
    response_class=HTMLResponse,
    summary="Sales' answer to a handover",
    openapi_extra=REPLY,
    responses=refusals(400, 404, 409, 413),
)
async def act(token: str, request: Request, deps: Current) -> Response:
    """Says what became of the answer; one that comes twice or contradicts an earlier one too."""
    handover_id = _named(deps, token)
    holder = await deps.desk.holder(handover_id)
    if holder is None:
        raise _gone()
    form = await fields.read(request)
    note, problem, status = "", "", 200
    try:
        said = read(form, holder.owner, deps.now(), holder.zone)
    except InputError as error:
        problem, status = str(error), 422
    else:
        try:
            note = await deps.desk.answer(handover_id, said)
        except InputError as error:
            problem, status = str(error), 409
    return _page(request, deps, await _view(deps, handover_id), note, problem, status)


async def answer(
    deps: Deps, handover_id: str, form: Mapping[str, Any], by: str = "", owner: str | None = None
) -> dict[str, str]:
    """What a program says. Raises Refusal for an unknown handover and for a contradiction.

    `owner`: another owner's handovers are unknown, too.
    """
    holder = await deps.desk.holder(handover_id)
    if holder is None or owner not in (None, holder.owner):
        raise Refusal(404, "unknown_handover", "there is no such handover")
    said = read(form, by or holder.owner, deps.now(), holder.zone)
    try:
        return {"message": await deps.desk.answer(handover_id, said)}
    except InputError as error:
        raise Refusal(409, "contradiction", str(error)) from error


def read(form: Mapping[str, Any], by: str, now: datetime, zone: tzinfo | None = None) -> Answer:
    """The answer in the fields `state`, `how`, `reason`, `amount`, `currency` and `until`. Pure.

    `until` without an offset is on the clocks of `zone`.
    """
    state = fields.text(form, "state")
    if state not in ANSWERS:
        raise InputError(f"must be one of {', '.join(ANSWERS)}", "state")
    how = fields.text(form, "how", 100) or None
    if state == State.CONTACTED and not how:
        raise InputError(f"say how: {', '.join(WAYS)}", "how")
    return Answer(
        state=State(state),
        at=now,
        by=by,
        reason=fields.text(form, "reason") or None,
        how=how,
        amount=_amount(fields.text(form, "amount")),
        currency=_currency(fields.text(form, "currency", 40)),
        until=_moment(fields.text(form, "until", 40), zone),
    )


def _moment(text: str, zone: tzinfo | None) -> datetime | None:
    """ISO 8601; a day without a time is its beginning."""
    try:
        told = datetime.fromisoformat(text) if text else None
        return told and told.replace(tzinfo=told.tzinfo or zone or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError("must be a day or a time such as 2026-12-01T09:00", "until") from error


def _amount(text: str) -> int | None:
    """Whole units. Points and commas are refused: 12.500 is not the same number in every country."""
    digits = text.replace(" ", "")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit()):
        raise InputError("must be a whole number such as 12500", "amount")
    if len(digits) > _MOST_DIGITS or int(digits) > orders.LARGEST:
        raise InputError(f"must be at most {orders.LARGEST}", "amount")
    return int(digits)


def _currency(text: str) -> str | None:
    """ISO 4217, in capitals; None: that of the agreement."""
    if text and not orders.is_currency(text):
        raise InputError("must be three letters such as DKK", "currency")
    return text.upper() or None


async def _view(deps: Deps, handover_id: str) -> HandoverView:
    view = await deps.desk.view(handover_id)
    if view is None:
        raise _gone()
    return view


def _named(deps: Deps, token: str) -> str:
    """The handover of a signed link."""
    try:
        (handover_id,) = deps.tokens.read(HANDOVER, token, LINK_LASTS)
    except (ValueError, TypeError) as error:
        raise Refusal(404, "bad_link", "this link is not valid") from error
    except InputError as error:
        raise Refusal(404, "bad_link", f"{error}; ask for the lead to be sent again") from error
    return str(handover_id)


def _gone() -> Refusal:
    return Refusal(404, "unknown_handover", "this lead is no longer here")


def _page(
    request: Request,
    deps: Deps,
    view: HandoverView,
    note: str = "",
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    late = view.state in RUNNING and view.due_at < deps.now()
    words = i18n.of(request)
    words.zone = view.due_at.tzinfo
    return pages.render(
        "handover.html",
        status,
        words,
        view=view,
        late=late,
        ways=WAYS,
        note=note,
        problem=problem,
    )
