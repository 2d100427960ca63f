"""Invented leads, as marketers write them: one flat mapping per lead, in YAML or as a row of a CSV file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.consent import PURPOSES
from nurture.domain.errors import InputError
from nurture.domain.lead import Lead
from nurture.playbook import Playbook, zones
from nurture.playbook.document import parse
from nurture.playbook.fields import is_plain
from nurture.playbook.findings import suggest
from nurture.playbook.scenario_schema import OWN

_TOLD = ("timezone", "language")
"""Traits that need no declaration: browsers tell them."""

_TEXTS = ("email", "language", "suppressed")


@dataclass(frozen=True)
class Person:
    """A lead before anything happened to it. Without `consents` it agreed to everything."""

    lead: Lead
    consents: frozenset[str] = frozenset(PURPOSES)
    open_cases: frozenset[str] = frozenset()
    suppressed: str | None = None


def read_people(name: str, text: str, playbook: Playbook) -> list[Person]:
    """The leads of a YAML (or JSON) file: a list, or a single one. Raises InputError."""
    document = parse(name, text)
    if document.findings:
        raise InputError("\n".join(str(finding) for finding in sorted(document.findings)))
    entries = document.value if isinstance(document.value, list) else [document.value]
    people = [person(entry, playbook, f"{name}, lead {n}", n) for n, entry in enumerate(entries, 1)]
    return _each_once(people, name)


def people_of_rows(
    name: str, rows: Sequence[tuple[int, Mapping[str, str]]], playbook: Playbook
) -> list[Person]:
    """The leads of a table; an empty cell says nothing. `rows`: line in the file, cells by column."""
    people = [
        person({key: cell for key, cell in cells.items() if cell}, playbook, f"{name}:{line}", n)
        for n, (line, cells) in enumerate(rows, 1)
    ]
    return _each_once(people, name)


def person(values: Any, playbook: Playbook, place: str, number: int = 1) -> Person:
    """One lead. Raises InputError for a key that is neither a trait nor one of the lead's own, and for a value that
    cannot be what the key means."""
    if not isinstance(values, Mapping):
        raise InputError('a lead is a mapping, such as "email: anna@example.org"', place)
    for key, value in values.items():
        if key not in OWN and key not in playbook.traits:
            raise InputError(
                f'unknown trait "{key}"; {suggest(str(key), [*OWN, *playbook.traits])}', place
            )
        _check(key, value, place)
    stages = [stage.id for stage in playbook.lifecycle.stages]
    stage = str(values.get("stage", stages[0]))
    if stage not in stages:
        raise InputError(f'unknown stage "{stage}"; {suggest(stage, stages)}', place)
    lead = Lead(
        id=str(values.get("id", f"lead-{number}")),
        email=values.get("email"),
        traits={k: v for k, v in values.items() if k in playbook.traits or k in _TOLD},
        stage=stage,
        tags=frozenset(_words(values.get("tags"))),
        zone=_zone(values.get("timezone"), place),
    )
    return Person(
        lead,
        _consents(values, place),
        frozenset(_words(values.get("open_cases"))),
        values.get("suppressed"),
    )


def _check(key: str, value: Any, place: str) -> None:
    if not is_plain(value):
        raise InputError(f'"{key}" should be one value, or a list of texts', place)
    if key in _TEXTS and not isinstance(value, str):
        raise InputError(f'"{key}" should be text', place)


def _consents(values: Mapping[str, Any], place: str) -> frozenset[str]:
    if "consents" not in values:
        return frozenset(PURPOSES)
    said = frozenset(_words(values["consents"])) - {"none"}
    for purpose in sorted(said - set(PURPOSES)):
        raise InputError(f'unknown consent "{purpose}"; {suggest(purpose, PURPOSES)}', place)
    return said


def _words(value: Any) -> list[str]:
    """A list, or a cell such as `a, b`."""
    parts = value if isinstance(value, list) else str(value or "").replace(";", ",").split(",")
    return [word for part in parts if (word := str(part).strip())]


def _zone(name: Any, place: str) -> ZoneInfo | None:
    found = zones.zone(str(name)) if name else None
    if name and found is None:
        raise InputError(f'unknown time zone "{name}"; such as "Europe/Copenhagen"', place)
    return found


def _each_once(people: list[Person], name: str) -> list[Person]:
    ids = [person.lead.id for person in people]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise InputError(f"two leads have the id {twice[0]}", name)
    return people
