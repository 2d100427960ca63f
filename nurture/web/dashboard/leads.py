"""Leads: found, looked at, brought into flows and out, given to sales, forgotten."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.domain.errors import InputError
from nurture.domain.permissions import Permission
from nurture.store.lead_list import Filter
from nurture.store.paging import Key
from nurture.web import fields
from nurture.web.access import needs
from nurture.web.dashboard import paging
from nurture.web.errors import Refusal
from nurture.web.visit import Visit

router = APIRouter(prefix="/leads", include_in_schema=False)

Looks = Annotated[Visit, needs(Permission.LEADS)]
Edits = Annotated[Visit, needs(Permission.EDIT_LEADS)]


@router.get("", response_class=HTMLResponse)
async def search(
    visit: Looks, stage: str = "", persona: str = "", before: str = "", after: str = ""
) -> Response:
    return await _list(visit, "", stage, persona, paging.read(before, after))


@router.post("/find", response_class=HTMLResponse)
async def find(visit: Looks) -> Response:
    """A POST, so that the name that is looked for stands in no log."""
    stage, persona = fields.text(visit.form, "stage", 60), fields.text(visit.form, "persona", 60)
    return await _list(visit, fields.text(visit.form, "name", 320).strip(), stage, persona, None)


@router.get("/{lead_id}", response_class=HTMLResponse)
async def show(lead_id: str, visit: Looks) -> Response:
    return await _page(visit, lead_id)


@router.post("/{lead_id}/enrol", response_class=HTMLResponse)
async def enrol(lead_id: str, visit: Edits) -> Response:
    visit.detail = flow = fields.text(visit.form, "flow", 60)
    try:
        await visit.deps.enrolling.by_hand(lead_id, flow, visit.actor.name, visit.deps.now())
    except InputError as error:
        return await _page(visit, lead_id, visit.explain(error))
    return visit.go(f"/leads/{lead_id}", visit.say("The lead enters the flow."))


@router.post("/{lead_id}/remove", response_class=HTMLResponse)
async def remove(lead_id: str, visit: Edits) -> Response:
    visit.detail = run = fields.text(visit.form, "run", 80)
    try:
        await visit.deps.enrolling.take_out(lead_id, run, visit.deps.now())
    except InputError as error:
        return await _page(visit, lead_id, visit.explain(error))
    return visit.go(f"/leads/{lead_id}", visit.say("The lead has left the flow."))


@router.post("/{lead_id}/hand-over", response_class=HTMLResponse)
async def hand_over(lead_id: str, visit: Annotated[Visit, needs(Permission.HAND_OVER)]) -> Response:
    reason = fields.text(visit.form, "reason", 200).strip()
    try:
        if not reason:
            raise InputError("say why sales should call", "reason")
        given = await visit.deps.desk.open(lead_id, reason, visit.actor.name, visit.deps.now())
    except InputError as error:
        return await _page(visit, lead_id, visit.explain(error))
    visit.detail = given
    return visit.go(f"/leads/{lead_id}", visit.say("Sales has the lead now."))


@router.post("/{lead_id}/erase", response_class=HTMLResponse)
async def erase(lead_id: str, visit: Annotated[Visit, needs(Permission.ERASE_LEADS)]) -> Response:
    try:
        if fields.text(visit.form, "sure", 5) != "yes":
            raise InputError("nothing was erased: confirm that you mean it")
        await visit.deps.privacy.erase(lead_id, visit.actor.name, visit.deps.now())
    except InputError as error:
        return await _page(visit, lead_id, visit.explain(error))
    return visit.go("/leads", visit.say("Everything about the person is erased."))


async def _list(visit: Visit, name: str, stage: str, persona: str, key: Key | None) -> Response:
    wanted = Filter(None, stage, persona, visit.actor.owner)
    page = await visit.deps.dashboard.people.page(wanted, key, name)
    return visit.page(
        "leads.html",
        page=page,
        wanted=wanted,
        name=name,
        stages=[(each.id, each.title) for each in visit.playbook.lifecycle.stages],
        personas=[(each.id, each.title) for each in visit.playbook.personas],
        **paging.links(page),
    )


async def _page(visit: Visit, lead_id: str, problem: str = "") -> Response:
    people, owner = visit.deps.dashboard.people, visit.actor.owner
    found = await people.show(lead_id, owner, visit.deps.now(), visit.words.gettext)
    if found is None:
        raise Refusal(404, "unknown_lead", "there is no such lead")
    return visit.page(
        "lead.html",
        422 if problem else 200,
        found=found,
        told=found.told,
        problem=problem,
        stage_titles={each.id: each.title for each in visit.playbook.lifecycle.stages},
        persona_titles={each.id: each.title for each in visit.playbook.personas},
    )
