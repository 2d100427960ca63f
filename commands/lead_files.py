"""Leads named on the command line: a file of invented ones, or the address of a real one."""

import asyncio
from datetime import datetime
from pathlib import Path

from commands import csv_rows, opening
from nurture.domain.errors import InputError
from nurture.domain.lead import Facts
from nurture.domain.persona import persona_of
from nurture.playbook import Playbook
from nurture.settings import Settings
from nurture.simulation.people import Person, people_of_rows, read_people
from nurture.store import leads, migrate


def people_of(path: Path, playbook: Playbook) -> list[Person]:
    """The leads of a .csv file, or else of YAML or JSON. Raises InputError."""
    if path.suffix.lower() != ".csv":
        try:
            found = read_people(str(path), path.read_text(encoding="utf-8"), playbook)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read: {error}", str(path)) from error
    else:
        _, rows = csv_rows.read(path)
        usable = []
        for row in rows:
            if isinstance(row, csv_rows.Reject):
                raise InputError(row.reason, f"{path}:{row.line}")
            usable.append((row.line, row.values))
        found = people_of_rows(str(path), usable, playbook)
    if not found:
        raise InputError("there is no lead in it", str(path))
    return found


def one(name: str, config: Settings) -> Person | None:
    """The real lead of that address or id; None when nobody goes by it."""
    return asyncio.run(_one(name, config))


async def _one(name: str, config: Settings) -> Person | None:
    async with opening.database(config) as db:
        await migrate.require_current(db)
        async with db.read() as session:
            row = await leads.find(session, name)
        if row is None:
            return None
        return Person(
            leads.as_lead(row), frozenset(row.consents), frozenset(row.cases), row.suppressed
        )


def persona(person: Person, playbook: Playbook, now: datetime) -> str | None:
    """A real lead's persona is known; an invented one's is found by the rules."""
    return person.lead.persona or persona_of(playbook.personas, Facts(person.lead), now)
