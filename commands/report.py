"""`nurture report`: the figures both departments look at."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from commands import opening, summary


def report(
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Show leads by stage and persona, mails, audiences, handovers, both promises, key figures."""
    found = asyncio.run(_read())
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        Console().print(summary.tables(found))


async def _read() -> dict[str, Any]:
    async with opening.reports(opening.load()) as reports:
        return await reports.summary(datetime.now(UTC))
