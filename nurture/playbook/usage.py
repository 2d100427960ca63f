"""What a condition asks for, and whether the names it mentions in quotes exist. Seen in its words alone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nurture.domain import topics
from nurture.playbook.durations import Durations
from nurture.playbook.findings import Problem, Wrong, suggest
from nurture.playbook.tokens import Token, arguments, compared

CALLS = {f"touches.{what}": what for what in ("count", "last", "since")}
SHIFTS = ("plus", "minus")

_TOPIC = {
    "lead": topics.LEAD,
    "stage": topics.STAGE,
    "persona": topics.PERSONA,
    "score": topics.SCORE,
    "now": topics.CLOCK,
}
_TOUCHES = (
    'write touches.count("clicked"), touches.count("page", "7 days"), touches.last("page") or '
    'touches.since("page")'
)
_SHIFT_EXAMPLE = 'write now.plus("3 days") or now.minus("3 days")'
EXAMPLES = {**dict.fromkeys(CALLS.values(), _TOUCHES), **dict.fromkeys(SHIFTS, _SHIFT_EXAMPLE)}
"""How each of our functions is called."""


@dataclass(frozen=True)
class Quoted:
    """What may stand in quotes: stages and personas where they are compared, touches and durations."""

    compared: Mapping[str, Collection[str]]
    touches: Collection[str]
    durations: Durations

    def problems(self, words: Sequence[Token]) -> list[Problem]:
        found = [*self._unknown(words)]
        for index, word in enumerate(words):
            if word.kind == "name":
                found += self._in_call(word, arguments(words, index))
        return found

    def _unknown(self, words: Sequence[Token]) -> Iterator[Problem]:
        for name, known in self.compared.items():
            for word in compared(words, name):
                if word.text and word.text not in known:
                    yield _at(word, f'unknown {name} "{word.text}"', suggest(word.text, known))

    def _in_call(self, word: Token, given: list[Token] | None) -> Iterator[Problem]:
        """Calls take literals only, so that every touch and duration is known when the playbook loads."""
        first, _, last = word.text.rpartition(".")
        if word.text == "duration":
            yield _at(word, "duration() is not used here", _SHIFT_EXAMPLE)
        elif word.text in CALLS and given and len(given) <= (2 if last == "count" else 1):
            yield from self._touch(given[0])
            yield from (problem for window in given[1:] for problem in self._duration(window))
        elif "touches" in (word.text, first) or word.text in CALLS.values():
            yield _at(word, "touches can only be asked for by name", _TOUCHES)
        elif last in SHIFTS and given and len(given) == 1:
            yield from self._duration(given[0])
        elif last in SHIFTS:
            yield _at(word, "this needs one duration in quotes", _SHIFT_EXAMPLE)

    def _touch(self, name: Token) -> Iterator[Problem]:
        if name.text not in self.touches:
            remedy = suggest(name.text, self.touches, "declare it in config/touches.yaml")
            yield _at(name, f'unknown touch "{name.text}"', remedy)

    def _duration(self, window: Token) -> Iterator[Problem]:
        try:
            self.durations.elapsed(window.text)
        except Wrong as error:
            for problem in error.problems:
                yield _at(window, problem.text, problem.remedy)


def ungraded(words: Sequence[Token]) -> Iterator[Problem]:
    """Where the grade is asked for, of leads none of whom has one."""
    for word in words:
        if word.kind == "name" and f"{word.text}.".startswith("score.grade."):
            yield _at(word, "no lead gets a grade", "add grades to config/scoring.yaml")


def touches_of(words: Sequence[Token]) -> frozenset[str]:
    """The touches that are asked for."""
    calls = (arguments(words, at) for at, word in enumerate(words) if word.text in CALLS)
    return frozenset(given[0].text for given in calls if given)


def topics_of(words: Sequence[Token]) -> frozenset[str]:
    """What can change the answer. Rather one topic too many than one too few."""
    found = set()
    for index, word in enumerate(words):
        if word.kind != "name":
            continue
        if topic := _TOPIC.get(word.text.partition(".")[0]):
            found.add(topic)
        if word.text in CALLS:
            name, *window = arguments(words, index) or []
            found.add(topics.touch(name.text))
            if window or CALLS[word.text] == "since":  # it grows old without anything happening
                found.add(topics.CLOCK)
    return frozenset(found)


def _at(word: Token, text: str, remedy: str) -> Problem:
    return Problem(text, remedy, word.line, word.column)
