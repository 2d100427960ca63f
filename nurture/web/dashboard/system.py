"""Workers, queues, what is late, and what only a person can settle."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.domain.errors import InputError
from nurture.domain.permissions import Permission
from nurture.web.access import needs
from nurture.web.listed import LISTED
from nurture.web.visit import Visit

router = APIRouter(prefix="/system", include_in_schema=False)


@router.get("", response_class=HTMLResponse)
async def system(visit: Annotated[Visit, needs(Permission.SYSTEM)]) -> Response:
    return await _page(visit)


@router.post("/notices", response_class=HTMLResponse)
async def resend_notices(visit: Annotated[Visit, needs(Permission.EDIT_SYSTEM)]) -> Response:
    """What sales could not be told is told again, after its receiver is open again."""
    notices = visit.deps.notices
    try:
        await notices.reopen()
        number = await notices.resend([], visit.deps.now())
    except InputError as error:
        return await _page(visit, str(error), 409)
    told = visit.words.ngettext(
        "One notice is sent again.", "%(num)s notices are sent again.", number
    )
    return visit.go("/system", told % {"num": number})


async def _page(visit: Visit, problem: str = "", status: int = 200) -> Response:
    deps = visit.deps
    return visit.page(
        "system.html",
        status,
        look=await deps.dashboard.system.look(deps.now()),
        dead=await deps.notices.dead("", LISTED) if visit.may(Permission.EDIT_SYSTEM) else [],
        quarantine=await deps.quarantine() if visit.may(Permission.EDIT_SYSTEM) else [],
        problem=problem,
    )
