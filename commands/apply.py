"""`nurture plan`, `apply` and `rollback`: the playbook on disk against the one in force, and leads in flight."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from commands import opening
from nurture.playbook.source import read_files
from nurture.rescoring import Crossing, crossings
from nurture.settings import Settings
from nurture.shelf import Plan, Shelf
from nurture.store import migrate

_JUDGING = tuple(f"config/{name}.yaml" for name in ("scoring", "stages", "personas"))

By = Annotated[str, typer.Option(envvar="USER", help="Who did it.")]


def plan(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what `apply` would change, and what becomes of the leads in flight."""
    found, crossing = asyncio.run(_plan(opening.load()))
    if as_json:
        typer.echo(json.dumps(_as_json(found, crossing), indent=2))
    else:
        typer.echo(_as_text(found, crossing))


def apply(by: By = "operator") -> None:
    """Put the playbook on disk in force, if it has no errors.

    `nurture plan` tells before what becomes of the leads in flight."""
    typer.echo(f"playbook {asyncio.run(_apply(opening.load(), by))[:12]} is in force")


def rollback(by: By = "operator") -> None:
    """Put the playbook back in force that was before; leads in flight follow it as after any edit."""
    typer.echo(f"playbook {asyncio.run(_rollback(opening.load(), by))[:12]} is in force again")


def _as_json(found: Plan, crossing: Sequence[Crossing]) -> dict[str, Any]:
    return {
        "playbook": found.playbook.hash,
        **asdict(found.difference),
        "leads": [asdict(affected) for affected in found.affected],
        "stages": [asdict(stage) for stage in crossing],
    }


def _as_text(found: Plan, crossing: Sequence[Crossing]) -> str:
    lines = list(found.difference.files)
    lines += [
        f"  {stage.up} leads would newly qualify for {stage.stage}, {stage.down} no longer"
        for stage in crossing
        if stage.up or stage.down
    ]
    for change in found.difference.flows:
        lines += ["", f"flow {change.flow or change.before}"]
        lines += [f"  {words}" for words in change.changes]
        lines += [
            f"  {affected.leads} at {affected.step or 'the end'}: {affected.fate}"
            for affected in found.affected
            if affected.flow == change.before
        ]
    return "\n".join(lines).strip() or "nothing would change"


async def _plan(config: Settings) -> tuple[Plan, list[Crossing]]:
    """With how many leads the rules for scores and stages would judge differently, if those change."""
    texts, now = read_files(config.playbook_dir), datetime.now(UTC)
    async with opening.database(config) as db:
        await migrate.require_current(db)
        shelf = Shelf(db, config.pace)
        found = await shelf.plan(texts, now)
        if not any(f"changed {file}" in found.difference.files for file in _JUDGING):
            return found, []
        async with db.read() as session:
            before = await shelf.current(session)
            return found, await crossings(session, before, found.playbook, now)


async def _apply(config: Settings, by: str) -> str:
    texts = read_files(config.playbook_dir)
    async with opening.database(config) as db:
        await migrate.require_current(db)
        return (await Shelf(db, config.pace).apply(texts, by, datetime.now(UTC))).hash


async def _rollback(config: Settings, by: str) -> str:
    async with opening.database(config) as db:
        await migrate.require_current(db)
        return (await Shelf(db, config.pace).rollback(by, datetime.now(UTC))).hash
