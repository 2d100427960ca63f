"""A receiver of webhook steps: it keeps every call that it took, also one that comes again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from embedded.local import HOST
from embedded.serving import Site
from nurture.delivery.sales import signing


def url(port: int) -> str:
    return f"http://{HOST}:{port}/hook"


@dataclass(frozen=True)
class Taken:
    """A call as it came; `id` is its idempotency key."""

    id: str
    data: dict[str, Any]
    at: datetime


@dataclass
class Crm:
    """While it is away it answers 503, every other time although it took the call: an answer that got lost."""

    port: int
    secrets: Sequence[str]
    taken: list[Taken] = field(default_factory=list)
    _away: bool = False
    _asked: int = 0

    def __post_init__(self) -> None:
        app = Starlette(routes=[Route("/hook", self._hook, methods=["POST"])])
        self._site = Site(app, HOST, self.port, "the drill's CRM")

    async def start(self) -> None:
        await self._site.start()

    async def stop(self) -> None:
        await self._site.stop()

    async def lose(self) -> None:
        self._away = True

    async def restore(self) -> None:
        self._away = False

    async def _hook(self, request: Request) -> Response:
        """A call that is not genuine is none: it raises InputError, which is answered with 500."""
        body, now = await request.body(), datetime.now(UTC)
        id_ = signing.verify(self.secrets, request.headers, body, now)
        self._asked += 1
        if not self._away or self._asked % 2:
            self.taken.append(Taken(id_, json.loads(body)["data"], now))
        return Response(status_code=503 if self._away else 204)
