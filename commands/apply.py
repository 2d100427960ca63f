"""`nurture plan` and `nurture apply`: the playbook on disk, compared with and made the one in force."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from commands import opening
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.shelf import Shelf
from nurture.store import migrate, playbooks


def plan(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what `apply` would change: the files that differ from the playbook in force."""
    config = opening.load()
    texts = read_files(config.playbook_dir)
    compile_playbook(texts, config.pace)
    changed = changes(asyncio.run(_in_force(config)), texts)
    if as_json:
        typer.echo(json.dumps(changed, indent=2))
        return
    lines = [f"{what} {name}" for what, names in changed.items() for name in names]
    typer.echo("\n".join(lines) or "nothing would change")


def apply(
    by: Annotated[str, typer.Option(envvar="USER", help="Who did it.")] = "operator",
) -> None:
    """Put the playbook on disk in force, if it has no errors.

    Leads inside a flow keep the version they began with."""
    config = opening.load()
    typer.echo(f"playbook {asyncio.run(_apply(config, by))[:12]} is in force")


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, list[str]]:
    """Names of files, in order."""
    return {
        "added": sorted(new.keys() - old.keys()),
        "changed": sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
        "removed": sorted(old.keys() - new.keys()),
    }


async def _in_force(config: Settings) -> dict[str, str]:
    """Its files; none when no playbook was ever applied."""
    async with opening.database(config) as db:
        await migrate.require_current(db)
        async with db.read() as session:
            row = await playbooks.in_force(session)
            return (await playbooks.files(session, row.hash) or {}) if row else {}


async def _apply(config: Settings, by: str) -> str:
    async with opening.database(config) as db:
        await migrate.require_current(db)
        shelf = Shelf(db, config.pace)
        texts = read_files(config.playbook_dir)
        return (await shelf.apply(texts, by, datetime.now(UTC))).hash
