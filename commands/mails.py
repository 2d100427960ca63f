"""`nurture mails`: what became of mails, settling those of which nobody knows whether they went out, and a way back."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from commands import opening
from commands.users import OPERATOR
from nurture.domain.errors import InputError
from nurture.mail.ledger import Mails
from nurture.store import migrate

app = typer.Typer(help="What became of mails: list, unknown, forget-bounces.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
_SHOWN = ("state", "flow", "step", "reason")


@app.command("list")
def list_(
    state: Annotated[str, typer.Option(help="Only those in this state, such as bounced.")] = "",
    flow: Annotated[str, typer.Option(help="Only those of this flow.")] = "",
    lead: Annotated[str, typer.Option(help="Only those to this lead: address or id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List mails with their states, the latest first, and how many there are of each."""
    counts, rows = asyncio.run(_list(state, flow, lead, limit))
    if as_json:
        typer.echo(json.dumps({"counts": counts, "mails": rows}, indent=2, ensure_ascii=False))
        return
    typer.echo(", ".join(f"{number} {name}" for name, number in counts.items()) or "no mail yet")
    _print(rows)


@app.command()
def unknown(
    sent: Annotated[list[str] | None, typer.Option("--sent", help="It did go out.")] = None,
    not_sent: Annotated[
        list[str] | None, typer.Option("--not-sent", help="It did not: send it once more.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List mails that may or may not have gone out, or settle some: --sent ID, --not-sent ID.

    Look for the mail's id in the mail server's log or at the provider: it stands in its Message-ID. What is
    not settled is never sent again by itself; a provider's webhook or a bounce may settle it too."""
    settled, rows = asyncio.run(_unknown(sent or [], not_sent or []))
    if as_json:
        typer.echo(json.dumps({"settled": settled, "unknown": rows}, indent=2, ensure_ascii=False))
        return
    if settled:
        typer.echo(f"{settled} settled.")
    if rows:
        _print(rows)
    elif not settled:
        typer.echo("Every mail's fate is known.")


@app.command("forget-bounces")
def forget_bounces(
    leads: Annotated[
        list[str], typer.Argument(metavar="LEAD...", help="Addresses, or other names of leads.")
    ],
) -> None:
    """Let leads have mail again whose mails came back, once the cause is mended: a server that had refused all of ours.

    Whoever complained or unsubscribed gets none all the same. A mail that comes back anew stops them anew."""
    again = asyncio.run(_forget_bounces(leads))
    typer.echo(f"{again} may have mail again.")


@asynccontextmanager
async def _mails() -> AsyncIterator[Mails]:
    async with opening.database(opening.load()) as db:
        await migrate.require_current(db)
        yield Mails(db)


async def _list(
    state: str, flow: str, lead: str, limit: int
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    async with _mails() as mails:
        return await mails.counts(), await mails.list(state, flow, lead, limit)


async def _unknown(
    sent: Sequence[str], not_sent: Sequence[str]
) -> tuple[int, list[dict[str, Any]]]:
    if both := set(sent) & set(not_sent):
        raise InputError("cannot be both sent and not sent", ", ".join(sorted(both)))
    async with _mails() as mails:
        now, settled = datetime.now(UTC), 0
        for ids, went_out in ((sent, True), (not_sent, False)):
            if ids:
                settled += await mails.settle(ids, went_out, "command line", now)
        return settled, await mails.list("unknown", limit=1000)


async def _forget_bounces(leads: Sequence[str]) -> int:
    async with _mails() as mails:
        return await mails.forget_bounces(leads, OPERATOR, datetime.now(UTC))


def _print(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    table = Table(box=None)
    table.add_column("id", no_wrap=True)  # it has to be copied whole
    for name in _SHOWN:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(row["id"], *(str(row[name] or "") for name in _SHOWN))
    Console().print(table)
