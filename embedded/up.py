"""The whole product on this machine: stand-ins for the outside in this process, the real doors as children."""

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Protocol

import httpx

from embedded import first_accounts, local, ports, temporal
from embedded.ads.platform import AdPlatform
from embedded.first_accounts import Person
from embedded.inbox import Inbox
from embedded.processes import Death, Processes
from embedded.sales_inbox import SalesInbox
from nurture.playbook import Playbook
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.store import migrate
from nurture.store.away import needed
from nurture.store.database import Database
from nurture.versions.checking import checked
from nurture.versions.shelf import Shelf

DOORS = ("worker", "server")


class _Part(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True)
class Running:
    """What runs, and where it can be seen."""

    settings: Settings
    processes: Processes
    passwords: Mapping[str, str] = field(default_factory=dict)

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

    @property
    def sign_ins(self) -> Mapping[str, str]:
        """How to sign in to the dashboard, by address."""
        return {email: f"password {password}" for email, password in self.passwords.items()}

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
async def running(
    given: Settings, people: Sequence[Person] = (first_accounts.ADMIN,)
) -> AsyncIterator[Running]:
    """Everything, from ready to stopped. `people` get accounts where nobody has one yet.

    Raises StartError or PlaybookError before anything runs when the data folder, a port or the playbook
    will not do."""
    settings = local.hearing(local.prepare(given))
    async with AsyncExitStack() as stack:
        stack.enter_context(local.held(settings.data_dir))
        ports.check(local.ports(settings))
        texts = read_files(settings.playbook_dir)
        playbook = checked(texts, settings.pace)
        for part in _parts(settings):
            await part.start()
            stack.push_async_callback(part.stop)
        group = await stack.enter_async_context(Processes(settings.data_dir / "logs"))
        try:
            await _start(group, settings)
            passwords = await prepare_database(settings, playbook, texts, people)
            await _ready(group, settings)
            yield Running(settings, group, passwords)
        finally:
            await group.stop(*DOORS)


async def prepare_database(
    settings: Settings,
    playbook: Playbook,
    texts: Mapping[str, str],
    people: Sequence[Person] = (first_accounts.ADMIN,),
) -> dict[str, str]:
    """The newest schema, this playbook of these files in force, somebody who can sign in: the passwords."""
    db, now = Database(settings.database), datetime.now(UTC)
    try:
        with needed():
            await migrate.upgrade(db)
            await Shelf(db, settings.pace).put_in_force(playbook, texts, "up", now)
            return await first_accounts.ensure(db, settings.data_dir, people, now)
    finally:
        await db.close()


def _parts(settings: Settings) -> list[_Part]:
    return [
        Inbox(
            settings.data_dir,
            settings.smtp_port,
            settings.inbox_port,
            bounce_port=settings.bounce_port,
        ),
        SalesInbox(
            settings.data_dir, settings.sales_secret.get_secret_value().split(), settings.sales_port
        ),
        AdPlatform(settings.ads_port, settings.meta_token.get_secret_value(), settings.data_dir),
    ]


async def _start(group: Processes, settings: Settings) -> None:
    env = local.environment(settings, os.environ)
    port, ui_port = settings.temporal_port, settings.temporal_ui_port
    command = temporal.command(settings.data_dir, local.HOST, port, ui_port)
    await group.start("temporal", command, {**temporal.VARIABLES, **env})
    for door in DOORS:
        await group.start(door, door_command(door), env)


async def _ready(group: Processes, settings: Settings) -> None:
    await group.ready("temporal", lambda: temporal.answers(local.address(settings)))
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
