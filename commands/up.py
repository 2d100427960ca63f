"""`nurture up`: the whole product on this machine, until Ctrl-C."""

import asyncio
import signal
from collections.abc import Coroutine, Mapping
from contextlib import suppress

import typer

from commands import opening
from embedded.processes import Death
from embedded.up import Running, running
from nurture.domain.errors import NurtureError
from nurture.settings import Settings


def up() -> None:
    """Start the whole product on this machine, until Ctrl-C.

    Temporal, database, worker, server, mail inbox, sales inbox and ad platform. Settings are NURTURE_*
    variables; a restart on the same data folder goes on where it was."""
    until_stopped(_up(opening.load()))


async def _up(config: Settings) -> None:
    typer.echo("starting …")
    async with running(config) as product:
        typer.echo(where(product))
        typer.echo("Ctrl-C ends it.")
        raise Ended(await product.death())


def until_stopped(work: Coroutine[None, None, None]) -> None:
    """Run it. Ctrl-C, SIGTERM and the terminal's end cancel it wherever it is, and it cleans up; asked
    a second time it leaves at once, and the guard ends its processes."""

    async def cancellable() -> None:
        task = asyncio.ensure_future(work)
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(name, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(cancellable())


class Ended(NurtureError):
    """One process ended by itself, and with it the whole."""

    def __init__(self, death: Death) -> None:
        super().__init__(f"{death}\nSo everything was stopped.")


def where(product: Running) -> str:
    """What people look at, and how they get in."""
    return f"{told(product.addresses)}\nSign in to the dashboard as\n{told(product.sign_ins)}"


def told(addresses: Mapping[str, str]) -> str:
    width = max(map(len, addresses), default=0)
    return "\n".join(f"  {name:<{width}}  {address}" for name, address in addresses.items())
