"""Flows: drawn, counted, compared with what they were, held and let go on."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from nurture.domain.errors import InputError
from nurture.domain.permissions import Permission
from nurture.web.access import needs
from nurture.web.errors import Refusal
from nurture.web.visit import Visit

router = APIRouter(prefix="/flows", include_in_schema=False)

Looks = Annotated[Visit, needs(Permission.FLOWS)]
Edits = Annotated[Visit, needs(Permission.EDIT_FLOWS)]


@router.get("", response_class=HTMLResponse)
async def all_(visit: Looks) -> Response:
    return visit.page("flows.html", flows=await visit.deps.dashboard.courses.all())


@router.get("/{name}", response_class=HTMLResponse)
async def show(name: str, visit: Looks) -> Response:
    return await _page(visit, name)


@router.post("/{name}/pause", response_class=HTMLResponse)
async def pause(name: str, visit: Edits) -> Response:
    return await _switch(
        visit, name, True, visit.say("The flow is on hold. Nobody enters, nothing is sent.")
    )


@router.post("/{name}/resume", response_class=HTMLResponse)
async def resume(name: str, visit: Edits) -> Response:
    return await _switch(visit, name, False, visit.say("The flow goes on."))


async def _switch(visit: Visit, name: str, paused: bool, note: str) -> Response:
    try:
        courses = visit.deps.dashboard.courses
        await courses.pause(name, paused, visit.actor.name, visit.deps.now())
    except InputError as error:
        return await _page(visit, name, visit.explain(error))
    return visit.go(f"/flows/{name}", note)


async def _page(visit: Visit, name: str, problem: str = "") -> Response:
    course = await visit.deps.dashboard.courses.show(name, visit.words.gettext, visit.words.number)
    if course is None:
        raise Refusal(404, "unknown_flow", "there is no such flow in force")
    picture = Markup(course.picture)  # made by us, every text in it escaped
    status = 422 if problem else 200
    return visit.page("flow.html", status, course=course, picture=picture, problem=problem)
