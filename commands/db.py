"""`nurture db`: the database's schema."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from commands import opening
from nurture.store import migrate
from nurture.upkeep.restoring import Restored, Restoring
from nurture.versions.shelf import Shelf

app = typer.Typer(
    help="The database: upgrade, downgrade, current, restored.",
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
