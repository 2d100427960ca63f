"""Who did what, the newest first."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.access.audit import PAGE
from nurture.domain.permissions import Permission
from nurture.web.access import needs
from nurture.web.dashboard import paging
from nurture.web.visit import Visit

_PLACES = {
    **dict.fromkeys(("enrol", "remove", "hand_over", "forget_bounces"), "/leads/"),
    "answer": "/handovers/",
    "settle_mail": "/mails/",
}
"""Where that is shown which something was done to."""

router = APIRouter(prefix="/audit", include_in_schema=False)


@router.get("", response_class=HTMLResponse)
async def audit(
    visit: Annotated[Visit, needs(Permission.AUDIT)],
    who: str = "",
    action: str = "",
    before: str = "",
) -> Response:
    log = visit.deps.access.audit
    rows = await log.page(paging.number(before), who, action)
    return visit.page(
        "audit.html",
        rows=rows[:PAGE],
        more=rows[PAGE - 1].id if len(rows) > PAGE else None,
        actions=await log.actions(),
        places=_PLACES,
        who=who,
        action=action,
        first=not before,
    )
