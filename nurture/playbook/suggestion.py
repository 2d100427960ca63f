"""Points fitted to outcomes: what is known of past leads -> rules worth a try -> a scoring file for people.

Every rule is tried by compiling it and letting it score, so a suggested rule means live what it meant here.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain, count
from typing import Any

from nurture.domain.backtest import Case
from nurture.domain.lead import Touch
from nurture.domain.scoring import Grades
from nurture.playbook.traits import LARGEST_WHOLE

Weigh = Callable[[Sequence[Mapping[str, int]], Sequence[bool], int], Mapping[str, float]]
"""From what each rule gives to the leads, and who of them bought: the weights of the rules that tell, at most
so many."""

Seen = tuple[Mapping[str, Any], Sequence[Touch]]
"""What one lead said, and what it did."""

LARGEST = 40
"""Points of the strongest rule."""

MOST = 24
"""So many rules fit on a page or two; more are no longer read."""

OFTEN = 3
"""A touch counts once, or up to so many times."""

LONGEST = 100
"""Letters of a value that a rule may be about."""

_STEPS = (0.25, 0.5, 0.75, 0.9)
_PLAIN = re.compile(r"[^*<>=?\[\]]+")


@dataclass(frozen=True)
class Candidate:
    """A rule without its points. `touch` is None for a rule about what the lead says."""

    title: str
    when: str = ""
    touch: str | None = None
    where: tuple[str, str] | None = None
    most: int = 1
    id: str = ""

    @property
    def welcome(self) -> bool:
        """Whether the lead did something we want it to do: then no points are taken away for it."""
        return self.touch not in (None, "unsubscribed", "mails_paused", "bounced", "complained")


def candidates(seen: Sequence[Seen], kinds: Mapping[str, str], fewest: int) -> list[Candidate]:
    """Rules that at least `fewest` leads fulfil and as many do not, about the traits in `kinds` and all touches."""
    found = [each for trait, kind in sorted(kinds.items()) for each in _said(seen, trait, kind)]
    names = sorted({touch.name for _, touches in seen for touch in touches})
    found += [each for name in names for each in _did(seen, name)]
    kept: dict[str, Candidate] = {}
    for each, leads in found:
        if fewest <= leads <= len(seen) - fewest:
            name = _id(each.title, kept)
            kept[name] = replace(each, id=name)
    return list(kept.values())


def _id(title: str, taken: Collection[str]) -> str:
    """The title as a name, with a number if another rule has it already."""
    word = re.sub(r"[^a-z0-9]+", "-", title.lower().replace(">=", "from")).strip("-")[:50]
    names = (f"{word.strip('-')}-{number}" for number in count(2))
    return next(name for name in chain([word.strip("-")], names) if name not in taken)


def fitted(tried: Sequence[Candidate], cases: Sequence[Case], weigh: Weigh) -> dict[Candidate, int]:
    """The points that predict best whether the cases were won; `cases` hold what each rule gives for one point."""
    won = [case.won for case in cases]
    while True:
        names = {each.id for each in tried}
        rows = [{id_: n for id_, n in case.points.items() if id_ in names} for case in cases]
        points = whole_points(weigh(rows, won, MOST))
        unkind = {each for each in tried if points.get(each.id, 0) < 0 and each.welcome}
        if not unkind:
            return {each: points[each.id] for each in tried if points.get(each.id)}
        tried = [each for each in tried if each not in unkind]


def whole_points(weights: Mapping[str, float]) -> dict[str, int]:
    """The weights as whole points, the heaviest being LARGEST."""
    heaviest = max((abs(weight) for weight in weights.values()), default=0.0)
    return {
        rule: round(weight * LARGEST / heaviest) if heaviest else 0
        for rule, weight in weights.items()
    }


def scoring_file(
    points: Mapping[Candidate, int],
    notes: Mapping[str, str],
    head: str,
    grades: Grades | None = None,
) -> str:
    """config/scoring.yaml with these rules, the strongest first; `notes` by rule stand above it as comments.
    `grades` are those of the points it would replace."""
    order = sorted(points, key=lambda each: (-abs(points[each]), each.id))
    lines = [f"# {line}".rstrip() for line in head.splitlines()]
    lines += _kept(grades) if grades else []
    for part, fit in (("fit", True), ("engagement", False)):
        rules = [each for each in order if (each.touch is None) == fit]
        if rules:
            lines += ["", f"{part}:"]
        for each in rules:
            lines += _rule(each, points[each], notes.get(each.id, ""))
    return "\n".join(lines) + "\n"


def _kept(grades: Grades) -> list[str]:
    return [
        "",
        "# The limits are those of the points before: look whether they are right for these.",
        "grades:",
        f"  fit: {list(grades.fit)}",
        f"  engagement: {list(grades.engagement)}",
    ]


def _rule(each: Candidate, points: int, note: str) -> Iterator[str]:
    if note:
        yield f"  # {note}"
    yield f"  {each.id}:"
    yield f"    title: {_quoted(each.title)}"
    yield f"    points: {points}"
    if each.touch is None:
        yield f"    when: {_quoted(each.when)}"
        return
    yield f"    touch: {each.touch}"
    if each.where:
        yield f"    where: {{{each.where[0]}: {_quoted(each.where[1])}}}"
    yield f"    cap: {abs(points) * each.most}"
    yield "    lasts: 30 days"


def _said(seen: Sequence[Seen], trait: str, kind: str) -> Iterator[tuple[Candidate, int]]:
    """Rules about one trait, each with how many leads fulfil it."""
    name, word = f"lead.{trait}", trait.replace("_", " ").capitalize()
    values = [traits[trait] for traits, _ in seen if traits.get(trait) is not None]
    if kind == "text":
        yield Candidate(f"{word} is told", f'{name} != ""'), len(values)
        for value, leads in sorted(Counter(filter(_writable, values)).items()):
            yield Candidate(f"{word}: {value}", f"{name} == {_literal(value)}"), leads
    elif kind == "yes/no":
        yield Candidate(f"{word}: yes", name), sum(bool(value) for value in values)
    elif kind == "number":
        for limit in _limits([float(value) for value in values]):
            leads = sum(value >= limit for value in values)
            yield Candidate(f"{word} >= {_plain(limit)}", f"{name} >= {_number(limit)}"), leads


def _did(seen: Sequence[Seen], name: str) -> Iterator[tuple[Candidate, int]]:
    """Rules about one touch, each with how many leads fulfil it."""
    word = name.replace("_", " ").capitalize()
    mine = [[touch for touch in touches if touch.name == name] for _, touches in seen]
    yield from _often(word, name, None, mine, lambda touch: True)
    for key in sorted({key for touches in mine for touch in touches for key in touch.properties}):
        told = [touch.properties[key] for did in mine for touch in did if key in touch.properties]
        if all(isinstance(value, int | float) for value in told):
            for limit in _limits(told):
                title, where = f"{word}, {key} >= {_plain(limit)}", (key, f">= {_plain(limit)}")
                yield from _often(title, name, where, mine, _reaching(key, limit))
        else:
            plain = {str(value) for value in told if _PLAIN.fullmatch(str(value))}
            for value in sorted(filter(_writable, plain)):
                title, where = f"{word}, {key}: {value}", (key, value)
                yield from _often(title, name, where, mine, _being(key, value))


def _often(
    title: str,
    touch: str,
    where: tuple[str, str] | None,
    mine: Sequence[Sequence[Touch]],
    fits: Callable[[Touch], bool],
) -> Iterator[tuple[Candidate, int]]:
    counts = [sum(map(fits, touches)) for touches in mine]
    yield Candidate(title, "", touch, where), sum(count > 0 for count in counts)
    leads = sum(count >= OFTEN for count in counts)
    yield Candidate(f"{title} (up to {OFTEN} times)", "", touch, where, OFTEN), leads


def _reaching(key: str, limit: float) -> Callable[[Touch], bool]:
    return lambda touch: touch.properties.get(key, float("-inf")) >= limit


def _being(key: str, value: str) -> Callable[[Touch], bool]:
    return lambda touch: str(touch.properties.get(key)) == value


def _limits(values: Sequence[float]) -> list[float]:
    """Round numbers that split the values into parts of a similar size."""
    order = sorted(values)
    found = {float(f"{order[int(len(order) * step)]:.1g}") for step in _STEPS if order}
    return sorted(limit for limit in found if limit > (order[0] if order else 0))


def _writable(value: str) -> bool:
    """Whether the value keeps its meaning on one line of a file."""
    return value.isprintable() and value == " ".join(value.split()) and len(value) <= LONGEST


def _plain(number: float) -> str:
    """Without an exponent, which a limit of the playbook does not know."""
    text = format(Decimal(repr(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _number(limit: float) -> str:
    """As a number in a condition, where whole ones end at 64 bits."""
    return _plain(limit) + (".0" if abs(limit) >= LARGEST_WHOLE else "")


def _quoted(text: str) -> str:
    """As YAML text on one line."""
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


def _literal(value: Any) -> str:
    """As text in a condition."""
    return json.dumps(str(value), ensure_ascii=False)
