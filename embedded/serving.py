"""An HTTP server inside this process."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from nurture.domain.errors import StartError


class Site:
    """`app` on a port of this machine; port 0 takes a free one. `variable` is the port's setting."""

    def __init__(self, app: ASGIApp, host: str, port: int, variable: str) -> None:
        self._host = host
        self._port = port
        self._variable = variable
        self._server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=1,
                timeout_keep_alive=60,  # a browser that reads a page for long finds its connection again
            )
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """From here on calls are answered. Raises StartError when the port cannot be used."""
        try:
            listener = socket.create_server((self._host, self._port))
        except OSError as error:
            raise StartError(
                f"{self._variable}: port {self._port} cannot be used: {error.strerror}"
            ) from error
        self._port = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))

    async def stop(self) -> None:
        """Answers what it is answering, then closes. Does nothing before `start`."""
        if self._task:
            self._server.should_exit = True
            await self._task


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs this process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
