"""Conditions: CEL, type-checked when the playbook is read. The only module that knows the CEL library.

A condition may ask for `lead.<trait>`, `lead.email`, `lead.tags`, `stage`, `persona`, `score.fit`,
`score.engagement`, `score.total`, `score.grade` and `now`, in a flow also for `enrolment.entered` and
`enrolment.step_since`, and call `touches.count("clicked")`, `touches.count("page", "7 days")`, `touches.last("page")`,
`touches.since("page")`, `now.plus("3 days")`, `now.minus("3 days")`. Reference: docs/playbook.md.

Evaluating never raises: what cannot be answered (a missing number, too long a loop) does not hold.
"""

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from cel_expr_python import cel

from nurture.domain.lead import Facts
from nurture.domain.scoring import GRADES
from nurture.playbook.ages import Ages, ages_of
from nurture.playbook.durations import Durations
from nurture.playbook.findings import Problem, Wrong, suggest, wrong
from nurture.playbook.tokens import Token, patterns, tokens
from nurture.playbook.traits import as_kind
from nurture.playbook.usage import CALLS, EXAMPLES, SHIFTS, Quoted, topics_of, touches_of, ungraded

Read = Callable[[Facts, datetime], Any]

_Times = Mapping[str, list[datetime]]

_TIMES = cel.Type.Map(cel.Type.STRING, cel.Type.List(cel.Type.TIMESTAMP))
_NOW = ""
"""No touch is called so."""
_ENROLMENT = ("enrolment.entered", "enrolment.step_since")
_TRAIT_TYPE = {
    "text": cel.Type.STRING,
    "number": cel.Type.DYN,
    "yes/no": cel.Type.BOOL,
    "date": cel.Type.TIMESTAMP,
    "list": cel.Type.List(cel.Type.STRING),
}
_MISSING: Mapping[str, Any] = {"text": "", "yes/no": False, "list": []}
_UNSET = object()
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '\((.*)\)'")
_PATTERN = 'it is written as RE2 has it, such as matches("^D[KE]$")'
_TYPE_WORDS = {
    "string": "text",
    "int": "a whole number",
    "double": "a decimal number",
    "bool": "yes/no",
    "google.protobuf.Timestamp": "a time",
    "timestamp": "a time",
    "dyn": "a number",
    "null": "null",
}


@dataclass(frozen=True)
class CelCondition:
    """A compiled condition. `topics` names what can change its answer."""

    source: str
    topics: frozenset[str]
    _expression: cel.Expression = field(repr=False, compare=False)
    _reads: Mapping[str, Read] = field(repr=False, compare=False)
    _ages: Ages = field(repr=False, compare=False)

    def __call__(self, facts: Facts, now: datetime) -> bool:
        data = {name: read(facts, now) for name, read in self._reads.items()}
        try:
            value = self._expression.eval(data={k: v for k, v in data.items() if v is not _UNSET})
        except RuntimeError:  # the library's guard against endless loops
            return False
        return bool(value.type() == cel.Type.BOOL and value.value())

    def next_change(self, facts: Facts, now: datetime) -> datetime | None:
        """See nurture.domain.lead.Condition."""
        values = {name: read(facts, now) for name, read in self._reads.items() if name != "now"}
        dates = [value for value in values.values() if isinstance(value, datetime)]
        return self._ages.next_change(values.get("touches", {}), dates, now)


