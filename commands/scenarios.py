"""`nurture test`: marketers' scenarios, played on the same core that decides in earnest."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from nurture import settings
from nurture.domain.errors import InputError
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.reading import SCENARIOS
from nurture.playbook.source import read_files
from nurture.simulation.scenarios import Outcome, play, scenarios


def play_all(
    names: Annotated[list[str] | None, typer.Argument(help="Only these; all without.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Play config/scenarios/*.yaml and compare with what they expect.

    Exits with 1 when anything differs."""
    config = settings.load()
    files = read_files(config.playbook_dir)
    playbook = compile_playbook(files)
    wanted = {f"{SCENARIOS}{name.removesuffix('.yaml')}.yaml" for name in names or ()}
    found = scenarios(files)
    if missing := sorted(wanted - set(found)):
        raise InputError("there is no such scenario", missing[0])
    outcomes = [
        play(file, scenario, playbook)
        for file, scenario in sorted(found.items())
        if not wanted or file in wanted
    ]
    typer.echo(
        json.dumps([_told(each) for each in outcomes], indent=2, ensure_ascii=False)
        if as_json
        else _report(outcomes)
    )
    if not all(outcome.holds for outcome in outcomes):
        raise typer.Exit(1)


def _told(outcome: Outcome) -> dict[str, object]:
    return {**asdict(outcome), "holds": outcome.holds}


def _report(outcomes: list[Outcome]) -> str:
    lines = []
    for outcome in outcomes:
        lines.append(
            f"{'holds  ' if outcome.holds else 'DIFFERS'}  {outcome.title} ({outcome.file})"
        )
        if not outcome.holds:
            lines += [f"    {line}" for line in outcome.difference()]
    failed = sum(not outcome.holds for outcome in outcomes)
    tail = (
        f"{len(outcomes)} scenarios, {failed} of them differ"
        if failed
        else f"{len(outcomes)} scenarios hold"
    )
    if failed:
        tail += "; - is expected and did not happen, + happened and is not expected"
    return "\n".join([*lines, tail])
