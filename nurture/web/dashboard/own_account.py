"""One's own account: language, look, password."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from nurture.domain.errors import InputError
from nurture.domain.permissions import Permission
from nurture.web import cookies, fields
from nurture.web.access import needs
from nurture.web.i18n import LANGUAGES, Words
from nurture.web.visit import Visit

router = APIRouter(include_in_schema=False)

Own = Annotated[Visit, needs(Permission.OWN_ACCOUNT)]


@router.get("/account", response_class=HTMLResponse)
async def show(visit: Own) -> Response:
    return await _page(visit)


@router.post("/account/look", response_class=HTMLResponse)
async def choose_look(visit: Own) -> Response:
    language, theme = fields.text(visit.form, "language", 5), fields.text(visit.form, "theme", 5)
    chosen = language if language in LANGUAGES else ""
    await visit.deps.access.accounts.choose(visit.actor.account_id, chosen, theme)
    words = Words(chosen) if chosen else visit.words
    return visit.go("/account", words.gettext("Saved."))


@router.post("/account/password", response_class=HTMLResponse)
async def change_password(visit: Own) -> Response:
    """Ends every session of the account; this browser gets a new one."""
    access, account_id = visit.deps.access, visit.actor.account_id
    old, new = str(visit.form.get("old", "")), str(visit.form.get("password", ""))
    try:
        await access.accounts.replace_password(account_id, old, new)
    except InputError as error:
        return await _page(visit, visit.explain(error), 422)
    secret = await access.sessions.open(await access.accounts.find(account_id), visit.deps.now())
    response = visit.go("/account", visit.say("Your password is changed."))
    settings = visit.deps.settings
    cookies.put(response, settings, cookies.session_name(settings), secret, None)
    return response


async def _page(visit: Visit, problem: str = "", status: int = 200) -> Response:
    account = await visit.deps.access.accounts.find(visit.actor.account_id)
    return visit.page("own_account.html", status, account=account, problem=problem)
