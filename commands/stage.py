"""`nurture stage`: move one lead by hand, as config/stages.yaml allows."""

import asyncio
from typing import Annotated

import typer

from commands import opening
from embedded import local
from nurture.domain.lifecycle import SALES
from nurture.settings import Settings
from services import assemble


def stage(
    lead: Annotated[str, typer.Argument(help="An e-mail address, or another name of the lead.")],
    to: Annotated[str, typer.Argument(metavar="STAGE", help="The stage's name.")],
    reason: Annotated[str, typer.Option(help="Why. Needed for the way back.")] = "",
    by: Annotated[str, typer.Option(help="In whose name: sales or import.")] = SALES,
) -> None:
    """Move a lead to another stage. Who may move it where stands in config/stages.yaml."""
    was = asyncio.run(_move(local.known(opening.load()), lead, to, by, reason))
    typer.echo(f"{lead}: {was} -> {to}" if was != to else f"{lead} is in the stage {to} already")


async def _move(config: Settings, lead: str, to: str, by: str, reason: str) -> str:
    async with assemble(config, lazy=True) as services:
        return await services.stages.move(lead, to, by, reason, services.now())
