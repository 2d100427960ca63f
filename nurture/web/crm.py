"""What a CRM reports: a signed webhook whose events are sales' answers."""

from typing import Any

from fastapi import APIRouter, Request

from nurture.delivery.sales import signing
from nurture.domain.errors import InputError
from nurture.web import fields, payload, sales
from nurture.web.access import open_to
from nurture.web.deps import Current, Deps
from nurture.web.errors import Refusal
from nurture.web.openapi import CRM_EVENT, refusals

router = APIRouter(
    prefix="/webhooks", tags=["sales"], dependencies=[open_to("a CRM that signs what it says")]
)

PREFIX = "handover."
"""An event is named by the answer it carries: `handover.accepted`, `handover.won`."""


@router.post(
    "/crm",
    summary="Sales' answer, as a signed webhook",
    openapi_extra=CRM_EVENT,
    responses=refusals(400, 401, 403, 404, 409, 413),
)
async def hear(request: Request, deps: Current) -> dict[str, str]:
    """Standard Webhooks 1.0.0. The same event twice is answered like the same answer twice: nothing changes."""
    body = await payload.read(request, fields.LIMIT, 413)
    _verify(deps, request, body)
    event = payload.clean(payload.parse(body))
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise Refusal(400, "bad_event", "an event has a type and data")
    kind, data = fields.text(event, "type"), event["data"]
    if not kind.startswith(PREFIX):
        return {"message": f"{kind} means nothing here; nothing changed."}
    handover = fields.text(data, "handover") or await _of_lead(deps, data)
    answer = {**data, "state": kind.removeprefix(PREFIX)}
    return await sales.answer(deps, handover, answer, fields.text(data, "by", 200))


def _verify(deps: Deps, request: Request, body: bytes) -> None:
    secrets = deps.settings.crm_secret.get_secret_value().split()
    if not secrets:
        raise Refusal(403, "no_crm_secret", "closed until the server has a NURTURE_CRM_SECRET")
    try:
        signing.verify(secrets, request.headers, body, deps.now())
    except InputError as error:
        raise Refusal(401, "bad_signature", str(error)) from error


async def _of_lead(deps: Deps, data: dict[str, Any]) -> str:
    """A CRM that knows only the person means the handover that is under way."""
    name = fields.text(data, "lead") or fields.text(data, "email")
    return (await deps.desk.current_of(name) or "") if name else ""
