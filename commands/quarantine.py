"""`nurture quarantine`: what could not be used, and another try once the reason is gone."""

import asyncio
import json
from typing import Annotated, Any

import typer

from commands import opening
from embedded import local
from nurture.quarantine import Quarantine
from nurture.store import migrate
from nurture.store.tables import QuarantineRow
from nurture.web.segment import Origin, parse
from nurture.web.sources import Sources
from services import Services, assemble

app = typer.Typer(
    help="What could not be used: list, retry.", no_args_is_help=True, add_completion=False
)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the latest, with reasons."""
    rows = asyncio.run(_list(limit))
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    lines = [f"{row['id']}  {row['at']}  {row['source']}: {row['reason']}" for row in rows]
    typer.echo("\n".join(lines) or "nothing is in quarantine")


@app.command()
def retry() -> None:
    """Read all messages again. Exits with 1 when some still cannot be used; those stay.

    What a form's honeypot caught is only looked at: a robot's answers are not tried again."""
    taken, left = asyncio.run(_retry())
    typer.echo(f"{taken} messages taken, {left} rows still cannot be used")
    if left:
        raise typer.Exit(1)


async def _list(limit: int) -> list[dict[str, Any]]:
    async with opening.database(opening.load()) as db:
        await migrate.require_current(db)
        return await Quarantine(db).latest(limit)


async def _retry() -> tuple[int, int]:
    async with assemble(local.known(opening.load()), lazy=True) as services:
        quarantine, sources = Quarantine(services.db), Sources(services.settings)
        taken = left = 0
        async for row in quarantine.everything():
            number = await _again(services, sources, row)
            if number is None:
                left += 1
            else:
                await quarantine.drop(row)
                taken += number
        return taken, left


async def _again(services: Services, sources: Sources, row: QuarantineRow) -> int | None:
    """Messages taken, as of when they came; None when the row has to stay, whole, because one of them is still
    unusable."""
    known = sources.by_name(row.source)
    if known is None:
        return None
    try:
        body = json.loads(row.raw)
    except ValueError:
        return None
    messages = body if isinstance(body, list) else [body]
    parsed = parse(messages, Origin(known.name, known.trusted, row.at))
    if parsed.refused:
        return None
    return (await services.intake.take(known.name, parsed.messages, services.now())).accepted
