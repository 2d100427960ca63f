"""What sales has to do, what is left of the time for it, and the answers."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.dashboard.queue import LISTS
from nurture.domain.errors import InputError
from nurture.domain.permissions import Permission
from nurture.domain.sla import State
from nurture.web import fields, sales
from nurture.web.access import needs
from nurture.web.dashboard import paging
from nurture.web.errors import Refusal
from nurture.web.visit import Visit

router = APIRouter(prefix="/handovers", include_in_schema=False)

Looks = Annotated[Visit, needs(Permission.HANDOVERS)]


@router.get("", response_class=HTMLResponse)
async def queue(
    visit: Looks, which: str = "waiting", owner: str = "", before: str = "", after: str = ""
) -> Response:
    """`which` is the list, `owner` whose; a salesperson sees its own in any case."""
    if which not in LISTS:
        raise Refusal(404, "unknown_list", "there is no such list of handovers")
    whose = visit.actor.owner or owner or None
    key = paging.read(before, after)
    page = await visit.deps.dashboard.queue.page(which, whose, visit.deps.now(), key)
    return visit.page(
        "handovers.html",
        page=page,
        which=which,
        owner=owner,
        lists=LISTS,
        **paging.links(page),
        inline=visit.may(Permission.ANSWER) and which == "waiting",
        ways=sales.WAYS,
    )


@router.get("/{handover_id}", response_class=HTMLResponse)
async def show(handover_id: str, visit: Looks) -> Response:
    return await _page(visit, handover_id)


@router.post("/{handover_id}", response_class=HTMLResponse)
async def answer(handover_id: str, visit: Annotated[Visit, needs(Permission.ANSWER)]) -> Response:
    """Sales' answer. `back` leads to the list it was given on, else the handover's own page follows."""
    deps, owner = visit.deps, visit.actor.owner
    holder = await deps.desk.holder(handover_id)
    if holder is None or owner not in (None, holder.owner):
        raise Refusal(404, "unknown_handover", "there is no such handover")
    visit.detail = fields.text(visit.form, "state", 20)
    if visit.detail == State.WON and not visit.may(Permission.REVENUE):
        raise Refusal(403, "not_permitted", f"this needs the permission {Permission.REVENUE}")
    try:
        said = sales.read(visit.form, visit.actor.name, deps.now(), holder.zone)
        note = await deps.desk.answer(handover_id, said)
    except InputError as error:
        return await _page(visit, handover_id, visit.explain(error), 422)
    back = fields.text(visit.form, "back", 10) == "list"
    return visit.go("/handovers" if back else f"/handovers/{handover_id}", visit.told(note))


async def _page(visit: Visit, handover_id: str, problem: str = "", status: int = 200) -> Response:
    detail = await visit.deps.dashboard.queue.show(handover_id, visit.actor.owner, visit.deps.now())
    view = await visit.deps.desk.view(handover_id)
    if detail is None or view is None:
        raise Refusal(404, "unknown_handover", "there is no such handover")
    return visit.page(
        "handover.html",
        status,
        detail=detail,
        view=view,
        answers=view.answers if visit.may(Permission.ANSWER) else (),
        within=visit.words.promised(detail.promised),
        ways=sales.WAYS,
        csrf_field=visit.csrf_field,
        problem=problem,
    )
