"""`nurture check`: is the playbook on disk without errors?"""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from nurture import settings
from nurture.domain.errors import PlaybookError
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.source import read_files


def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check config/ and templates/.

    Prints every finding as file:line:column and then exits with 1."""
    config = settings.load()
    try:
        playbook = compile_playbook(read_files(config.playbook_dir), config.pace)
    except PlaybookError as error:
        found = {"ok": False, "findings": [asdict(finding) for finding in error.findings]}
        typer.echo(json.dumps(found, indent=2) if as_json else error)
        raise typer.Exit(1) from error
    typer.echo(json.dumps(_told(playbook), indent=2) if as_json else _sentence(playbook))


def _told(playbook: Playbook) -> dict[str, object]:
    return {
        "ok": True,
        "findings": [],
        "playbook": playbook.hash,
        "flows": sorted(playbook.flows),
        "personas": [persona.id for persona in playbook.personas],
        "audiences": sorted(playbook.audiences),
    }


def _sentence(playbook: Playbook) -> str:
    return (
        f"playbook {playbook.hash[:12]} is in order: {len(playbook.flows)} flows,"
        f" {len(playbook.personas)} personas, {len(playbook.audiences)} audiences"
    )
