"""The whole product on real parts, each of which can be taken away and given back.

Several servers and workers stand beside each other, as on one machine: `server-1`, `server-2` and so on.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from bench.faults.crm import Crm
from embedded import local, temporal
from embedded.ads.platform import AdPlatform
from embedded.inbox import Inbox
from embedded.processes import Processes
from embedded.sales_inbox import SalesInbox
from embedded.up import prepare_database
from nurture.domain.errors import StartError
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.versions.checking import checked
from tests.support.ports import free_ports
from tests.support.postgres import OwnServer

_PATIENCE = 180.0
"""Seconds. Starting a door takes three of processor time, and so many more where others have the machine."""


class Part(Protocol):
    """Something that can fail."""

    async def lose(self) -> None: ...

    async def restore(self) -> None:
        """Returns when it works again."""
        ...


@dataclass
class Killed:
    """A process that is killed with SIGKILL, under a supervisor that starts again what ended by itself."""

    group: Processes
    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    ready: Callable[[], Awaitable[bool]]
    watch: asyncio.Task[None] | None = None

    async def lose(self) -> None:
        if self.watch:
            self.watch.cancel()
        with suppress(ProcessLookupError):
            os.kill(self.group.pid(self.name), signal.SIGKILL)

    async def restore(self) -> None:
        """Raises StartError with the end of its log when it does not come back."""
        await self.group.start(self.name, self.command, self.env)
        self.watch = asyncio.create_task(self._supervise())
        try:
            async with asyncio.timeout(_PATIENCE):
                while not await self.ready():  # noqa: ASYNC110 - another process' doing raises no event here
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            words = self.group.last_words(self.name)
            raise StartError(
                f"{self.name} is not back after {_PATIENCE:.0f} s; its last words:\n{words}"
            ) from error

    async def _supervise(self) -> None:
        """As systemd does with Restart=always."""
        while True:
            await asyncio.sleep(1)
            if not self.group.runs(self.name):
                await self.group.start(self.name, self.command, self.env)


@dataclass
class Closed:
    """A receiver that answers nobody for a while; what it has taken it keeps on disk."""

    make: Callable[[], Any]
    now: Any = None

    async def lose(self) -> None:
        await self.now.stop()

    async def restore(self) -> None:
        self.now = self.make()
        await self.now.start()


@dataclass
class Angry:
    """Sales' receiver answers 503 and 429, sometimes although it took the notice."""

    sales: Closed
    calls: int = 30

    async def lose(self) -> None:
        answers: Sequence[dict[str, Any]] = (
            {"times": self.calls, "status": 429, "retry_after": 1},
            {"times": self.calls // 3, "status": 503, "taken": True},
        )
        async with httpx.AsyncClient() as http:
            for answer in answers:
                (
                    await http.post(f"{self.sales.now.url}/__fake/fail", json=answer)
                ).raise_for_status()

    async def restore(self) -> None:
        await self.sales.lose()
        await self.sales.restore()


@dataclass
class Jumping:
    """The clock of all servers and workers is wrong for a while: ahead, the next time behind (see door)."""

    doors: Sequence[Killed]
    ahead: bool = True

    async def lose(self) -> None:
        self._tell(signal.SIGUSR1 if self.ahead else signal.SIGUSR2)
        self.ahead = not self.ahead

    async def restore(self) -> None:
        self._tell(signal.SIGHUP)

    def _tell(self, word: signal.Signals) -> None:
        for door in self.doors:
            os.kill(door.group.pid(door.name), word)


@dataclass
class FullDisk:
    """The small disk of the database has no byte left."""

    folder: Path

    async def lose(self) -> None:
        free = shutil.disk_usage(self.folder).free
        with (self.folder / "filler").open("wb") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, free)

    async def restore(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)


@dataclass
class Stage:
    """`servers`: where they answer; `crm` receives the calls of webhook steps."""

    settings: Settings
    crm: Crm
    servers: list[str] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)

    def now(self, name: str) -> Any:
        """The receiver of that name as it is now; after a loss it is another object on the same files."""
        part = self.parts[name]
        assert isinstance(part, Closed)
        return part.now


