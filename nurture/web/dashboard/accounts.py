"""Who may sign in: added, changed and removed by an administrator."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.access.passwords import invented
from nurture.domain.errors import InputError
from nurture.domain.permissions import Permission, Role
from nurture.web import fields
from nurture.web.access import needs
from nurture.web.visit import Visit

router = APIRouter(prefix="/accounts", include_in_schema=False)

Admin = Annotated[Visit, needs(Permission.ACCOUNTS)]


@router.get("", response_class=HTMLResponse)
async def accounts(visit: Admin) -> Response:
    return await _page(visit)


@router.post("", response_class=HTMLResponse)
async def add_account(visit: Admin) -> Response:
    """The invented password is shown on this answer and nowhere else."""
    told = {name: fields.text(visit.form, name, 320) for name in ("email", "name", "role", "owner")}
    password = invented()
    try:
        row = await visit.deps.access.accounts.add(**told, password=password, now=visit.deps.now())
    except InputError as error:
        return await _page(visit, visit.explain(error), 422, told)
    visit.subject, visit.detail = row.id, row.role
    return await _page(visit, made=(row.email, password))


@router.post("/{account_id}", response_class=HTMLResponse)
async def change_account(account_id: str, visit: Admin) -> Response:
    told = {name: fields.text(visit.form, name, 200) for name in ("name", "role", "owner")}
    try:
        row = await visit.deps.access.accounts.change(account_id, **told)
    except InputError as error:
        return await _page(visit, visit.explain(error), 422)
    visit.detail = row.role
    return visit.go("/accounts", visit.say("Saved."))


@router.post("/{account_id}/password", response_class=HTMLResponse)
async def new_password(account_id: str, visit: Admin) -> Response:
    password = invented()
    try:
        row = await visit.deps.access.accounts.set_password(account_id, password)
    except InputError as error:
        return await _page(visit, visit.explain(error), 422)
    return await _page(visit, made=(row.email, password))


@router.post("/{account_id}/remove", response_class=HTMLResponse)
async def remove_account(account_id: str, visit: Admin) -> Response:
    if not fields.ticked(visit.form, "sure"):
        return await _page(visit, visit.say("Tick the box to say that you are sure."), 422)
    try:
        await visit.deps.access.accounts.remove(account_id)
    except InputError as error:
        return await _page(visit, visit.explain(error), 422)
    return visit.go("/accounts", visit.say("The account is removed."))


async def _page(
    visit: Visit,
    problem: str = "",
    status: int = 200,
    told: dict[str, str] | None = None,
    made: tuple[str, str] | None = None,
) -> Response:
    owners = {member.id for team in visit.playbook.teams.values() for member in team.members}
    owners |= {member.id for member in visit.playbook.handover.team.members}
    return visit.page(
        "accounts.html",
        status,
        accounts=await visit.deps.access.accounts.all(),
        roles=list(Role),
        owners=sorted(owners),
        problem=problem,
        told=told or {"email": "", "name": "", "role": "marketing", "owner": ""},
        made=made,
    )
