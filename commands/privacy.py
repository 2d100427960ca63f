"""`nurture export` and `nurture erase`: what a person may ask of us."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from commands import opening
from embedded import local
from services import Services, assemble

Name = Annotated[str, typer.Argument(help="An e-mail address, a lead's id, or a user id.")]


def export(name: Name) -> None:
    """Print everything held of a person, as JSON."""
    typer.echo(json.dumps(_with(lambda s: s.privacy.export(name)), indent=2, ensure_ascii=False))


def erase(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    by: Annotated[str, typer.Option(envvar="USER", help="Who did it.")] = "operator",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Forget a person: the database, flows, audiences; sales is told. It cannot be undone.

    Proof of consent and of the erasure is kept without the person; an import does not bring it back."""
    if not (yes or typer.confirm("Everything known of this person will be gone. Go on?")):
        raise typer.Exit(2)
    done = asdict(_with(lambda s: s.privacy.erase(name, by, s.now())))
    typer.echo(json.dumps(done, indent=2) if as_json else _told(done))


def _with(act: Callable[[Services], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with assemble(local.known(opening.load()), lazy=True) as services:
            return await act(services)

    return asyncio.run(run())


def _told(done: dict[str, Any]) -> str:
    lists = ", ".join(done["audiences"]) or "none"
    return "\n".join(
        [
            f"erased; what happened is kept under {done['lead']}",
            f"{done['enrolments']} flows ended, {done['handovers']} handovers emptied at sales",
            f"{done['quarantined']} unusable messages deleted",
            f"audiences that are being told to remove the person: {lists}",
        ]
    )
