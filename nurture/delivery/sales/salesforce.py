"""Sales' tasks in Salesforce: REST API v62.0.

Leads need an external-id text field `Nurture_Id__c`; activities a text field `Nurture_Handover__c`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx

from nurture.delivery.sales import http, wording
from nurture.delivery.sales.crm import CrmApi, bearer, due_on, filled, last_name
from nurture.domain.errors import DeliveryError, Transient
from nurture.ports import Notice

LEAD_ID, HANDOVER = "Nurture_Id__c", "Nurture_Handover__c"

_API = "/services/data/v62.0"
_BUSY = ("REQUEST_LIMIT_EXCEEDED", "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE")
_SUBJECT = 255


class SalesforceDesk:
    """`url` is that of the instance; `owners` maps a salesperson's name to their user id."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        token: str,
        now: Callable[[], datetime],
        owners: Mapping[str, str],
    ) -> None:
        self._api = CrmApi(client, url, bearer(token), now, refusal)
        self._owners = owners

    async def deliver(self, notice: Notice) -> None:
        """The handover's task is as the notice says. Raises Permanent or Transient."""
        known = await self._find(notice.data["handover"]["id"])
        task = self._task(notice)
        if known:
            await self._api.call("PATCH", f"{_API}/sobjects/Task/{known}", task)
        elif not wording.is_over(notice):
            who = await self._lead(notice.data["lead"])
            new = {"Status": "Not Started", **task, "WhoId": who}
            await self._api.call("POST", f"{_API}/sobjects/Task", new)

    async def _find(self, handover: str) -> str | None:
        query = f"SELECT Id FROM Task WHERE {HANDOVER} = '{_quoted(handover)}' LIMIT 1"
        found = await self._api.call("GET", f"{_API}/query", params={"q": query})
        return next((str(record["Id"]) for record in found["records"]), None)

    async def _lead(self, lead: Mapping[str, Any]) -> str:
        """The lead's Salesforce id. A lead must have a last name and a company there."""
        fields = {
            "LastName": last_name(lead),
            "FirstName": lead["first_name"],
            "Company": lead["company"] or "Unknown",
            "Email": lead["email"],
            "Phone": lead["phone"],
            "Title": lead["title"],
        }
        path = f"{_API}/sobjects/Lead/{LEAD_ID}/{lead['id']}"
        found = await self._api.call("PATCH", path, filled(fields))
        return str(found["id"] if found else (await self._api.call("GET", path))["Id"])

    def _task(self, notice: Notice) -> dict[str, Any]:
        """A reminder leaves the status as sales has set it."""
        handover = notice.data["handover"]
        return filled(
            {
                HANDOVER: handover["id"],
                "Subject": wording.headline(notice)[:_SUBJECT],
                "ActivityDate": due_on(notice.data),
                "Priority": "High",
                "Status": wording.task_status(notice, "Completed", "Deferred"),
                "Description": wording.text(notice),
                "OwnerId": self._owners.get(handover["owner"]),
            }
        )


def refusal(response: httpx.Response, now: datetime) -> DeliveryError | None:
    """Salesforce says that a limit is reached with 403, and that a record is locked with 400."""
    problem = http.refusal(response, now)
    if problem and any(code in problem.detail for code in _BUSY):
        return Transient(problem.reason, problem.detail)
    return problem


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
