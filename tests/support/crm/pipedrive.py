"""Pipedrive as its API v2 behaves; activities come in pages of two, so that paging is exercised."""

from datetime import date, datetime, time
from typing import Any

import httpx

from tests.support.crm.wire import Crm, Refused, is_text, one_of, problems
from tests.support.domain import NOW

TOKEN = "pipedrive-token"
PAGE, LARGEST_PAGE = 2, 500


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 10 and bool(date.fromisoformat(value))


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 5 and time.fromisoformat(value) is not None


_ACTIVITY = {
    "subject": is_text,
    "type": one_of("call", "meeting", "task", "deadline", "email", "lunch"),
    "due_date": _is_date,
    "due_time": _is_time,
    "owner_id": lambda value: isinstance(value, int),
    "participants": lambda value: isinstance(value, list) and len(value) == 1,
    "note": is_text,
    "done": lambda value: isinstance(value, bool),
}
_PERSON = {
    "name": is_text,
    "emails": lambda value: isinstance(value, list) and all("@" in row["value"] for row in value),
    "phones": lambda value: isinstance(value, list) and all(row["value"] for row in value),
}


def _is_moment(value: str) -> bool:
    """RFC 3339 in UTC, as the reference shows it."""
    return len(value) == 20 and value.endswith("Z") and bool(datetime.fromisoformat(value))


_LISTED = {
    "person_id": str.isdigit,
    "updated_since": _is_moment,
    "limit": lambda value: value.isdigit() and 0 < int(value) <= LARGEST_PAGE,
    "cursor": str.isdigit,
}


class Pipedrive(Crm):
    """`now` is its clock: what is made or changed carries that time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.updated: dict[int, datetime] = {}
        self.persons: dict[int, dict[str, Any]] = {}
        self.activities: dict[int, dict[str, Any]] = {}

    def creates(self, request: httpx.Request) -> bool:
        return request.url.path == "/api/v2/activities"

    def answer(self, request: httpx.Request, body: Any) -> httpx.Response:
        if request.headers.get("x-api-token") != TOKEN:
            raise Refused(401, {"success": False, "error": "unauthorized access"})
        match request.method, request.url.path.removeprefix("/api/v2/").split("/"):
            case "GET", ["persons", "search"]:
                return self._search(request.url.params)
            case "POST", ["persons"]:
                _validate(body, _PERSON, {"name"})
                id = 1 + len(self.persons)
                self.persons[id] = body
                return _ok(201, {"id": id})
            case "GET", ["activities"]:
                return self._list(request.url.params)
            case "POST", ["activities"]:
                _validate(body, _ACTIVITY, {"subject", "type"})
                return self._create(body)
            case "PATCH", ["activities", id] if int(id) in self.activities:
                _validate(body, _ACTIVITY, set())
                self.activities[int(id)] |= body
                self.updated[int(id)] = self.now
                return _ok(200, {"id": int(id)})
            case _:
                return super().answer(request, body)

    def _search(self, query: httpx.QueryParams) -> httpx.Response:
        if query["fields"] != "email" or query["exact_match"] != "true":
            raise Refused(400, {"success": False, "error": "a search that is not exact"})
        hits = [
            {"item": {"id": id, "name": person["name"]}}
            for id, person in self.persons.items()
            if query["term"] in [row["value"] for row in person["emails"]]
        ]
        return _ok(200, {"items": hits})

    def _list(self, query: httpx.QueryParams) -> httpx.Response:
        _validate(query, _LISTED, set())
        start = int(query.get("cursor", "0"))
        rows = [
            {"note": None, **activity, "id": id}
            for id, activity in sorted(self.activities.items())
            if self._is_listed(id, query)
        ]
        end = start + min(PAGE, int(query.get("limit", "100")))
        more = str(end) if end < len(rows) else None
        return _ok(200, rows[start:end], {"next_cursor": more})

    def _is_listed(self, id: int, query: httpx.QueryParams) -> bool:
        """Of a person those of which it is the primary participant; changed then or later."""
        (participant,) = self.activities[id]["participants"]
        person, since = query.get("person_id"), query.get("updated_since")
        return person in (None, str(participant["person_id"])) and (
            since is None or self.updated[id] >= datetime.fromisoformat(since)
        )

    def _create(self, body: Any) -> httpx.Response:
        (participant,) = body["participants"]
        if participant["person_id"] not in self.persons:
            raise Refused(400, {"success": False, "error": "no such person"})
        id = 1 + len(self.activities)
        self.activities[id] = body
        self.updated[id] = self.now
        return _ok(201, {"id": id})


def _ok(status: int, data: Any, additional: Any = None) -> httpx.Response:
    return httpx.Response(
        status, json={"success": True, "data": data, "additional_data": additional}
    )


def _validate(body: Any, known: Any, needed: set[str]) -> None:
    if wrong := problems(body, known, needed):
        error = f"Validation failed: {', '.join(wrong)}"
        raise Refused(400, {"success": False, "error": error, "error_info": "check the fields"})
