"""`nurture picture`: a flow as boxes and arrows."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nurture import settings
from nurture.domain.errors import InputError
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.drawing import svg
from nurture.playbook.findings import suggest
from nurture.playbook.graph import graph, mermaid
from nurture.playbook.source import read_files


def picture(
    flow: Annotated[str, typer.Argument(help="A flow, as its file calls it.")],
    target: Annotated[Path | None, typer.Option("--svg", help="Draw it into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print boxes and arrows.")] = False,
) -> None:
    """Draw a flow: as text for Mermaid, or as an SVG file."""
    config = settings.load()
    playbook = compile_playbook(read_files(config.playbook_dir), config.pace)
    drawn = graph(playbook.flows[known(flow, playbook)], playbook.entries[flow])
    if target:
        write(target, svg(drawn))
    if as_json:
        typer.echo(json.dumps(asdict(drawn), indent=2, ensure_ascii=False))
    else:
        typer.echo(f"drawn into {target}" if target else mermaid(drawn).rstrip())


def known(flow: str, playbook: Playbook) -> str:
    """The flow's name. Raises InputError when there is no such flow."""
    if flow not in playbook.flows:
        raise InputError(f'unknown flow "{flow}"; {suggest(flow, playbook.flows)}')
    return flow


def write(target: Path, text: str) -> None:
    """Raises InputError where nothing can be written."""
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", str(target)) from error
