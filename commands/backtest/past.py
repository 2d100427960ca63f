"""Leads of the past, as the list tells them: what they said, what they did, and whether they bought.

The list knows no times, so every touch counts as fresh.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from commands.backtest.past_map import Happened, Number, PastMap
from commands.csv_rows import Reject, Row
from commands.importing.mapping import Mapped
from nurture.domain import scoring
from nurture.domain.backtest import Case
from nurture.domain.errors import InputError
from nurture.domain.lead import Facts, Lead, Touch
from nurture.domain.persona import persona_of
from nurture.playbook import Playbook
from nurture.playbook.traits import as_kind

NOW = datetime(2000, 1, 1, tzinfo=UTC)
"""Some moment: points that fade count as long as it is the touch's own."""

_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")

LARGEST = 10**15
"""What is larger counts nothing that a lead did: an id, perhaps, that looks like a number."""


@dataclass(frozen=True)
class Past:
    """One row. `yardstick`: what another tool's scores of it sum to, when it has all of them."""

    lead: str
    traits: Mapping[str, Any]
    touches: tuple[Touch, ...]
    won: bool
    yardstick: float | None = None


@dataclass(frozen=True)
class Reader:
    """Reads rows by a mapping. `kinds` says what each trait is, `outcome` names the column to predict."""

    map: PastMap
    kinds: Mapping[str, str]
    outcome: str

    def read(self, rows: Iterator[Row | Reject]) -> tuple[list[Past], list[Reject]]:
        """The leads, and the rows that could not be used."""
        found: list[Past] = []
        refused: list[Reject] = []
        for row in rows:
            if isinstance(row, Reject):
                refused.append(row)
                continue
            try:
                found.append(self.past(row))
            except InputError as error:
                refused.append(row.rejected(str(error)))
        return found, refused

    def past(self, row: Row) -> Past:
        """Raises InputError naming the column that cannot be used."""
        answers = {
            name: "" if name != self.outcome and cell in self.map.unanswered else cell
            for name, cell in self._with_points(row).items()
        }
        won = as_kind("yes/no", answers[self.outcome])
        if won is None:
            raise InputError(f"must be yes or no, not {answers[self.outcome]!r}", self.outcome)
        if not answers[self.map.lead]:
            raise InputError("must not be empty", self.map.lead)
        touches = [touch for each in self.map.touches for touch in _touches(each, answers)]
        return Past(
            lead=answers[self.map.lead],
            traits=Mapped(self.map.traits, self.kinds).traits(answers),
            touches=tuple(touches),
            won=won,
            yardstick=_yardstick(self.map.yardstick, answers),
        )

    def _with_points(self, row: Row) -> Mapping[str, str]:
        """Semicolons separate cells where a comma begins the decimals: there 3,5 is the number 3.5."""
        if row.delimiter != ";":
            return row.values
        return {
            name: cell.replace(",", ".")
            if name in self._numbers and _DECIMAL_COMMA.fullmatch(cell)
            else cell
            for name, cell in row.values.items()
        }

    @cached_property
    def _numbers(self) -> frozenset[str]:
        traits = (
            column for column, name in self.map.traits.items() if self.kinds.get(name) == "number"
        )
        return frozenset([*traits, *self.map.counted()])


def judged(past: Past, playbook: Playbook, rules: scoring.Scoring) -> Case:
    """What these rules give the lead, by the code that scores it live."""
    lead = Lead(past.lead, traits=past.traits, stage="lead")
    persona = persona_of(playbook.personas, Facts(lead, touches=past.touches), NOW)
    facts = Facts(Lead(past.lead, None, past.traits, "lead", persona), touches=past.touches)
    earned = [entry for touch in past.touches for entry in scoring.entries(rules, touch)]
    reasons = scoring.explain(rules, facts, earned, NOW)
    points = {reason.rule: reason.points for reason in reasons}
    return Case(points, past.won, past.yardstick)


def _touches(each: Happened, answers: Mapping[str, str]) -> list[Touch]:
    if any(answers[column] not in allowed for column, allowed in each.when.items()):
        return []
    number = math.prod(_number(answers, column) for column in each.times)
    count = round(min(each.most, number))
    numbers = {name: _told(told, answers, count) for name, told in each.numbers.items()}
    told = {**each.properties, **numbers}
    return [Touch(f"{each.touch}-{index}", each.touch, NOW, told) for index in range(count)]


def _told(number: Number, answers: Mapping[str, str], count: int) -> float:
    value = _number(answers, number.column) / number.per
    return round(value / count if number.shared and count else value, 2)


def _yardstick(columns: Sequence[str], answers: Mapping[str, str]) -> float | None:
    if not columns or not all(answers.get(column) for column in columns):
        return None
    return sum(_number(answers, column) for column in columns)


def _number(answers: Mapping[str, str], column: str) -> float:
    """The cell as a number; 0 when it is blank."""
    number = as_kind("number", answers[column] or "0")
    if number is None or number < 0:
        raise InputError(f"must be a number from 0, not {answers[column]!r}", column)
    if number > LARGEST:
        raise InputError(f"{answers[column]!r} is too large to be counted with", column)
    return float(number)
