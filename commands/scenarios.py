"""`nurture test`: marketers' scenarios, played on the same core that decides in earnest."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from commands.rehearsal.rehearsing import rehearse
from nurture import logs, settings
from nurture.domain.errors import InputError
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.reading import SCENARIOS
from nurture.playbook.scenario_schema import Scenario
from nurture.playbook.source import read_files
from nurture.simulation.scenarios import Outcome, play, scenarios


@dataclass(frozen=True)
class Played:
    """One scenario; `real`: what came of it on the real workflows, if it was rehearsed."""

    simulated: Outcome
    real: Outcome | None = None

    @property
    def holds(self) -> bool:
        if self.real is None:
            return self.simulated.holds
        return self.simulated.holds and self.real.holds and not self.disagreement

    @property
    def disagreement(self) -> list[str]:
        return self.simulated.disagreement(self.real) if self.real else []


def play_all(
    names: Annotated[list[str] | None, typer.Argument(help="Only these; all without.")] = None,
    temporal: Annotated[
        bool,
        typer.Option("--temporal", help="Through the real workflows, too; both must agree."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Play config/scenarios/*.yaml and compare with what they expect.

    Exits with 1 when anything differs."""
    config = settings.load()
    files = read_files(config.playbook_dir)
    playbook = compile_playbook(files)
    chosen = _chosen(names or (), scenarios(files))
    found = [Played(play(file, scenario, playbook)) for file, scenario in chosen.items()]
    if temporal:
        logs.configure("ERROR")
        found = asyncio.run(_rehearse(found, chosen, playbook, files))
    typer.echo(
        json.dumps([_told(each) for each in found], indent=2, ensure_ascii=False)
        if as_json
        else _report(found)
    )
    if not all(each.holds for each in found):
        raise typer.Exit(1)


def _chosen(names: list[str] | tuple[()], found: Mapping[str, Scenario]) -> dict[str, Scenario]:
    wanted = {f"{SCENARIOS}{name.removesuffix('.yaml')}.yaml" for name in names}
    if missing := sorted(wanted - set(found)):
        raise InputError("there is no such scenario", missing[0])
    return {file: found[file] for file in sorted(found) if not wanted or file in wanted}


async def _rehearse(
    found: list[Played],
    chosen: Mapping[str, Scenario],
    playbook: Playbook,
    files: Mapping[str, str],
) -> list[Played]:
    return [
        Played(each.simulated, await rehearse(file, chosen[file], playbook, files))
        for each in found
        for file in [each.simulated.file]
    ]


def _told(each: Played) -> dict[str, object]:
    told: dict[str, object] = {
        "file": each.simulated.file,
        "title": each.simulated.title,
        "expected": each.simulated.expected,
        "got": each.simulated.got,
        "holds": each.holds,
    }
    if each.real:
        told |= {"got_on_temporal": each.real.got, "disagreement": each.disagreement}
    return told


def _report(found: list[Played]) -> str:
    lines = []
    for each in found:
        outcome = each.simulated
        verdict = "holds  " if each.holds else "DIFFERS"
        lines.append(f"{verdict}  {outcome.title} ({outcome.file})")
        if not outcome.holds:
            lines += [f"    {line}" for line in outcome.difference()]
        if each.disagreement:
            lines.append("    simulated (-) and on the real workflows (+) it is not the same:")
            lines += [f"    {line}" for line in each.disagreement]
    failed = sum(not each.holds for each in found)
    if not failed:
        where = " in both worlds" if any(each.real for each in found) else ""
        return "\n".join([*lines, f"all scenarios hold{where}: {len(found)}"])
    tail = "- is expected and did not happen, + happened and is not expected"
    return "\n".join([*lines, f"scenarios that differ: {failed} of {len(found)}; {tail}"])
