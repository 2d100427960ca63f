"""Lists on ad platforms: who should be on them, who is, what is owed."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.domain.permissions import Permission
from nurture.web.access import needs
from nurture.web.visit import Visit

router = APIRouter(prefix="/audiences", include_in_schema=False)

_TIMES = ("last_sync", "last_compared", "next_call_not_before")


@router.get("", response_class=HTMLResponse)
async def audiences(visit: Annotated[Visit, needs(Permission.AUDIENCES)]) -> Response:
    found = await visit.deps.reports.audiences(visit.deps.now())
    for each in found:
        each |= {name: _time(each[name]) for name in _TIMES}
    return visit.page("audiences.html", audiences=found)


@router.post("/{name}/pause", response_class=HTMLResponse)
async def pause(name: str, visit: Annotated[Visit, needs(Permission.EDIT_AUDIENCES)]) -> Response:
    """Additions stop; removals go on, since they protect people."""
    await visit.deps.switch_audience(name, True, visit.deps.now())
    return visit.go("/audiences", visit.say("Nobody is added to it for now. Removals go on."))


@router.post("/{name}/resume", response_class=HTMLResponse)
async def resume(name: str, visit: Annotated[Visit, needs(Permission.EDIT_AUDIENCES)]) -> Response:
    await visit.deps.switch_audience(name, False, visit.deps.now())
    return visit.go("/audiences", visit.say("It is kept up to date again."))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
