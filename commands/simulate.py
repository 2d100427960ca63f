"""`nurture simulate`: months of leads in seconds, without Temporal, network or database."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from commands import lead_files, past_habits
from commands.flow_picture import known, write
from nurture import settings
from nurture.domain.errors import InputError
from nurture.domain.habits import Habits
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.drawing import svg
from nurture.playbook.graph import graph, mermaid
from nurture.playbook.source import read_files
from nurture.simulation.behaviour import NOTHING_SAID, Assumptions, Customs, read_assumptions
from nurture.simulation.cohort import clock, midnight
from nurture.simulation.cohort import simulate as play
from nurture.simulation.forecast import counts, forecast, sentences
from nurture.simulation.telling import SILENT, timeline, words
from nurture.simulation.world import World


def simulate(
    flow: Annotated[str, typer.Argument(help="A flow, or `all`.")],
    leads: Annotated[Path, typer.Option(help="The leads: CSV, YAML or JSON.")],
    days: Annotated[int, typer.Option(min=1, max=3660, help="How long.")] = 90,
    seed: Annotated[int, typer.Option(help="Another number is other chances.")] = 0,
    behaviour: Annotated[Path | None, typer.Option(help="What people are assumed to do.")] = None,
    history: Annotated[
        bool, typer.Option(help="Begin with what people did so far, as our database knows it.")
    ] = True,
    start: Annotated[str, typer.Option(help="The first day, such as 2026-03-02.")] = "",
    lead: Annotated[str, typer.Option(help="Tell the story of this one: address or id.")] = "",
    target: Annotated[Path | None, typer.Option("--svg", help="Draw the flow with counts.")] = None,
    text: Annotated[
        Path | None, typer.Option("--mermaid", help="The same as text for Mermaid.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Play a flow, or all, with invented leads: a forecast, or the story of one lead."""
    config = settings.load()
    playbook = compile_playbook(read_files(config.playbook_dir))
    only = None if flow == "all" else known(flow, playbook)
    if (target or text) and only is None:
        raise InputError("a picture shows one flow; name it instead of `all`")
    habits = past_habits.of(config, datetime.now(UTC)) if history else Habits()
    customs = Customs(_assumptions(behaviour), habits)
    begins = midnight(_start(start), playbook)
    people = lead_files.people_of(leads, playbook)
    world = play(playbook, people, begins, days, customs, seed, only)
    if only:
        _draw(world, only, target, text)
    if lead:
        _tell_one(world, lead, begins, as_json)
        return
    told = forecast(world, begins, days, customs.assumed.sales.calls_a_day)
    if as_json:
        extra = {"overloaded_days": told.overloaded, "own_history": past_habits.used(habits)}
        typer.echo(json.dumps({**asdict(told), **extra}, indent=2))
    else:
        typer.echo("\n".join([*sentences(told), past_habits.sentence(habits)]))


def _draw(world: World, flow: str, target: Path | None, text: Path | None) -> None:
    """The flow, with how many leads came to each step."""
    book = world.playbook
    drawn = graph(book.flows[flow], book.entries[flow], counts(world.events, flow))
    for file, draw in ((target, svg), (text, mermaid)):
        if file:
            write(file, draw(drawn))


def _tell_one(world: World, name: str, start: datetime, as_json: bool) -> None:
    member = next((m for m in world.members.values() if name in (m.lead.id, m.lead.email)), None)
    if member is None:
        raise InputError("no lead of the file goes by this name", name)
    events = [event for event in world.events if event.lead == member.lead.id]
    if as_json:
        told = [
            {"at": event.at.isoformat(), "what": words(event), "flow": event.flow}
            for event in events
            if event.what not in SILENT
        ]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    typer.echo("\n".join(timeline(events, start, clock(world.playbook))))


def _assumptions(path: Path | None) -> Assumptions:
    if path is None:
        return NOTHING_SAID
    try:
        return read_assumptions(str(path), path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", str(path)) from error


def _start(text: str) -> date:
    """That day; today without one."""
    try:
        return date.fromisoformat(text) if text else datetime.now(UTC).date()
    except ValueError as error:
        raise InputError(f'"{text}" is not a day; such as 2026-03-02') from error
