"""`nurture check`: is the playbook on disk without errors?"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer

from nurture import settings
from nurture.domain.errors import Finding, PlaybookError
from nurture.playbook import Playbook
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.versions.checking import checked, remarks

_PAUSE = 0.5


def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Check again at every change, until Ctrl-C.")
    ] = False,
) -> None:
    """Check config/ and templates/.

    Prints every finding as file:line:column and then exits with 1. Remarks are no errors."""
    config = settings.load()
    if watch:
        with suppress(KeyboardInterrupt):
            for texts in versions(lambda: read_files(config.playbook_dir)):
                _tell(config, texts, as_json)
        return
    if not _tell(config, read_files(config.playbook_dir), as_json):
        raise typer.Exit(1)


def versions(
    read: Callable[[], Mapping[str, str]], pause: Callable[[float], None] = time.sleep
) -> Iterator[Mapping[str, str]]:
    """What `read` gives, each time it gives something else."""
    last: Mapping[str, str] | None = None
    while True:
        texts = read()
        if texts != last:
            last = texts
            yield texts
        pause(_PAUSE)


def _tell(config: Settings, texts: Mapping[str, str], as_json: bool) -> bool:
    """Print what there is to say; whether the playbook may come into force."""
    try:
        playbook = checked(texts, config.pace)
    except PlaybookError as error:
        found = {"ok": False, "findings": [asdict(finding) for finding in error.findings]}
        typer.echo(json.dumps(found, indent=2) if as_json else error)
        return False
    noted = remarks(texts)
    if as_json:
        typer.echo(json.dumps(_told(playbook, noted), indent=2))
        return True
    for remark in noted:
        typer.echo(f"remark: {remark}")
    typer.echo(_sentence(playbook))
    return True


def _told(playbook: Playbook, noted: list[Finding]) -> dict[str, object]:
    return {
        "ok": True,
        "findings": [],
        "remarks": [asdict(remark) for remark in noted],
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
