"""`nurture rescore`: every lead scored by the rules in force, now and not little by little."""

import asyncio

import typer
from rich.console import Console
from rich.progress import Progress

from commands import opening
from embedded import local
from services import assemble


def rescore() -> None:
    """Score all leads by the playbook in force, and act on what follows.

    The worker does it by itself after `apply`; this waits until it is done. It may be stopped and goes on
    where it was."""
    done = asyncio.run(_run())
    typer.echo(f"{done} leads scored anew" if done else "every lead has the score of this playbook")


async def _run() -> int:
    done = 0
    async with assemble(local.known(opening.load()), lazy=True) as services:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("scoring", total=await services.rescoring.left())
            while (
                await services.rescoring.left()
            ):  # counts every lead: once a pass, not once a page
                while number := await services.rescoring.page(services.now()):
                    done += number
                    bar.advance(task, number)
    return done
