"""A mapping file: how the rows of a list of past leads become traits and touches.

What was written after the outcome was known gives it away, so neither the mapping nor a rule may read it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from nurture.domain.errors import Finding, InputError, PlaybookError
from nurture.playbook import fields as f
from nurture.playbook.document import Document, parse
from nurture.playbook.findings import Problem, suggest
from nurture.playbook.reading import Reading
from nurture.playbook.validation import validate
from nurture.web.traits import snake_case


class Number(f.Model):
    """A property read from a column: its number divided by `per`, and by the number of touches if `shared`."""

    column: f.Text
    per: Annotated[float, Field(gt=0)] = 1.0
    shared: bool = False


class Happened(f.Model):
    """Touches of a row: one if all of `when` holds, or as many as the numbers of `times` multiplied."""

    touch: f.TouchName
    when: dict[f.Text, list[f.Text]] = Field(default_factory=dict)
    times: list[f.Text] = Field(default_factory=list)
    most: Annotated[int, Field(ge=1, le=1000)] = 50
    properties: dict[f.Name, f.Text] = Field(default_factory=dict)
    numbers: dict[f.Name, Number] = Field(default_factory=dict)


class PastMap(f.Model):
    """`lead` names the row. Cells in `unanswered` say as little as blank ones.

    `yardstick`: another tool's scores, summed. `may_be_missing`: those of `after_outcome` and `yardstick` that
    not every list has. `no_points`: traits that no suggestion gives points for.
    """

    lead: f.Text
    after_outcome: list[f.Text] = Field(default_factory=list)
    unanswered: list[str] = Field(default_factory=list)
    yardstick: list[f.Text] = Field(default_factory=list)
    may_be_missing: list[f.Text] = Field(default_factory=list)
    traits: dict[f.Text, f.TraitName] = Field(default_factory=dict)
    no_points: list[f.TraitName] = Field(default_factory=list)
    touches: list[Happened] = Field(default_factory=list)

    def counted(self) -> Iterator[str]:
        """The columns whose cells are read as numbers, whatever the traits are."""
        yield from self.yardstick
        for each in self.touches:
            yield from each.times
            yield from (number.column for number in each.numbers.values())


Place = tuple[str | int, ...]

_NOT_EVERY_LIST = "if not every list has it, name it under may_be_missing, too"


@dataclass(frozen=True)
class Leaks:
    """The columns that nothing may read, however they are spelled: `outcome` itself and those written after it."""

    outcome: str
    columns: frozenset[str]

    def problem(self, column: str) -> Problem | None:
        if _plain(column) == _plain(self.outcome):
            return Problem(f'"{column}" is the outcome itself', "leave it out")
        if _plain(column) in map(_plain, self.columns):
            return Problem(f'"{column}" was written after the outcome', "leave it out")
        return None

    def in_rule(self, name: str) -> Problem | None:
        """The problem with a rule that reads `name`, such as last_notable_activity."""
        for column in sorted(self.columns | {self.outcome}):
            if snake_case(column) == name and (problem := self.problem(column)):
                return problem
        return None


def _plain(column: str) -> str:
    """The name without what a hand that types it may change: its spaces and capitals."""
    return "".join(column.casefold().split())


def read_map(
    path: Path, columns: Sequence[str], outcome: str, reading: Reading
) -> tuple[PastMap, Leaks]:
    """The mapping, for a list with these columns. Raises PlaybookError with every finding."""
    document = parse(str(path), text_of(path))
    found, findings = validate(TypeAdapter(PastMap), document, reading.known)
    findings = [*document.findings, *findings]
    if found is None or findings:
        raise PlaybookError(sorted(findings))
    leaks = Leaks(outcome, frozenset(found.after_outcome))
    if strange := sorted(_misread(document, found, columns, leaks)):
        raise PlaybookError(strange)
    return found, leaks


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text (byte {error.start + 1})", str(path)) from error


def _misread(
    document: Document, found: PastMap, columns: Sequence[str], leaks: Leaks
) -> Iterator[Finding]:
    """Columns that may not be read, and those that are not there."""
    for place, column, key in _reads(found):
        if problem := leaks.problem(column):
            yield document.at(place, problem, key=key)
        elif column not in columns:
            problem = Problem(f'there is no column "{column}"', suggest(column, columns))
            yield document.at(place, problem, key=key)
    for index, column in enumerate(found.yardstick):
        if problem := leaks.problem(column):
            yield document.at(("yardstick", index), problem)
    yield from _missing(document, found, columns)


def _missing(document: Document, found: PastMap, columns: Sequence[str]) -> Iterator[Finding]:
    """Misspelt, a column written after the outcome would be read like any other, and a yardstick left out."""
    there = {*columns, *found.may_be_missing}
    named = {"after_outcome": found.after_outcome, "yardstick": found.yardstick}
    for key, names in named.items():
        for index, column in enumerate(names):
            if column not in there:
                text = f'there is no column "{column}"'
                near = suggest(column, there, "name it as the list does")
                yield document.at((key, index), Problem(text, f"{near} ({_NOT_EVERY_LIST})"))
    for index, column in enumerate(found.may_be_missing):
        known = [*found.after_outcome, *found.yardstick]
        if column not in known:
            text = f'"{column}" is named under neither after_outcome nor yardstick'
            yield document.at(("may_be_missing", index), Problem(text, suggest(column, known)))


def _reads(found: PastMap) -> Iterator[tuple[Place, str, bool]]:
    """Every column that the mapping reads, where it does, and whether it stands there as a key."""
    yield ("lead",), found.lead, False
    for column in found.traits:
        yield ("traits", column), column, True
    for index, each in enumerate(found.touches):
        place: Place = ("touches", index)
        for column in each.when:
            yield (*place, "when", column), column, True
        for part, column in enumerate(each.times):
            yield (*place, "times", part), column, False
        for name, number in each.numbers.items():
            yield (*place, "numbers", name, "column"), number.column, False
