"""What the stand-ins for mail providers share: a real HTTP server that fails where it is told to."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

HOST = "127.0.0.1"
DROP = "drop"
"""Instead of an answer, after the whole request was read: the connection is gone."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        if not self.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, {"message": "JSON, please"})
        return json.loads(self.body)


class Refused(Exception):
    """The answer to a request that the provider does not take."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.answer = Answer(status, body, headers or {})


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """A mail as the provider understood it."""

    sender: str
    to: str
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]
    key: str


class Provider:
    """`faults` are answers given in place of its own, one a request; `taken` what it would deliver. It takes
    its time (`pause`, seconds) before it takes a mail, and again before it says so."""

    PATH = ""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.requests: list[Request] = []
        self.faults: list[Answer | str] = []
        self.url = ""
        self.pause: Callable[[], float] = lambda: 0.0

    def accept(self, request: Request) -> Answer:
        """Take the mail, or raise Refused."""
        raise NotImplementedError

    async def __aenter__(self) -> "Provider":
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader)
        except asyncio.IncompleteReadError:
            writer.close()
            return
        self.requests.append(request)
        await asyncio.sleep(self.pause())
        answer = self.faults.pop(0) if self.faults else self._answer(request)
        await asyncio.sleep(self.pause())
        if isinstance(answer, Answer):
            with suppress(ConnectionError):
                writer.write(_written(answer))
                await writer.drain()
        else:
            writer.transport.abort()
        writer.close()

    def _answer(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", self.PATH):
            return Answer(404, {"message": "not found"})
        try:
            return self.accept(request)
        except Refused as refused:
            return refused.answer


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.split(":", 1) for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


def _written(answer: Answer) -> bytes:
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += ["content-type: application/json", f"content-length: {len(body)}", "connection: close"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def only(body: Mapping[str, Any], required: set[str], allowed: set[str]) -> str:
    """The first field that is missing or unknown; empty when there is none."""
    return next(iter(sorted((required - body.keys()) | (body.keys() - required - allowed))), "")


def plain(headers: Mapping[str, str]) -> bool:
    """Headers as a mail can carry them: one line of ASCII each."""
    return all(
        name.isascii() and value.isascii() and value.isprintable() and len(value) <= 995
        for name, value in headers.items()
    )
