"""Sales' tasks in Pipedrive: activities of the API v2.

An activity has no field of ours, so its note ends with the handover's id, by which it is found again
among the person's activities.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx

from nurture.delivery.sales import wording
from nurture.delivery.sales.crm import CrmApi, due, filled
from nurture.domain.errors import Permanent, StartError
from nurture.ports import Notice

_PAGE = "100"
_TYPES = {"call": "call", "mail": "email", "meeting": "meeting"}
"""Those that every account begins with."""


class PipedriveDesk:
    """`url` is that of the company's account; `owners` maps a salesperson's name to their user id."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        token: str,
        now: Callable[[], datetime],
        owners: Mapping[str, str],
    ) -> None:
        if not all(id.isascii() and id.isdigit() for id in owners.values()):
            raise StartError("NURTURE_SALES_OWNERS: Pipedrive's user ids are whole numbers")
        self._api = CrmApi(client, url, {"x-api-token": token}, now)
        self._owners = {name: int(id) for name, id in owners.items()}

    async def deliver(self, notice: Notice) -> None:
        """The handover's activity is as the notice says. Raises Permanent or Transient."""
        person = await self._person(notice.data["lead"])
        known = await self._find(person, _mark(notice))
        activity = self._activity(notice)
        if known:
            await self._api.call("PATCH", f"/api/v2/activities/{known}", activity)
            return
        participants = [{"person_id": person, "primary": True}]
        await self._api.call(
            "POST", "/api/v2/activities", {**activity, "participants": participants}
        )

    async def _person(self, lead: Mapping[str, Any]) -> int:
        if not lead["email"]:
            raise Permanent(
                "no_email", "Pipedrive finds a person by the address, and there is none"
            )
        query = {"term": lead["email"], "fields": "email", "exact_match": "true", "limit": "1"}
        found = await self._api.call("GET", "/api/v2/persons/search", params=query)
        for hit in found["data"]["items"]:
            return int(hit["item"]["id"])
        person: dict[str, Any] = {
            "name": lead["name"],
            "emails": [{"value": lead["email"], "primary": True, "label": "work"}],
        }
        if lead["phone"]:
            person["phones"] = [{"value": lead["phone"], "primary": True, "label": "work"}]
        created = await self._api.call("POST", "/api/v2/persons", person)
        return int(created["data"]["id"])

    async def _find(self, person: int, mark: str) -> int | None:
        """Looks through all pages: a good customer has many activities."""
        query = {"person_id": str(person), "limit": _PAGE}
        while True:
            found = await self._api.call("GET", "/api/v2/activities", params=query)
            for activity in found["data"]:
                if mark in (activity["note"] or ""):
                    return int(activity["id"])
            cursor = (found.get("additional_data") or {}).get("next_cursor")
            if not cursor:
                return None
            query["cursor"] = cursor

    def _activity(self, notice: Notice) -> dict[str, Any]:
        """A reminder leaves it done when sales has set it so."""
        handover, at = notice.data["handover"], due(notice.data)
        return filled(
            {
                "subject": wording.headline(notice),
                "type": _TYPES.get(handover.get("ask", ""), "call"),
                "due_date": f"{at:%Y-%m-%d}",
                "due_time": f"{at:%H:%M}",
                "owner_id": self._owners.get(handover["owner"]),
                "done": wording.is_over(notice) or None,
                "note": f"{wording.html(notice)}<p>{_mark(notice)}</p>",
            }
        )


def _mark(notice: Notice) -> str:
    return f"nurture handover {notice.data['handover']['id']}"
