"""A scoring file on trial: in the place of config/scoring.yaml, with the rest of the playbook as it is."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from commands.backtest.past_map import Leaks
from nurture.domain.errors import Finding, PlaybookError
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.document import Document, parse
from nurture.playbook.tokens import tokens
from nurture.web.traits import snake_case

SCORING = "config/scoring.yaml"


def playbook_with(files: Mapping[str, str], scoring: str, name: str, leaks: Leaks) -> Playbook:
    """The playbook with the points of that text, which findings call `name`.

    Raises PlaybookError with every finding, one for each rule that reads what `leaks` forbids.
    """
    if leaking := sorted(leaking_rules(parse(name, scoring), leaks)):
        raise PlaybookError(leaking)
    try:
        return compile_playbook({**files, SCORING: scoring})
    except PlaybookError as error:
        raise PlaybookError([_renamed(found, name) for found in error.findings]) from error


def _renamed(found: Finding, name: str) -> Finding:
    """The finding as it is for a file that only stands in the place of config/scoring.yaml."""
    file = name if found.file == SCORING else found.file
    return replace(found, file=file, remedy=found.remedy.replace(SCORING, name))


def leaking_rules(document: Document, leaks: Leaks) -> Iterator[Finding]:
    """Rules of a scoring file that read what was written after the outcome, whether or not they compile."""
    for rule, each in _rules(document, "fit"):
        source = each.get("when")
        for word in tokens(source) if isinstance(source, str) else ():
            name = word.text.removeprefix("lead.").partition(".")[0]
            if word.text.startswith("lead.") and (problem := leaks.in_rule(name)):
                yield document.at(("fit", rule, "when"), problem)
    for rule, each in _rules(document, "engagement"):
        where = each.get("where")
        for name in where if isinstance(where, dict) else ():
            if problem := leaks.in_rule(snake_case(name)):
                yield document.at(("engagement", rule, "where", name), problem, key=True)


def _rules(document: Document, part: str) -> Iterator[tuple[str, dict[str, Any]]]:
    value = document.value if isinstance(document.value, dict) else {}
    rules = value.get(part)
    for rule, each in rules.items() if isinstance(rules, dict) else ():
        if isinstance(each, dict):
            yield rule, each
