"""`nurture enrol`: bring one lead into a flow by hand."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from commands import opening
from nurture.enrolling import Enrolling
from nurture.settings import Settings
from nurture.store import migrate
from nurture.versions.shelf import Shelf


def enrol(
    lead: Annotated[str, typer.Argument(help="An e-mail address, or another name of the lead.")],
    flow: Annotated[str, typer.Argument(help="The flow's name.")],
    by: Annotated[str, typer.Option(envvar="USER", help="Who did it.")] = "operator",
) -> None:
    """Bring a lead into a flow by hand. What the flow says about entering again holds."""
    asyncio.run(_enrol(opening.load(), lead, flow, by))
    typer.echo(f"{lead} enters {flow}")


async def _enrol(config: Settings, lead: str, flow: str, by: str) -> None:
    async with opening.database(config) as db:
        await migrate.require_current(db)
        shelf = Shelf(db, config.pace)
        await Enrolling(db, shelf).by_hand(lead, flow, by, datetime.now(UTC))
