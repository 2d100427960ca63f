"""What is in force, who put it there, what is wrong with it, and what was before."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.dashboard.versions import PAGE
from nurture.domain.errors import InputError
from nurture.domain.permissions import Permission
from nurture.web.access import needs
from nurture.web.dashboard import paging
from nurture.web.errors import Refusal
from nurture.web.visit import Visit

router = APIRouter(prefix="/playbook", include_in_schema=False)

Looks = Annotated[Visit, needs(Permission.PLAYBOOK)]


@router.get("", response_class=HTMLResponse)
async def in_force(visit: Looks, before: str = "") -> Response:
    versions, playbook = visit.deps.dashboard.versions, visit.playbook
    found = await versions.page(paging.number(before))
    return visit.page(
        "playbook.html",
        playbook=playbook,
        findings=await versions.findings(playbook.hash),
        history=found[:PAGE],
        earlier=dict(zip([v.number for v in found], [v.hash for v in found[1:]], strict=False)),
        more=found[PAGE - 1].number if len(found) > PAGE else None,
        first=not before,
        files=await versions.files(playbook.hash),
    )


@router.get("/{version}", response_class=HTMLResponse)
async def version(version: str, visit: Looks, since: str = "") -> Response:
    """The files of a version; with `since` what changed from that one to it."""
    versions = visit.deps.dashboard.versions
    try:
        files = await versions.files(version)
        changes = await versions.changes(since, version) if since else ()
    except InputError as error:
        raise Refusal(404, "unknown_version", str(error)) from error
    return visit.page("version.html", version=version, since=since, files=files, changes=changes)
