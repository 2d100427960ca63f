"""The ad platforms' stand-ins on one port of this machine, for `nurture up`."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

from embedded.ads.google import GoogleRules
from embedded.ads.linkedin import LinkedInRules
from embedded.ads.meta import MetaRules
from embedded.ads.standin import StandIn
from nurture.domain.errors import StartError


class AdPlatform:
    """Meta at /, Google at /google, LinkedIn at /linkedin; all take the same token. Membership is kept
    in `data_dir`, so a restart goes on with it."""

    def __init__(
        self, port: int, token: str, data_dir: Path | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.meta = StandIn(MetaRules(token), _journal(data_dir, "meta"))
        self.google = StandIn(GoogleRules(token), _journal(data_dir, "google"))
        self.linkedin = StandIn(LinkedInRules(token), _journal(data_dir, "linkedin"))
        self._address = (host, port)
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        host, port = self._address
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Returns when calls are answered. Raises StartError when the port is taken."""
        host, port = self._address
        try:
            listener = socket.create_server((host, port))
        except OSError as error:
            raise StartError(
                f"the ad platform's stand-in cannot use port {port}: {error.strerror}; "
                "set NURTURE_ADS_PORT to another"
            ) from error
        self._address = (host, listener.getsockname()[1])
        config = uvicorn.Config(
            self._route,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.ready.wait()

    async def stop(self) -> None:
        if self._server and self._task:
            self._server.should_exit = True
            await self._task

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = {"google": self.google, "linkedin": self.linkedin}
        first = scope["path"].split("/")[1]
        if app := below.get(first):
            await app({**scope, "root_path": f"/{first}"}, receive, send)
        else:
            await self.meta(scope, receive, send)


class _Server(uvicorn.Server):
    """Says when it answers, and leaves signals to whoever runs this process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _journal(data_dir: Path | None, name: str) -> Path | None:
    return data_dir / f"ads-{name}.jsonl" if data_dir else None
