"""The whole product on this machine: stand-ins for the outside in this process, the real doors as children."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Protocol

import httpx
from sqlalchemy.exc import OperationalError

from embedded import local, ports, temporal
from embedded.ads.platform import AdPlatform
from embedded.inbox import Inbox
from embedded.processes import Death, Processes
from embedded.sales_inbox import SalesInbox
from nurture.domain.errors import StartError, Transient
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.shelf import Shelf
from nurture.store import migrate
from nurture.store.database import Database

DOORS = ("worker", "server")


class _Part(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True)
class Running:
    """What runs, and where it can be seen."""

    settings: Settings
    processes: Processes

    @property
    def addresses(self) -> Mapping[str, str]:
        """What people look at, by name."""
        here, settings = f"http://{local.HOST}", self.settings
        return {
            "dashboard": settings.base_url,
            "inbox": f"{here}:{settings.inbox_port}",
            "sales inbox": f"{here}:{settings.sales_port}",
            "ad platform": f"{here}:{settings.ads_port}",
            "Temporal": f"{here}:{settings.temporal_ui_port}",
        }

    @asynccontextmanager
    async def standstill(self) -> AsyncIterator[None]:
        """Nothing is under way meanwhile: the worker has finished what it had in hand and is gone."""
        await self.processes.stop("worker", grace=30)
        yield
        env = local.environment(self.settings, os.environ)
        await self.processes.start("worker", door_command("worker"), env)

    async def death(self) -> Death:
        """Wait until a process ends by itself, which ends the whole."""
        return await self.processes.death()


@asynccontextmanager
async def running(given: Settings) -> AsyncIterator[Running]:
    """Everything, from ready to stopped. Raises StartError or PlaybookError before anything runs when
    the data folder, a port or the playbook will not do."""
    settings = local.prepare(given)
    async with AsyncExitStack() as stack:
        stack.enter_context(local.held(settings.data_dir))
        ports.check(local.ports(settings))
        await prepare_database(settings)
        for part in _parts(settings):
            await part.start()
            stack.push_async_callback(part.stop)
        group = await stack.enter_async_context(Processes(settings.data_dir / "logs"))
        await _start(group, settings)
        try:
            yield Running(settings, group)
        finally:
            await group.stop(*DOORS)


async def prepare_database(settings: Settings) -> None:
    """The newest schema, and the playbook on disk in force."""
    texts = read_files(settings.playbook_dir)
    db = Database(settings.database)
    try:
        await migrate.upgrade(db)
        await Shelf(db, settings.pace).apply(texts, "up", datetime.now(UTC))
    except OperationalError as error:
        raise StartError(f"the database cannot be used: {error.orig}") from error
    except Transient as error:
        raise StartError(f"the database cannot be used: {error.detail}") from error
    finally:
        await db.close()


def _parts(settings: Settings) -> list[_Part]:
    return [
        Inbox(settings.data_dir, settings.smtp_port, settings.inbox_port),
        SalesInbox(
            settings.data_dir, settings.sales_secret.get_secret_value().split(), settings.sales_port
        ),
        AdPlatform(settings.ads_port, settings.meta_token.get_secret_value(), settings.data_dir),
    ]


async def _start(group: Processes, settings: Settings) -> None:
    env = local.environment(settings, os.environ)
    port, ui_port = settings.temporal_port, settings.temporal_ui_port
    command = temporal.command(settings.data_dir, local.HOST, port, ui_port)
    await group.start("temporal", command, env)
    await group.ready("temporal", lambda: temporal.answers(local.address(settings)))
    for door in DOORS:
        await group.start(door, door_command(door), env)
    async with httpx.AsyncClient() as http:
        await group.ready("server", lambda: _answers(http, f"{local.server(settings)}/readyz"))


def door_command(door: str) -> list[str]:
    """How `python worker.py` or `python server.py` is started from anywhere."""
    spec = find_spec(door)
    assert spec is not None, f"{door}.py is part of the distribution"
    assert spec.origin is not None
    return [sys.executable, spec.origin]


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).is_success
    except httpx.TransportError:
        return False
