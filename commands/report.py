"""`nurture report`: the figures both departments look at."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from commands import opening, summary
from nurture.domain.errors import InputError
from nurture.figures import BY, Question
from nurture.web import pages
from nurture.web.asked import question
from nurture.web.dashboard.reports import lines


def report(
    month: Annotated[str, typer.Option(help="YYYY-MM; without it the running one.")] = "",
    by: Annotated[str, typer.Option(help=f"Split by {', '.join(BY)}.")] = "",
    persona: Annotated[str, typer.Option(help="Only leads of that persona.")] = "",
    source: Annotated[str, typer.Option(help="Only leads that first came from there.")] = "",
    flow: Annotated[str, typer.Option(help="Only leads that entered that flow last.")] = "",
    owner: Annotated[str, typer.Option(help="Only leads that this one at sales had last.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print one line per group.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="Print one whole page.")] = False,
) -> None:
    """Show both promises with their pace, funnel, contact times and rejects of a month, and all totals."""
    if as_json + as_csv + as_html > 1:
        raise InputError("one of --json, --csv and --html is enough")
    found, company = asyncio.run(_read(question(month, by, persona, source, flow, owner)))
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif as_csv:
        typer.echo(lines(found), nl=False)
    elif as_html:
        typer.echo(pages.alone("report.html", company=company, report=found, **_money(found)))
    else:
        Console().print(summary.tables(found))


def _money(report: Mapping[str, Any]) -> dict[str, str]:
    return {"currency": report["figures"]["currency"]}


async def _read(asked: Question) -> tuple[dict[str, Any], str]:
    async with opening.reports(opening.load()) as reports:
        return await reports.summary(datetime.now(UTC), asked), await reports.company()
