"""`nurture demo`: weeks of the real lead list in a minute, on the whole product."""

import asyncio
import json
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from commands import opening, summary
from commands.csv_rows import Reject, read
from commands.demo import leads
from commands.demo.leads import COLUMNS, Lead
from commands.demo.playing import Outcome, Play, Wish
from commands.up import Ended, until_stopped, where
from embedded import local
from embedded.first_accounts import ADMIN, Person
from embedded.up import Running, running
from nurture.domain.errors import InputError, NurtureError
from nurture.domain.permissions import Role
from nurture.settings import Settings

EXAMPLE = Path("examples/education-leads.csv")


PEOPLE = (
    ADMIN,
    Person("marketing@nurture.test", "Ida Marketing", Role.MARKETING),
    Person("sales@nurture.test", "Mette Holm", Role.SALES, "Mette Holm"),
)
"""One of each role; Mette Holm is in the example's sales team."""


class Disagreement(NurtureError):
    """The database and the receiving ends do not say the same."""


def demo(
    pace: Annotated[
        str, typer.Option(help="How fast the playbook's clock runs.")
    ] = "1 day = 1.5 s",
    file: Annotated[
        Path, typer.Option("--leads", help="Rows like those of the example.")
    ] = EXAMPLE,
    days: Annotated[
        float, typer.Option(min=1, metavar="<number>", help="How many playbook days are played.")
    ] = 42,
    leave: Annotated[bool, typer.Option("--exit", help="End after the summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End stdout with the figures.")] = False,
) -> None:
    """Play real leads through the whole product, then show what came of it and keep serving.

    It runs on a database of its own in the folder `demo` of the data folder, which is emptied first.
    Exits with 1 when what arrived in the inboxes and on the ad platform is not what the database says.
    """
    given = opening.load()
    own = {"data_dir": given.data_dir / "demo", "database_url": "", "pace": pace}
    config = given.model_copy(update=own)
    wish = Wish(_leads(file), days, leave, as_json)
    _empty(config.data_dir)
    until_stopped(_demo(config, wish))


def _empty(folder: Path) -> None:
    """Raises StartError when a demo still runs there."""
    if folder.exists():
        with local.held(folder):
            shutil.rmtree(folder)


def _leads(file: Path) -> list[Lead]:
    """The usable rows; the others are told and left out."""
    found = []
    for row in read(file, COLUMNS)[1]:
        try:
            if isinstance(row, Reject):
                raise InputError(row.reason)
            found.append(leads.lead(row.values))
        except InputError as error:
            typer.echo(f"{file}:{row.line}: {error}; left out", err=True)
    if not found:
        raise InputError("holds no usable lead", str(file))
    return found


async def _demo(config: Settings, wish: Wish) -> None:
    typer.echo("starting …", err=True)
    async with running(config, PEOPLE) as product, httpx.AsyncClient(timeout=30) as http:
        typer.echo(where(product), err=True)
        found = await _or_death(product, Play(product, http, wish).run())
        _show(found, wish.as_json)
        if found.differences:
            raise Disagreement("\n".join(found.differences))
        if not wish.leave:
            typer.echo(f"\n{where(product)}\nStill serving. Ctrl-C ends it.", err=True)
            raise Ended(await product.death())


async def _or_death(product: Running, play: Coroutine[Any, Any, Outcome]) -> Outcome:
    """What comes of the play. Raises Ended as soon as a process ends by itself."""
    playing, dying = asyncio.create_task(play), asyncio.create_task(product.death())
    try:
        await asyncio.wait((playing, dying), return_when=asyncio.FIRST_COMPLETED)
        if not playing.done():
            raise Ended(dying.result())
        return playing.result()
    finally:
        for task in (playing, dying):
            task.cancel()
        await asyncio.gather(playing, dying, return_exceptions=True)


def _show(found: Outcome, as_json: bool) -> None:
    """Tables for people go to stderr when stdout is for a program."""
    Console(stderr=as_json).print(summary.tables(found.report))
    if found.lag:
        typer.echo(found.lag, err=True)
    if as_json:
        typer.echo(json.dumps(summary.figures(found.report), indent=2, ensure_ascii=False))
