"""Programs' tokens: made with their scopes, shown once, revoked."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.domain.errors import InputError
from nurture.domain.permissions import SCOPES, Permission
from nurture.web import fields
from nurture.web.access import needs
from nurture.web.visit import Visit

router = APIRouter(prefix="/tokens", include_in_schema=False)

Admin = Annotated[Visit, needs(Permission.TOKENS)]

LASTS = {"90": timedelta(days=90), "365": timedelta(days=365), "none": None}
"""How long a token may be good for, in days; never without end unless somebody says so."""


@router.get("", response_class=HTMLResponse)
async def tokens(visit: Admin) -> Response:
    return _shown(visit, await visit.deps.access.tokens.all())


@router.post("", response_class=HTMLResponse)
async def create_token(visit: Admin) -> Response:
    """The secret is shown on this answer and nowhere else."""
    name, days = fields.text(visit.form, "name", 100), fields.text(visit.form, "days", 4)
    wanted = [scope for scope in SCOPES if fields.ticked(visit.form, f"scope-{scope}")]
    access, now = visit.deps.access.tokens, visit.deps.now()
    try:
        secret, row = await access.create(
            name, wanted, visit.actor.name, now, LASTS.get(days, LASTS["90"])
        )
    except InputError as error:
        return _shown(visit, await access.all(), visit.explain(error), 422, name=name)
    visit.subject, visit.detail = row.id, " ".join(row.scopes)
    return _shown(visit, await access.all(), secret=secret)


@router.post("/{token_id}/revoke", response_class=HTMLResponse)
async def revoke_token(token_id: str, visit: Admin) -> Response:
    try:
        await visit.deps.access.tokens.revoke(token_id, visit.deps.now())
    except InputError as error:
        found = await visit.deps.access.tokens.all()
        return _shown(visit, found, visit.explain(error), 404)
    return visit.go("/tokens", visit.say("The token opens nothing any more."))


def _shown(
    visit: Visit,
    found: object,
    problem: str = "",
    status: int = 200,
    secret: str = "",
    name: str = "",
) -> Response:
    return visit.page(
        "tokens.html",
        status,
        tokens=found,
        scopes=[scope for scope in Permission if scope in SCOPES],
        secret=secret,
        name=name,
        problem=problem,
    )
