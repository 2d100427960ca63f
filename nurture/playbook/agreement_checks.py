"""What the agreement names must be there: the team's owners, and the personas of a promise."""

from collections.abc import Collection, Iterator

from nurture.domain.errors import Finding
from nurture.playbook import schema
from nurture.playbook.document import Document, Path
from nurture.playbook.findings import Problem, suggest
from nurture.playbook.reading import Reading


def check(reading: Reading) -> Iterator[Finding]:
    sla: schema.Sla | None = reading.model("sla")
    document = reading.documents.get("config/sla.yaml")
    if not sla or not document:
        return
    for name, team in sla.teams.items():
        here: Path = ("teams", name)
        yield from _strangers(document, (*here, "people"), team.people, team.owners)
        for number, rule in enumerate(team.rules):
            yield from _rule(reading, document, (*here, "rules", number), rule, team)
        for person, known in team.people.items():
            for number, away in enumerate(known.absent):
                if away.back.replace(tzinfo=None) <= away.since.replace(tzinfo=None):
                    problem = Problem(
                        "back before leaving", "`back` is the first day at work again"
                    )
                    yield document.at((*here, "people", person, "absent", number, "back"), problem)
    personas = reading.known.names["persona"]
    for persona in sla.marketing.personas:
        if persona not in personas:
            problem = _unknown_persona(persona, personas)
            yield document.at(("marketing", "personas", persona), problem, key=True)


def _rule(
    reading: Reading, document: Document, here: Path, rule: schema.Assignment, team: schema.Team
) -> Iterator[Finding]:
    """Who gets whom: known owners and personas, and a trait that says the country."""
    for owner in rule.owners:
        if owner not in team.owners:
            path = (*here, "owners", rule.owners.index(owner))
            yield document.at(path, _nobody(owner, team.owners))
    personas, traits = reading.known.names["persona"], reading.known.names["trait"]
    for persona in rule.persona:
        if persona not in personas:
            yield document.at((*here, "persona"), _unknown_persona(persona, personas))
    if rule.country and "country" not in traits:
        problem = Problem("no lead has a country", 'declare "country: text" in config/traits.yaml')
        yield document.at((*here, "country"), problem, key=True)


def _strangers(
    document: Document, path: Path, named: Collection[str], owners: Collection[str]
) -> Iterator[Finding]:
    for name in named:
        if name not in owners:
            yield document.at((*path, name), _nobody(name, owners), key=True)


def _unknown_persona(name: str, personas: Collection[str]) -> Problem:
    return Problem(f'unknown persona "{name}"', suggest(name, personas))


def _nobody(name: str, owners: Collection[str]) -> Problem:
    return Problem(f'"{name}" is not among the owners of this team', suggest(name, owners))
