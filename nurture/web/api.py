"""Leads, handovers and figures as JSON, for CRMs, scripts and the operator's own reports."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from nurture.domain.errors import InputError
from nurture.domain.lifecycle import SALES
from nurture.domain.permissions import Permission
from nurture.domain.sla import State
from nurture.web import fields, sales
from nurture.web.access import needs
from nurture.web.asked import Asked
from nurture.web.deps import Current
from nurture.web.errors import Refusal
from nurture.web.listed import LISTED, Page
from nurture.web.openapi import ANSWER, FIND, OPEN, STAGE, refusals
from nurture.web.visit import Visit

router = APIRouter(prefix="/api", tags=["api"], responses=refusals(401, 403))


@router.get(
    "/report",
    responses=refusals(400),
    dependencies=[needs(Permission.FIGURES)],
    summary="Both sides of the agreement, in figures",
)
async def report(deps: Current, asked: Asked) -> dict[str, Any]:
    """The agreement in one period: figures, promises with their pace, contact times, rejects; and since
    the beginning leads by stage and persona, mails, audiences, SLA kept and broken, KPIs. Filters combine;
    promises are told only for all leads."""
    return await deps.reports.summary(deps.now(), asked)


@router.get(
    "/audiences",
    dependencies=[needs(Permission.AUDIENCES)],
    summary="Lists on ad platforms: wanted, confirmed, owed, errors",
)
async def audiences(deps: Current) -> list[dict[str, Any]]:
    """Per audience who should be on it and who is, owed removals with their age, last sync, errors in words."""
    return await deps.reports.audiences(deps.now())


@router.get("/leads/{name}", responses=refusals(404), summary="One lead, its score explained")
async def lead(name: str, visit: Annotated[Visit, needs(Permission.LEADS)]) -> dict[str, Any]:
    """`name` is the lead's id. An e-mail address works too, but then stands in access logs: for
    addresses use POST /api/leads/find."""
    return await _lead(visit, name)


@router.delete(
    "/leads/{name}", responses=refusals(404), summary="Forgets a person, everywhere, for ever"
)
async def erase(
    name: str, deps: Current, visit: Annotated[Visit, needs(Permission.ERASE_LEADS)]
) -> dict[str, Any]:
    """`name` as above. Answers what was done: flows ended, audiences that must remove the person, handovers
    whose task at sales is emptied. Repeated, it changes nothing more."""
    visit.subject = ""  # it may be a name that the person goes by
    try:
        erased = await deps.privacy.erase(name, "api", deps.now())
        visit.subject = erased.lead
        return asdict(erased)
    except InputError as error:
        raise Refusal(404, "unknown_lead", "nobody goes by that name") from error


@router.post(
    "/leads/find",
    responses=refusals(400, 404, 413),
    summary="One lead by e-mail address",
    openapi_extra=FIND,
)
async def find(
    request: Request, visit: Annotated[Visit, needs(Permission.LEADS)]
) -> dict[str, Any]:
    """The address stays out of the URL, and so out of logs."""
    email = fields.text(await fields.read(request), "email")
    if not email:
        raise InputError("is needed", "email")
    return await _lead(visit, email)


@router.post(
    "/leads/stage",
    responses=refusals(400, 409, 413),
    summary="Move a lead to another stage",
    openapi_extra=STAGE,
)
async def stage(
    request: Request, deps: Current, visit: Annotated[Visit, needs(Permission.EDIT_LEADS)]
) -> dict[str, str]:
    """As `stages.yaml` allows `by` (sales or import): else 409 with what is allowed. A way back needs a reason."""
    visit.subject = ""  # it may be an address
    form = await fields.read(request)
    given = {name: fields.text(form, name) for name in ("lead", "stage", "reason")}
    for name in ("lead", "stage"):
        if not given[name]:
            raise InputError("is needed", name)
    by = fields.text(form, "by", 20) or SALES
    try:
        was = await deps.stages.move(given["lead"], given["stage"], by, given["reason"], deps.now())
    except InputError as error:
        raise Refusal(409, "not_moved", str(error)) from error
    return {"stage": given["stage"], "before": was}


@router.get("/handovers", responses=refusals(400), summary="Handovers, the most urgent first")
async def handovers(
    visit: Annotated[Visit, needs(Permission.HANDOVERS)],
    page: Annotated[Page, Depends()],
    open_only: Annotated[bool, Query(description="without those that are over")] = False,
) -> list[dict[str, Any]]:
    """200 at most. Where there are more, the header `Link` (`rel="next"`) says where they are."""
    reports = visit.deps.reports
    return page.of(await reports.handovers(open_only, visit.actor.owner, page.after, LISTED + 1))


@router.get(
    "/handovers/{handover_id}",
    responses=refusals(404),
    summary="One handover, what happened to it and what sales was told",
)
async def handover(
    handover_id: str, deps: Current, visit: Annotated[Visit, needs(Permission.HANDOVERS)]
) -> dict[str, Any]:
    found = await deps.notices.show(handover_id)
    if found is None or visit.actor.owner not in (None, found.get("owner")):
        raise Refusal(404, "unknown_handover", "there is no such handover")
    return found


@router.post(
    "/handovers",
    responses=refusals(400, 413),
    dependencies=[needs(Permission.HAND_OVER)],
    openapi_extra=OPEN,
    summary="Give a lead to sales by hand",
)
async def give(request: Request, deps: Current) -> dict[str, str]:
    """A lead that sales has already gets the reason as news."""
    form = await fields.read(request)
    reason = fields.text(form, "reason") or "given by hand"
    name, by = fields.text(form, "lead"), fields.text(form, "by", 200) or "api"
    if not name:
        raise InputError("is needed", "lead")
    return {"handover": await deps.desk.open(name, reason, by, deps.now())}


@router.get(
    "/notices",
    responses=refusals(400),
    dependencies=[needs(Permission.SYSTEM)],
    summary="What sales could not be told",
)
async def notices(deps: Current, page: Annotated[Page, Depends()]) -> list[dict[str, Any]]:
    """200 at most, the oldest first. Where there are more, the header `Link` (`rel="next"`) says where they are."""
    return page.of(await deps.notices.dead(page.after, LISTED + 1))


@router.post(
    "/notices/{notice_id}/resend",
    responses=refusals(409),
    dependencies=[needs(Permission.EDIT_SYSTEM)],
    summary="Tell sales again, under the same webhook-id",
)
async def resend(notice_id: str, deps: Current) -> dict[str, int]:
    try:
        return {"sent": await deps.notices.resend([notice_id], deps.now())}
    except InputError as error:
        raise Refusal(409, "not_sent", str(error)) from error


@router.post(
    "/receiver/open",
    dependencies=[needs(Permission.EDIT_SYSTEM)],
    summary="Call a receiver again that had answered 410",
)
async def reopen(deps: Current) -> dict[str, bool]:
    return {"was_closed": await deps.notices.reopen()}


@router.post(
    "/handovers/{handover_id}/answers",
    responses=refusals(400, 404, 409, 413),
    openapi_extra=ANSWER,
    summary="Sales' answer, from a CRM",
)
async def answer(
    handover_id: str,
    request: Request,
    deps: Current,
    visit: Annotated[Visit, needs(Permission.ANSWER)],
) -> dict[str, str]:
    """The same answers as on the page. One that contradicts an earlier answer is refused with 409. `won` needs
    the scope `revenue:write` too."""
    form = await fields.read(request)
    state, by = fields.text(form, "state"), fields.text(form, "by", 200)
    if state == State.WON and not visit.may(Permission.REVENUE):
        raise Refusal(403, "not_permitted", f"won needs the permission {Permission.REVENUE}")
    visit.detail = state
    return await sales.answer(deps, handover_id, form, by, visit.actor.owner)


async def _lead(visit: Visit, name: str) -> dict[str, Any]:
    deps = visit.deps
    found = await deps.reports.lead(name, deps.now(), visit.actor.owner)
    if found is None:
        raise Refusal(404, "unknown_lead", "nobody goes by that name")
    return found
