"""`nurture handovers`: what sales has in hand, what it could not be told, and telling it again."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from commands import opening
from embedded import local
from nurture.domain.errors import InputError
from nurture.handovers.notices import Notices
from nurture.reports import LISTED, Reports
from nurture.store import migrate
from nurture.versions.shelf import Shelf
from services import assemble

app = typer.Typer(
    help="What sales has in hand, and what it could not be told.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]

_SHOWN = ("id", "lead", "owner", "state", "due_at", "reason")
_LOST = ("id", "type", "handover_id", "attempts", "dead_at", "error")


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="With those that are over.")] = False,
    dead: Annotated[bool, typer.Option("--dead", help="What sales could not be told.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = LISTED,
    as_json: AsJson = False,
) -> None:
    """List handovers, the most urgent first; or the notices that were given up."""
    closed, rows = asyncio.run(_list(everything, dead, limit + 1))
    if len(rows) > limit:
        rows = rows[:limit]
        typer.echo(f"There are more than {limit}; --limit shows more of them.", err=True)
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if closed:
        typer.echo(f"Sales is told nothing: {closed}. `nurture handovers open` calls again.")
    table = Table(*(name.replace("_", " ") for name in (_LOST if dead else _SHOWN)), box=None)
    for row in rows:
        table.add_row(*(str(row[name] or "") for name in (_LOST if dead else _SHOWN)))
    Console().print(table)


@app.command()
def show(handover: Annotated[str, typer.Argument(help="The id of a handover.")]) -> None:
    """Print one handover: what happened to it, and what sales was told."""
    found = asyncio.run(_show(handover))
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))


@app.command()
def resend(
    notices: Annotated[list[str] | None, typer.Argument(help="Ids of notices.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All that were given up.")] = False,
) -> None:
    """Tell sales again, under the same webhook-id; the worker sends it."""
    if bool(notices) == dead:
        raise InputError("name notices, or say --dead")
    sent = asyncio.run(_resend(notices or []))
    typer.echo(f"{sent} to be sent again.")


@app.command()
def give(
    lead: Annotated[str, typer.Argument(help="An e-mail address, or another name of the lead.")],
    reason: Annotated[str, typer.Option(help="Why sales should call.")] = "given by hand",
    by: Annotated[str, typer.Option(envvar="USER", help="Who did it.")] = "operator",
) -> None:
    """Give a lead to sales by hand. One that sales has already gets the reason as news."""
    typer.echo(f"handover {asyncio.run(_give(lead, reason, by))}")


@app.command("open")
def open_() -> None:
    """Call the receiver again that had answered 410 Gone. What was put aside waits for `resend`."""
    was_closed = asyncio.run(_open())
    typer.echo("Sales is told again." if was_closed else "It was open.")


@asynccontextmanager
async def _rooms() -> AsyncIterator[tuple[Notices, Reports]]:
    config = opening.load()
    async with opening.database(config) as db:
        await migrate.require_current(db)
        yield Notices(db), Reports(db, Shelf(db, config.pace))


async def _list(everything: bool, dead: bool, limit: int) -> tuple[str, list[dict[str, Any]]]:
    async with _rooms() as (notices, reports):
        if dead:
            rows = await notices.dead(limit=limit)
        else:
            rows = await reports.handovers(not everything, limit=limit)
        return await notices.closed(), rows


async def _show(handover: str) -> dict[str, Any]:
    async with _rooms() as (notices, _):
        found = await notices.show(handover)
    if found is None:
        raise InputError(f"there is no handover {handover}")
    return found


async def _resend(ids: list[str]) -> int:
    async with _rooms() as (notices, _):
        return await notices.resend(ids, datetime.now(UTC))


async def _give(lead: str, reason: str, by: str) -> str:
    async with assemble(local.known(opening.load()), lazy=True) as services:
        return await services.desk.open(lead, reason, by, services.now())


async def _open() -> bool:
    async with _rooms() as (notices, _):
        return await notices.reopen()
