"""HubSpot as its API of 2026-03 behaves: unknown properties and values are refused, due dates required."""

from typing import Any

import httpx

from tests.support.crm.wire import Crm, Refused, is_text, one_of, problems

TOKEN = "pat-eu1-token"

_TASK = {
    "nurture_handover": is_text,
    "hs_timestamp": is_text,
    "hs_task_subject": is_text,
    "hs_task_body": is_text,
    "hs_task_status": one_of("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"),
    "hs_task_priority": one_of("NONE", "LOW", "MEDIUM", "HIGH"),
    "hs_task_type": one_of("CALL", "EMAIL", "TODO"),
    "hubspot_owner_id": str.isdigit,
}
_CONTACT = dict.fromkeys(("email", "firstname", "lastname", "phone", "company", "country"), is_text)


class HubSpot(Crm):
    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[str, dict[str, Any]] = {}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.associations: dict[str, list[str]] = {}

    def creates(self, request: httpx.Request) -> bool:
        return request.url.path == "/crm/objects/2026-03/tasks"

    def answer(self, request: httpx.Request, body: Any) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refused(401, {"status": "error", "category": "INVALID_AUTHENTICATION"})
        match request.method, request.url.path.removeprefix("/crm/objects/2026-03/").split("/"):
            case "POST", ["tasks", "search"]:
                return self._search(body)
            case "POST", ["tasks"]:
                return self._create(body)
            case "PATCH", ["tasks", id] if id in self.tasks:
                _validate(body["properties"], _TASK, set())
                self.tasks[id] |= body["properties"]
                return httpx.Response(200, json={"id": id})
            case "POST", ["contacts", "batch", "upsert"]:
                return self._upsert(body)
            case _:
                return super().answer(request, body)

    def _search(self, body: Any) -> httpx.Response:
        ((match,),) = [group["filters"] for group in body["filterGroups"]]
        assert match["operator"] == "EQ"
        _validate({match["propertyName"]: match["value"]}, _TASK, set())
        hits = [
            {"id": id, "properties": task}
            for id, task in self.tasks.items()
            if task.get(match["propertyName"]) == match["value"]
        ]
        return httpx.Response(200, json={"total": len(hits), "results": hits[: body["limit"]]})

    def _create(self, body: Any) -> httpx.Response:
        _validate(body["properties"], _TASK, {"hs_timestamp"})
        id = str(501 + len(self.tasks))
        for association in body["associations"]:
            kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}
            if association["types"] != [kind] or association["to"]["id"] not in self.contacts:
                raise Refused(400, {"status": "error", "category": "VALIDATION_ERROR"})
            self.associations.setdefault(id, []).append(association["to"]["id"])
        self.tasks[id] = body["properties"]
        return httpx.Response(201, json={"id": id})

    def _upsert(self, body: Any) -> httpx.Response:
        results = []
        for person in body["inputs"]:
            assert person["idProperty"] == "email"
            _validate(person["properties"], _CONTACT, set())
            found = [id for id, known in self.contacts.items() if known["email"] == person["id"]]
            id = found[0] if found else str(101 + len(self.contacts))
            self.contacts[id] = self.contacts.get(id, {}) | person["properties"]
            results.append({"id": id, "new": not found})
        return httpx.Response(200, json={"status": "COMPLETE", "results": results})


def _validate(properties: Any, known: Any, needed: set[str]) -> None:
    if wrong := problems(properties, known, needed):
        message = f"Property values were not valid: {', '.join(wrong)}"
        raise Refused(400, {"status": "error", "category": "VALIDATION_ERROR", "message": message})
