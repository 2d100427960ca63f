"""What all stand-ins share: reading a call, recording it, scripted faults, answering, controls."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from embedded.ads import page
from embedded.ads.faults import Fault, Script
from embedded.ads.members import Members
from embedded.ads.record import Record
from embedded.ads.wire import Call, Dropped, Refusal, Reply

CONTROLS = "/__fake/"


class Platform(Protocol):
    """The rules of one platform: answers a call, or raises Refusal or Dropped."""

    name: str

    def answer(self, call: Call, members: Members, record: Record, now: float) -> Reply: ...

    def recognised(self, person: Mapping[str, str]) -> set[str]:
        """The hashes by which the platform would find this person, by its own rule."""
        ...


class StandIn:
    """An ASGI application that behaves as one ad platform. `now` counts seconds; it can be moved on."""

    def __init__(
        self,
        platform: Platform,
        journal: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.platform = platform
        self.members = Members(journal)
        self.record = Record()
        self.faults = Script()
        self._now = now
        self._ahead = 0.0

    def now(self) -> float:
        return self._now() + self._ahead

    def forward(self, seconds: float) -> None:
        """Move the stand-in's clock on: quotas are counted on it."""
        self._ahead += seconds

    def state(self) -> dict[str, Any]:
        """Everything known, as JSON values; members by hash and by our own ids."""
        return {
            "platform": self.platform.name,
            "now": self.now(),
            "audiences": {
                audience: {
                    "members": self.members.size(audience),
                    "rows": self.members.rows(audience),
                }
                for audience in self.members.audiences()
            },
            "calls": self.record.count,
            "peak": self.record.peak,
            "violations": self.record.violations,
            "requests": list(self.record.requests),
        }

    def unmatched(self, audience: str, people: list[Mapping[str, str]]) -> list[str]:
        """Keys of members that the platform could find in none of these people."""
        known = {digest for person in people for digest in self.platform.recognised(person)}
        return [
            row[0]
            for row in self.members.rows(audience)
            if not known & {name.partition(":")[2] for name in row}
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        base = scope.get("root_path", "")
        path = scope["path"].removeprefix(base) or "/"
        if path == "/" and request.method == "GET":
            response: Response = HTMLResponse(page.render(self.platform.name, self.members, base))
        elif path.startswith(CONTROLS):
            response = await self._control(path.removeprefix(CONTROLS), request)
        else:
            try:
                response = _response(self._exchange(await _call(request, path)))
            except Dropped:
                await _break(send)
                raise
        await response(scope, receive, send)

    def _exchange(self, call: Call) -> Reply:
        entry = self.record.begin(call, self.now())
        status = None
        try:
            reply = self._suffer(call, self.faults.next(call.method, call.path))
            status = reply.status
        finally:
            self.record.end(entry, status)
        return reply

    def _suffer(self, call: Call, fault: Fault | None) -> Reply:
        if fault and fault.kind == "answer":
            return fault.reply
        if fault and fault.kind == "reset_before":
            raise Dropped
        if fault and fault.kind == "bad_rows":
            call = replace(call, bad_rows=frozenset(fault.rows))
        if fault and fault.kind == "fails_later":
            call = replace(call, fails=frozenset(fault.rows))
        try:
            reply = self.platform.answer(call, self.members, self.record, self.now())
        except Refusal as refusal:
            reply = refusal.reply
        if fault and fault.kind == "reset_after":
            raise Dropped
        return reply

    async def _control(self, what: str, request: Request) -> Response:
        """GET state; POST faults (a list of Fault's fields), clock {"forward": seconds}, unmatched
        {"audience", "people"}; DELETE faults."""
        match request.method, what:
            case "GET", "state":
                return JSONResponse(self.state())
            case "DELETE", "faults":
                self.faults.clear()
            case "POST", "faults":
                self.faults.add(*(Fault(**fields) for fields in await request.json()))
            case "POST", "clock":
                self.forward(float((await request.json())["forward"]))
            case "POST", "unmatched":
                asked = await request.json()
                return JSONResponse(self.unmatched(asked["audience"], asked["people"]))
            case _:
                return JSONResponse({"error": "no such control"}, 404)
        return Response(status_code=204)


async def _call(request: Request, path: str) -> Call:
    query = request.url.query
    return Call(
        method=request.method,
        path=path,
        target=f"{path}?{query}" if query else path,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )


def _response(reply: Reply) -> Response:
    headers = dict(reply.headers)
    if isinstance(reply.body, str):
        return HTMLResponse(reply.body, reply.status, headers)
    content = b"" if reply.body is None else json.dumps(reply.body).encode()
    return Response(content, reply.status, headers, media_type="application/json")


async def _break(send: Send) -> None:
    """Promise a body that never comes: the server then closes the connection under the client."""
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
    )
