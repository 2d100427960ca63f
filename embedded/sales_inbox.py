"""Sales' inbox on this machine: takes what nurture tells sales, checks it as a good receiver does, and
shows it as a salesperson would want to see it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from embedded.sales_journal import Journal, Received
from embedded.serving import Site
from nurture.delivery.sales import signing, wording
from nurture.domain.errors import InputError
from nurture.ports import Notice

_CLOSED = "default-src 'none'; style-src 'unsafe-inline'"
SHOWN = 100
"""Tasks on the page, those with the latest news; the JSON has all."""

_PARTS = ("handover", "lead", "score", "timeline", "mails", "opening", "links")


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Fault:
    """How the next `times` genuine calls fail; `taken`: only after the notice was taken, as when an
    answer gets lost. `retry_after` counts seconds."""

    times: int
    status: int
    retry_after: int | None = None
    taken: bool = False

    def answer(self) -> Response:
        headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return Response("told to fail", self.status, headers)


class SalesInbox:
    """POST /hook takes a webhook. GET / shows the tasks, /api/tasks and /api/counts tell them as JSON.

    POST /__fake/fail takes the fields of a Fault. Everything else is kept under `data_dir`/sales.
    """

    def __init__(
        self,
        data_dir: Path,
        secrets: Sequence[str],
        port: int,
        host: str = "127.0.0.1",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._journal = Journal(data_dir / "sales" / "calls.jsonl")
        self._secrets = tuple(secrets)
        self._now = now
        self._faults: list[Fault] = []
        self._page = Environment(
            loader=PackageLoader("embedded", "pages"), autoescape=True, undefined=StrictUndefined
        ).get_template("sales.html")
        self.app = Starlette(
            routes=[
                Route("/hook", self._hook, methods=["POST"]),
                Route("/", self._show),
                Route("/api/tasks", self._tasks),
                Route("/api/counts", self._counts),
                Route("/__fake/fail", self._fail, methods=["POST"]),
            ]
        )
        self._site = Site(self.app, host, port, "NURTURE_SALES_PORT")

    @property
    def url(self) -> str:
        return self._site.url

    @property
    def notices(self) -> list[Received]:
        """What was taken, in the order in which it first came."""
        return self._journal.notices

    async def start(self) -> None:
        """From here on calls are answered. Raises StartError when the port cannot be used."""
        await self._site.start()

    async def stop(self) -> None:
        await self._site.stop()

    async def _hook(self, request: Request) -> Response:
        body = await request.body()
        try:
            id = signing.verify(self._secrets, request.headers, body, self._now())
        except InputError as error:
            return self._refuse(401, error)
        try:
            notice = _notice(body)
        except InputError as error:
            return self._refuse(400, error)
        if not self._faults:
            self._journal.take(id, notice, self._now())
            return Response(status_code=204)
        fault = self._faults.pop(0)
        if fault.taken:
            self._journal.take(id, notice, self._now())
        else:
            self._journal.fail(id)
        return fault.answer()

    def _refuse(self, status: int, error: InputError) -> Response:
        self._journal.refuse(str(error))
        return JSONResponse({"error": str(error)}, status)

    async def _show(self, request: Request) -> Response:
        tasks = _tasks(self._journal.notices)
        text = self._page.render(tasks=tasks[:SHOWN], total=len(tasks), **self._journal.totals())
        return HTMLResponse(
            text, headers={"content-security-policy": _CLOSED, "cache-control": "no-store"}
        )

    async def _tasks(self, request: Request) -> Response:
        """`after`: how many the caller has seen already."""
        try:
            seen = int(request.query_params.get("after", "0"))
        except ValueError:
            return JSONResponse({"error": "after: must be a whole number"}, 400)
        return JSONResponse([vars(notice) for notice in self._journal.notices[max(0, seen) :]])

    async def _counts(self, request: Request) -> Response:
        return JSONResponse(self._journal.totals())

    async def _fail(self, request: Request) -> Response:
        try:
            fault = Fault(**await request.json())
        except (TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        self._faults += [fault] * fault.times
        return Response(status_code=204)


def _notice(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise InputError("the body is not JSON") from error
    if not isinstance(found, dict) or not isinstance(found.get("data"), dict):
        raise InputError("the body is not an object with data")
    lacking = [field for field in ("type", "timestamp") if not isinstance(found.get(field), str)]
    lacking += [f"data.{part}" for part in _PARTS if part not in found["data"]]
    if lacking:
        raise InputError(f"the body lacks {', '.join(lacking)}")
    return found


def _tasks(notices: Sequence[Received]) -> list[dict[str, Any]]:
    """One per handover, what was told last on top, each with everything told of it so far."""
    tasks: dict[str, dict[str, Any]] = {}
    for received in notices:
        notice = Notice(received.id, received.type, received.timestamp, received.data)
        id = received.data["handover"]["id"]
        told = [*tasks.pop(id, {"told": []})["told"], (received, wording.headline(notice))]
        tasks[id] = {
            "headline": wording.headline(notice),
            "facts": wording.facts(received.data),
            "data": received.data,
            "buttons": [] if wording.is_over(notice) else list(wording.BUTTONS.items()),
            "told": told,
        }
    return list(reversed(tasks.values()))
