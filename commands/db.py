"""`nurture db`: the database's schema, and all its rows into another."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from commands import opening
from nurture.domain.errors import InputError, StartError
from nurture.store import copying, migrate
from nurture.store.address import place
from nurture.store.database import Database
from nurture.upkeep.restoring import Restored, Restoring, wake_the_young
from nurture.versions.shelf import Shelf

app = typer.Typer(
    help="The database: upgrade, downgrade, current, copy, restored.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def upgrade() -> None:
    """Bring the schema to what this version needs. Harmless when it already is there."""

    async def run() -> str | None:
        async with opening.database(opening.load()) as db:
            await migrate.upgrade(db)
            return await migrate.current(db)

    typer.echo(f"the schema is at {asyncio.run(run())}")


@app.command()
def downgrade(
    revision: Annotated[
        str, typer.Argument(help="A schema version, -1 or base (an empty database).")
    ],
) -> None:
    """Take schema versions back. Data in tables and columns that go is lost."""

    async def run() -> str | None:
        async with opening.database(opening.load()) as db:
            await migrate.downgrade(db, revision)
            return await migrate.current(db)

    typer.echo(f"the schema is at {asyncio.run(run()) or 'nothing'}")


@app.command()
def current() -> None:
    """Print the schema version; exit with 1 when it lacks what this version needs."""

    async def run() -> str | None:
        async with opening.database(opening.load()) as db:
            return await migrate.current(db)

    found, wanted = asyncio.run(run()), migrate.newest()
    typer.echo(f"{found or 'nothing'} (needed: {wanted})")
    if migrate.behind(found):
        raise typer.Exit(1)


@app.command()
def copy(
    url: Annotated[
        str, typer.Argument(help="The database to fill, as NURTURE_DATABASE_URL would name it.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Copy every row into another database, which is upgraded and empty: the way from SQLite to PostgreSQL.

    All rows or none. Stop servers and workers before: what they write meanwhile stays behind."""
    copied = asyncio.run(_copy(url))
    rows = sum(copied.values())
    if as_json:
        typer.echo(json.dumps({"rows": rows, "tables": copied}, indent=2))
    else:
        typer.echo(
            f"{rows} rows of {len(copied)} tables copied; servers and workers go on there with"
            " NURTURE_DATABASE_URL set to it"
        )


async def _copy(url: str) -> dict[str, int]:
    config = opening.load()
    try:
        target, there = Database(url), place(url)
    except StartError as error:
        raise InputError(str(error), "URL") from error
    if there == place(config.database):
        raise InputError("this is the database of the settings itself; name another", "URL")
    console = Console(stderr=True)
    async with opening.database(config) as source:
        try:
            with console.status("copying") as status:
                copied = await copying.copy(
                    source, target, lambda table, rows: status.update(f"{table}: {rows} rows")
                )
            async with target.write() as session:
                await wake_the_young(session, datetime.now(UTC))
            return copied
        finally:
            await target.close()


@app.command()
def restored() -> None:
    """Say that the database was restored to an earlier moment, before any worker runs: mails that may have
    gone out since then become unknown and are not sent again."""

    async def run() -> Restored:
        config = opening.load()
        async with opening.database(config) as db:
            await migrate.require_current(db)
            return await Restoring(db, Shelf(db, config.pace)).doubt(datetime.now(UTC))

    found = asyncio.run(run())
    typer.echo(
        f"{found.mails} mails of {found.leads} leads may have gone out and will not be sent again;"
        " `nurture mails unknown` lists them"
    )
