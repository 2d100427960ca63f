"""Sales' tasks in Pipedrive: activities of the API v2.

An activity has no field of ours, so its note ends with the handover's id, by which it is found again:
among the person's activities or, where the person has none, another address or was erased, among all
that changed since the handover began.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from nurture.delivery.sales import wording
from nurture.delivery.sales.crm import CrmApi, due, filled
from nurture.domain.errors import Permanent, StartError
from nurture.ports import Notice

_PAGE = "500"
"""The most that one call lists."""

_CLOCKS = timedelta(minutes=5)
"""Pipedrive's and ours are not further apart."""

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
        lead = notice.data["lead"]
        person = await self._person(lead["email"])
        known = await self._find(notice, person)
        activity = self._activity(notice)
        if known:
            await self._api.call("PATCH", f"/api/v2/activities/{known}", activity)
        elif not wording.is_over(notice):
            person = person or await self._introduce(lead)
            participants = [{"person_id": person, "primary": True}]
            new = {**activity, "participants": participants}
            await self._api.call("POST", "/api/v2/activities", new)

    async def _person(self, email: str) -> int | None:
        if not email:
            return None
        query = {"term": email, "fields": "email", "exact_match": "true", "limit": "1"}
        found = await self._api.call("GET", "/api/v2/persons/search", params=query)
        return next((int(hit["item"]["id"]) for hit in found["data"]["items"]), None)

    async def _introduce(self, lead: Mapping[str, Any]) -> int:
        if not lead["email"]:
            raise Permanent(
                "no_email", "Pipedrive finds a person by the address, and there is none"
            )
        person: dict[str, Any] = {
            "name": lead["name"],
            "emails": [{"value": lead["email"], "primary": True, "label": "work"}],
        }
        if lead["phone"]:
            person["phones"] = [{"value": lead["phone"], "primary": True, "label": "work"}]
        created = await self._api.call("POST", "/api/v2/persons", person)
        return int(created["data"]["id"])

    async def _find(self, notice: Notice, person: int | None) -> int | None:
        known = None
        if person:
            known = await self._among({"person_id": str(person)}, _mark(notice))
        return known or await self._among({"updated_since": _since(notice)}, _mark(notice))

    async def _among(self, which: Mapping[str, str], mark: str) -> int | None:
        """Looks through all pages, which begin with the oldest."""
        query = {**which, "limit": _PAGE}
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


def _since(notice: Notice) -> str:
    """No activity of the handover was last changed before."""
    opened = datetime.fromisoformat(notice.data["handover"]["opened_at"])
    return f"{opened.astimezone(UTC) - _CLOCKS:%Y-%m-%dT%H:%M:%SZ}"
