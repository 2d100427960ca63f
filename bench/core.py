"""How fast the pure core is, on one core and without Temporal, network or database.

Simulation: the flows of this repository, with leads that read, click and call. Interpreter: one decision
(`advance`) of a lead at each step of these flows, from an e-mail with its gate to a branch with CEL.
"""

import time
from datetime import date
from pathlib import Path
from typing import Any

from nurture.domain.consent import PURPOSES
from nurture.domain.flow import Cursor, advance
from nurture.domain.lead import Facts, Lead, Score, Standing
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.source import read_files
from nurture.simulation.behaviour import Customs
from nurture.simulation.cohort import midnight, simulate
from nurture.simulation.people import Person
from tests.support.domain import NOW, touch

LEADS, DAYS = 1000, 90
DECISIONS = 200_000

_OCCUPATIONS = ("Student", "Working Professional", "Unemployed")


def _playbook() -> Playbook:
    return compile_playbook(read_files(Path(__file__).parents[1]))


def _lead(number: int) -> Lead:
    traits = {"first_name": "Anna", "occupation": _OCCUPATIONS[number % 3]}
    return Lead(f"lead-{number}", f"lead-{number}@example.org", traits, stage="visitor")


async def simulation(folder: Path) -> dict[str, Any]:
    """Leads times days in a second of processor time."""
    playbook = _playbook()
    people = [Person(_lead(number)) for number in range(LEADS)]
    start = midnight(date(2026, 3, 2), playbook)
    before = time.process_time()
    world = simulate(playbook, people, start, DAYS, Customs())
    seconds = time.process_time() - before
    return {
        "leads": LEADS,
        "days": DAYS,
        "seconds": round(seconds, 2),
        "lead_days_per_second": round(LEADS * DAYS / seconds),
        "mails": sum(event.what == "mail" for event in world.events),
    }


async def interpreter(folder: Path) -> dict[str, Any]:
    """Decisions in a second of processor time, over all steps of all flows in turn."""
    standing = Standing(consents=frozenset(PURPOSES))
    touches = tuple(touch("page", NOW) for _ in range(20))
    facts = Facts(_lead(1), Score(30, 40), touches, standing)
    places = [
        (flow, Cursor(step, NOW, NOW)) for flow in _playbook().flows.values() for step in flow.steps
    ]
    before = time.process_time()
    for number in range(DECISIONS):
        flow, cursor = places[number % len(places)]
        advance(flow, cursor, facts, NOW)
    seconds = time.process_time() - before
    return {"decisions": DECISIONS, "decisions_per_second": round(DECISIONS / seconds)}
