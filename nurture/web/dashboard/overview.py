"""The first page: the funnel, both promises, and what needs somebody now."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.domain.permissions import Permission
from nurture.web.access import needs
from nurture.web.navigation import SECTIONS
from nurture.web.visit import Visit

router = APIRouter(include_in_schema=False)


@router.get("/", response_class=HTMLResponse)
async def overview(visit: Annotated[Visit, needs(Permission.FIGURES)]) -> Response:
    look = await visit.deps.dashboard.overview.look(visit.deps.now(), visit.actor.owner)
    may = {section.path for section in SECTIONS if visit.may(section.permission)}
    return visit.page(
        "overview.html",
        look=look,
        needs=[need for need in look.needs if need.path.partition("?")[0] in may],
        report=look.report,
        currency=visit.playbook.promise.currency,
    )
