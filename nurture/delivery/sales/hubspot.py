"""Sales' tasks in HubSpot: CRM API of the version 2026-03.

Tasks need a text property `nurture_handover` of their own, by which a handover is found again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx

from nurture.delivery.sales import wording
from nurture.delivery.sales.crm import CrmApi, bearer, due, filled
from nurture.ports import Notice

URL = "https://api.hubapi.com"
HANDOVER = "nurture_handover"

_OBJECTS = "/crm/objects/2026-03"
_TASK_TO_CONTACT = 204
_TYPES = {"call": "CALL", "mail": "EMAIL", "meeting": "TODO"}


class HubSpotDesk:
    """`token` is that of a private app; `owners` maps a salesperson's name to their HubSpot owner id."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        token: str,
        now: Callable[[], datetime],
        owners: Mapping[str, str],
        url: str = URL,
    ) -> None:
        self._api = CrmApi(client, url, bearer(token), now)
        self._owners = owners

    async def deliver(self, notice: Notice) -> None:
        """The handover's task is as the notice says. Raises Permanent or Transient."""
        fields = self._task(notice)
        known = await self._find(notice.data["handover"]["id"])
        if known:
            change = {"properties": fields}
            await self._api.call("PATCH", f"{_OBJECTS}/tasks/{known}", change)
        elif not wording.is_over(notice):
            task = {
                "properties": {"hs_task_status": "NOT_STARTED", **fields},
                "associations": await self._contact(notice.data["lead"]),
            }
            await self._api.call("POST", f"{_OBJECTS}/tasks", task)

    async def _find(self, handover: str) -> str | None:
        match = {"propertyName": HANDOVER, "operator": "EQ", "value": handover}
        query = {"filterGroups": [{"filters": [match]}], "properties": [HANDOVER], "limit": 1}
        found = await self._api.call("POST", f"{_OBJECTS}/tasks/search", query)
        return next((str(task["id"]) for task in found["results"]), None)

    async def _contact(self, lead: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The association with the person, who is created or completed; none without an address."""
        if not lead["email"]:
            return []
        properties = {
            "email": lead["email"],
            "firstname": lead["first_name"],
            "lastname": lead["last_name"],
            "phone": lead["phone"],
            "company": lead["company"],
            "country": lead["country"],
        }
        person = {"id": lead["email"], "idProperty": "email", "properties": filled(properties)}
        found = await self._api.call(
            "POST", f"{_OBJECTS}/contacts/batch/upsert", {"inputs": [person]}
        )
        kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _TASK_TO_CONTACT}
        return [{"to": {"id": str(found["results"][0]["id"])}, "types": [kind]}]

    def _task(self, notice: Notice) -> dict[str, Any]:
        """A reminder leaves the status as sales has set it."""
        handover = notice.data["handover"]
        return filled(
            {
                HANDOVER: handover["id"],
                "hs_timestamp": f"{due(notice.data):%Y-%m-%dT%H:%M:%SZ}",
                "hs_task_subject": wording.headline(notice),
                "hs_task_body": wording.html(notice),
                "hs_task_status": wording.task_status(notice, "COMPLETED", "DEFERRED"),
                "hs_task_priority": "HIGH",
                "hs_task_type": _TYPES.get(handover.get("ask", ""), "CALL"),
                "hubspot_owner_id": self._owners.get(handover["owner"]),
            }
        )
