"""Salesforce as its REST API v62.0 behaves: errors are a list, dates are plain, leads need a company."""

import re
from datetime import date
from typing import Any

import httpx

from tests.support.crm.wire import Crm, Refused, is_text, one_of, problems

TOKEN = "00D-session"

_TASK = {
    "Nurture_Handover__c": is_text,
    "Subject": lambda value: is_text(value) and len(value) <= 255,
    "ActivityDate": lambda value: len(value) == 10 and bool(date.fromisoformat(value)),
    "Priority": one_of("High", "Normal", "Low"),
    "Status": one_of("Not Started", "In Progress", "Completed", "Waiting", "Deferred"),
    "Description": lambda value: is_text(value) and len(value) <= 32_000,
    "OwnerId": is_text,
    "WhoId": is_text,
}
_LEAD = dict.fromkeys(("LastName", "FirstName", "Company", "Email", "Phone", "Title"), is_text)
_QUERY = re.compile(r"SELECT Id FROM Task WHERE Nurture_Handover__c = '([0-9a-f-]+)' LIMIT 1")


class Salesforce(Crm):
    """`silent_updates`: an updated lead is answered with 204, as older versions do."""

    def __init__(self) -> None:
        super().__init__()
        self.leads: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.silent_updates = False

    def creates(self, request: httpx.Request) -> bool:
        return request.url.path.endswith("/sobjects/Task")

    def answer(self, request: httpx.Request, body: Any) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise _refused(401, "INVALID_SESSION_ID")
        match request.method, request.url.path.removeprefix("/services/data/v62.0/").split("/"):
            case "GET", ["query"]:
                return self._query(request.url.params["q"])
            case "PATCH", ["sobjects", "Lead", "Nurture_Id__c", external]:
                return self._upsert(external, body)
            case "GET", ["sobjects", "Lead", "Nurture_Id__c", external]:
                return httpx.Response(200, json={"Id": self.leads[external]["Id"]})
            case "POST", ["sobjects", "Task"]:
                return self._create(body)
            case "PATCH", ["sobjects", "Task", id] if id in self.tasks:
                _validate(body, _TASK, set())
                self.tasks[id] |= body
                return httpx.Response(204)
            case _:
                return super().answer(request, body)

    def _query(self, text: str) -> httpx.Response:
        found = _QUERY.fullmatch(text)
        if not found:
            raise _refused(400, "MALFORMED_QUERY")
        hits = [
            {"Id": id} for id, task in self.tasks.items() if task["Nurture_Handover__c"] == found[1]
        ]
        return httpx.Response(200, json={"totalSize": len(hits), "done": True, "records": hits})

    def _upsert(self, external: str, body: Any) -> httpx.Response:
        created = external not in self.leads
        _validate(body, _LEAD, {"LastName", "Company"} if created else set())
        lead = self.leads.setdefault(external, {"Id": f"00Q{len(self.leads):015d}"})
        lead |= body
        if self.silent_updates and not created:
            return httpx.Response(204)
        answer = {"id": lead["Id"], "success": True, "errors": [], "created": created}
        return httpx.Response(201 if created else 200, json=answer)

    def _create(self, body: Any) -> httpx.Response:
        _validate(body, _TASK, set())
        if body["WhoId"] not in [lead["Id"] for lead in self.leads.values()]:
            raise _refused(400, "INVALID_CROSS_REFERENCE_KEY", ["WhoId"])
        id = f"00T{len(self.tasks):015d}"
        self.tasks[id] = body
        return httpx.Response(201, json={"id": id, "success": True, "errors": []})


def _refused(status: int, code: str, fields: list[str] | None = None) -> Refused:
    return Refused(status, [{"message": code.lower(), "errorCode": code, "fields": fields or []}])


def _validate(body: Any, known: Any, needed: set[str]) -> None:
    if wrong := problems(body, known, needed):
        raise _refused(400, "INVALID_FIELD", wrong)
