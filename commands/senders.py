"""`nurture senders`: how their mails are received, and letting one that stands still go on."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from commands import opening
from nurture.mail.watch import Watch
from nurture.store import migrate
from nurture.versions.shelf import Shelf

app = typer.Typer(
    help="How senders' mails are received: list, pause, resume.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="A sender of config/senders.yaml.")]


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show complaint and bounce rates by sender and flow. Exits with 1 when one is over a limit or paused."""
    states = asyncio.run(_state())
    if as_json:
        typer.echo(json.dumps(states, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(line for state in states for line in _told(state)))
    if any(state["alarm"] != "none" for state in states):
        raise typer.Exit(1)


@app.command()
def pause(
    sender: Name,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks later.")] = "by hand",
) -> None:
    """Let a sender stand still: what is due waits until it is resumed."""
    asyncio.run(_pause(sender, reason))
    typer.echo(f"{sender} stands still; `nurture senders resume {sender}` lets it go on.")


@app.command()
def resume(sender: Name) -> None:
    """Let a paused sender go on. Mails that waited go out, as far as the gate still lets them."""
    held = asyncio.run(_resume(sender))
    typer.echo(f"{sender} goes on; {held} mails had waited.")


def _told(state: dict[str, Any]) -> list[str]:
    standing = {"none": "fine", "warn": "near the limit", "pause": "stands still"}[state["alarm"]]
    if state["alarm"] == "pause" and not state["paused_at"]:
        standing = "over the limit"
    why = f": {state['reason']}" if state["reason"] else ""
    lines = [f"{state['sender']} <{state['address']}>  {standing}{why}", f"  {_rates(state)}"]
    return lines + [f"  {flow['flow']}: {_rates(flow)}" for flow in state["flows"]]


def _rates(state: dict[str, Any]) -> str:
    return (
        f"{state['mails']} mails, {state['bounced']} bounced ({state['bounce_rate']:.2%}),"
        f" {state['complained']} complaints ({state['complaint_rate']:.2%})"
    )


@asynccontextmanager
async def _watch() -> AsyncIterator[Watch]:
    config = opening.load()
    async with opening.database(config) as db:
        await migrate.require_current(db)
        yield Watch(db, Shelf(db, config.pace))


async def _state() -> list[dict[str, Any]]:
    async with _watch() as watch:
        return await watch.state(datetime.now(UTC))


async def _pause(sender: str, reason: str) -> None:
    async with _watch() as watch:
        await watch.pause(sender, reason, "command line", datetime.now(UTC))


async def _resume(sender: str) -> int:
    async with _watch() as watch:
        return await watch.resume(sender, "command line", datetime.now(UTC))