class Conditions:
    """Compiles the conditions of one playbook, whose traits, stages and personas are known. `graded`: its scores
    have grades."""

    def __init__(
        self,
        traits: Mapping[str, str],
        stages: Collection[str],
        personas: Collection[str],
        touches: Collection[str],
        durations: Durations,
        graded: bool = True,
    ) -> None:
        self._durations = durations
        self._graded = graded
        quoted = {"stage": stages, "persona": personas, "score.grade": GRADES}
        self._quoted = Quoted(quoted, touches, durations)
        self._variables = _variables(traits)
        day = durations.day.total_seconds()
        functions = [*_calls(self._seconds, day), *_shifts(self._seconds)]
        outside = {name: type_ for name, (type_, _) in self._variables.items()}
        outside = {name: type_ for name, type_ in outside.items() if name not in _ENROLMENT}
        inside = outside | dict.fromkeys(_ENROLMENT, cel.Type.TIMESTAMP)
        self._env, self._in_flow = (
            cel.NewEnv(variables={**known, "touches": _TIMES}, functions=functions)
            for known in (outside, inside)
        )

    def compile(self, source: str, in_flow: bool = False) -> CelCondition:
        """Check and compile; `in_flow`: it may ask for the enrolment. Raises Wrong with every problem."""
        words = tokens(source)
        try:
            expression = (self._in_flow if in_flow else self._env).compile(source)
        except RuntimeError as error:
            problems = [self._explain(source, *found) for found in _ERROR.findall(str(error))]
            raise Wrong(*problems or [_unplaced(str(error))]) from error
        problems = [*self._quoted.problems(words), *self._unreadable(words)]
        if not self._graded:
            problems += ungraded(words)
        if problems:
            raise Wrong(*problems)
        if expression.return_type() != cel.Type.BOOL:
            kind = _type_word(expression.return_type().name())
            raise wrong(f"this gives {kind}, not yes or no", 'compare it: "score.total >= 40"')
        ages = ages_of(words, self._durations)
        return CelCondition(source, topics_of(words), expression, self._reads(words), ages)

    def _seconds(self, text: str) -> float:
        return self._durations.elapsed(text).total_seconds()

    def _unreadable(self, words: Sequence[Token]) -> Iterator[Problem]:
        """Regular expressions (RE2) that are none: CEL would tell only when it asks them about a lead."""
        for each in patterns(words):
            said = self._env.compile(f'"".matches({each.written})').eval(data={})
            if said.type() == cel.Type.ERROR:
                why = str(said.value()).rpartition("invalid regular expression: ")[2]
                text = f'"{each.text}" is not a regular expression: {why}'
                yield Problem(text, _PATTERN, each.line, each.column)

    def _reads(self, words: Sequence[Token]) -> dict[str, Read]:
        """How to get each variable that the expression mentions, and nothing else."""
        names = [word.text for word in words if word.kind == "name"]
        reads = {
            variable: read
            for variable, (_, read) in self._variables.items()
            if any(name == variable or name.startswith(f"{variable}.") for name in names)
        }
        if asked := touches_of(words):
            reads["touches"] = partial(_times, asked)
        return reads

    def _explain(self, source: str, line: str, column: str, message: str) -> Problem:
        """CEL's words in ours. CEL points at the last dot of a name, we at its first letter."""
        row, position = int(line), int(column)
        if match := _UNDECLARED.search(message):
            name = match[1]
            if name in EXAMPLES:
                return self._miscalled(name, row, position)
            before = len(name.rpartition(".")[0])
            here = source.split("\n")[row - 1][position - 1 : position]
            start = position - before if here == "." else position
            return Problem(f'unknown name "{name}"', self._meant(name), row, max(start, 1))
        if match := _OVERLOAD.search(message):
            if match[1] in EXAMPLES:
                return self._miscalled(match[1], row, position)
            sides = " and ".join(_type_word(word.strip()) for word in _split(match[2]))
            text = f'"{match[1].strip("_@")}" does not work on {sides}'
            return Problem(text, "both sides must be of the same kind", row, position)
        text = message.removeprefix("Syntax error: ").partition(" expecting ")[0]
        text = "it ends too early" if "<EOF>" in text else text
        return Problem(f"this cannot be read as a condition: {text}", "", row, position)

    def _miscalled(self, name: str, row: int, position: int) -> Problem:
        return Problem(f'"{name}" is not called like this', EXAMPLES[name], row, position)

    def _meant(self, name: str) -> str:
        """The remedy for a name that CEL does not know: a variable, a trait or a function."""
        first, _, last = name.rpartition(".")
        if name in _ENROLMENT:
            return "only the conditions in a flow know its enrolment"
        if first == "lead":
            traits = [known.removeprefix("lead.") for known in self._variables if "lead." in known]
            remedy = suggest(last, traits, f"declare the trait {last} in config/traits.yaml")
            return remedy.replace('mean "', 'mean "lead.')
        return suggest(
            name, [*self._variables, "touches", *CALLS.values(), *SHIFTS], "see docs/playbook.md"
        )