@asynccontextmanager
async def opened(
    given: Settings, postgres: OwnServer | None, disk: Path | None, crm_port: int, doors: int = 1
) -> AsyncIterator[Stage]:
    """Everything up. `disk`: a small file system of its own that holds the database."""
    settings = local.prepare(given)
    texts = read_files(settings.playbook_dir)
    await prepare_database(settings, checked(texts, settings.pace), texts)
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(Processes(settings.data_dir / "logs"))
        each = _side_by_side(settings, doors)
        crm = Crm(crm_port, settings.sales_secret.get_secret_value().split())
        await crm.start()
        stack.push_async_callback(crm.stop)
        stage = Stage(settings, crm, [local.server(own) for own in each], _receivers(settings))
        stage.parts["temporal"] = _temporal(group, settings)
        killed: dict[str, Killed] = {}
        for number, own in enumerate(each, start=1):
            killed[f"server-{number}"] = _server(group, own, f"server-{number}")
            killed[f"worker-{number}"] = _worker(group, own, f"worker-{number}")
        stage.parts |= killed
        for part in stage.parts.values():
            await part.restore()
            if isinstance(part, Closed):
                stack.push_async_callback(part.lose)
        sales = stage.parts["webhook"]
        assert isinstance(sales, Closed)
        stage.parts["storm"] = Angry(sales)
        stage.parts["crm"] = crm
        stage.parts["clock"] = Jumping(list(killed.values()))
        if postgres:
            stage.parts["postgres"] = postgres
        if disk:
            stage.parts["disk"] = FullDisk(disk)
        try:
            yield stage
        finally:
            for part in stage.parts.values():
                if isinstance(part, Killed):
                    await part.lose()


def _receivers(settings: Settings) -> dict[str, Part]:
    secrets = settings.sales_secret.get_secret_value().split()
    token, folder = settings.meta_token.get_secret_value(), settings.data_dir
    return {
        "smtp": Closed(lambda: Inbox(folder, settings.smtp_port, settings.inbox_port)),
        "webhook": Closed(lambda: SalesInbox(folder, secrets, settings.sales_port)),
        "ads": Closed(lambda: AdPlatform(settings.ads_port, token, folder)),
    }


def _side_by_side(settings: Settings, doors: int) -> list[Settings]:
    """The first has the ports of the settings."""
    names = ("http_port", "metrics_port")
    others = [dict(zip(names, free_ports(2), strict=True)) for _ in range(doors - 1)]
    return [settings, *(settings.model_copy(update=ports) for ports in others)]


def _temporal(group: Processes, settings: Settings) -> Killed:
    ports = settings.temporal_port, settings.temporal_ui_port
    command = temporal.command(settings.data_dir, local.HOST, *ports)

    async def answers() -> bool:
        return await temporal.answers(local.address(settings))

    return Killed(group, "temporal", command, local.environment(settings, os.environ), answers)


def _server(group: Processes, settings: Settings, name: str) -> Killed:
    url = f"{local.server(settings)}/healthz"
    return _door(group, settings, name, url, "ok")


def _worker(group: Processes, settings: Settings, name: str) -> Killed:
    """Ready once it asks for work."""
    url = f"http://{local.HOST}:{settings.metrics_port}/metrics"
    return _door(group, settings, name, url, "temporal_num_pollers")


def _door(group: Processes, settings: Settings, name: str, url: str, word: str) -> Killed:
    """It is ready when that word stands there."""

    async def ready() -> bool:
        return word in await text_at(url)

    command = [sys.executable, "-m", "bench.faults.door", name.partition("-")[0]]
    return Killed(group, name, command, local.environment(settings, os.environ), ready)


async def text_at(url: str) -> str:
    """What stands there; empty when nobody answers."""
    async with httpx.AsyncClient() as http:
        with suppress(httpx.TransportError):
            return (await http.get(url)).text
    return ""