def _variables(traits: Mapping[str, str]) -> dict[str, tuple[cel.Type, Read]]:
    """Every name a condition may use, with its type and how to get it."""
    found: dict[str, tuple[cel.Type, Read]] = {
        "lead.email": (cel.Type.STRING, lambda facts, now: facts.lead.email or ""),
        "lead.tags": (_TRAIT_TYPE["list"], lambda facts, now: sorted(facts.lead.tags)),
        "stage": (cel.Type.STRING, lambda facts, now: facts.lead.stage),
        "persona": (cel.Type.STRING, lambda facts, now: facts.lead.persona or ""),
        "score.fit": (cel.Type.INT, lambda facts, now: facts.score.fit),
        "score.engagement": (cel.Type.INT, lambda facts, now: facts.score.engagement),
        "score.total": (cel.Type.INT, lambda facts, now: facts.score.total),
        "score.grade": (cel.Type.STRING, lambda facts, now: facts.score.grade),
        "now": (cel.Type.TIMESTAMP, lambda facts, now: now),
        "enrolment.entered": (cel.Type.TIMESTAMP, lambda facts, now: _stay(facts, "entered")),
        "enrolment.step_since": (cel.Type.TIMESTAMP, lambda facts, now: _stay(facts, "since")),
    }
    for name, kind in traits.items():
        found[f"lead.{name}"] = (_TRAIT_TYPE[kind], _trait(name, kind))
    return found


def _trait(name: str, kind: str) -> Read:
    def read(facts: Facts, now: datetime) -> Any:
        value = as_kind(kind, facts.lead.traits.get(name))
        if (
            value is None and kind == "date"
        ):  # CEL has no empty time: leave it out, so nothing holds
            return _UNSET
        return _MISSING.get(kind) if value is None else value

    return read


def _stay(facts: Facts, moment: str) -> Any:
    return getattr(facts.stay, moment, None) or _UNSET


def _times(asked: Collection[str], facts: Facts, now: datetime) -> dict[str, list[datetime]]:
    """When the lead did what is `asked` for, and under _NOW what time it is. What a machine did is no touch of it."""
    times: dict[str, list[datetime]] = {_NOW: [now]}
    for touch in facts.touches:
        if touch.name in asked and not touch.machine:
            times.setdefault(touch.name, []).append(touch.at)
    return times


def _calls(seconds: Callable[[str], float], day: float) -> list[cel.FunctionDecl]:
    """What can be asked of `touches`. `day`: how many seconds the playbook's day lasts."""

    def count(times: _Times, name: str) -> int:
        return len(times.get(name, ()))

    def count_within(times: _Times, name: str, window: str) -> int:
        first = times[_NOW][0] - timedelta(seconds=seconds(window))
        return sum(at >= first for at in times.get(name, ()))

    def last(times: _Times, name: str) -> datetime:
        return max(times[name])

    def since(times: _Times, name: str) -> float:
        if name not in times:
            return math.inf
        return (times[_NOW][0] - max(times[name])).total_seconds() / day

    text = cel.Type.STRING
    return [
        cel.FunctionDecl(
            "count",
            [
                _member("count", cel.Type.INT, [_TIMES, text], count),
                _member("count_within", cel.Type.INT, [_TIMES, text, text], count_within),
            ],
        ),
        cel.FunctionDecl("last", [_member("last", cel.Type.TIMESTAMP, [_TIMES, text], last)]),
        cel.FunctionDecl("since", [_member("since", cel.Type.DYN, [_TIMES, text], since)]),
    ]


def _shifts(seconds: Callable[[str], float]) -> list[cel.FunctionDecl]:
    """From one moment to another."""

    def plus(at: datetime, span: str) -> datetime:
        return at + timedelta(seconds=seconds(span))

    def minus(at: datetime, span: str) -> datetime:
        return at - timedelta(seconds=seconds(span))

    moment, takes = cel.Type.TIMESTAMP, [cel.Type.TIMESTAMP, cel.Type.STRING]
    return [
        cel.FunctionDecl("plus", [_member("plus", moment, takes, plus)]),
        cel.FunctionDecl("minus", [_member("minus", moment, takes, minus)]),
    ]


def _member(
    name: str, returns: cel.Type, takes: list[cel.Type], impl: Callable[..., Any]
) -> cel.Overload:
    return cel.Overload(
        f"nurture_{name}", return_type=returns, parameters=takes, is_member=True, impl=impl
    )


def _unplaced(message: str) -> Problem:
    """CEL's only errors without a place are those about its limits."""
    if "recursion limit" in message:
        return Problem("this is nested too deeply", "write it flatter, or as two rules")
    if "size exceeds" in message:
        return Problem("this is longer than 100,000 letters", "write it as two rules")
    return Problem(f"this cannot be read as a condition: {message.splitlines()[0]}")


def _type_word(name: str) -> str:
    name = name.strip().lower() if name.isupper() else name.strip()
    return "a list" if name.startswith("list") else _TYPE_WORDS.get(name, name)


def _split(types: str) -> list[str]:
    """`map(string, int), string` at its outer commas."""
    parts, depth = [""], 0
    for letter in types:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
