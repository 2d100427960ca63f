"""How a mistake in the playbook travels: raised where it is seen, placed in its file by the compiler."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from nurture.domain.errors import InputError

_LISTED = 16
"""So many names are listed as a remedy; more would hide the point."""

_TELLING = 3
"""A beginning of so many letters is as good as a near miss."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one value. `line` and `column` count from 1 inside the value's text."""

    text: str
    remedy: str = ""
    line: int = 1
    column: int = 1


class Wrong(InputError):
    """A value of the playbook cannot be used. Carries every problem found in it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(problem.text for problem in problems))
        self.problems = problems


def wrong(text: str, remedy: str = "") -> Wrong:
    return Wrong(Problem(text, remedy))


def problem_and_remedy(sentence: str) -> tuple[str, str]:
    """What is wrong and what is right, of a sentence that says both."""
    problem, _, remedy = sentence.partition("; ")
    return problem, remedy


_MISSPELT = 0.8
"""So alike are a word and its misspelling."""


def misspelt(word: str, known: Iterable[str]) -> str:
    """The known word that this one surely means; empty if it may well be a word of its own."""
    return _nearest(word, known, _MISSPELT)


def suggest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The remedy for an unknown word: the nearest known one, else `otherwise`, else what there is."""
    names = sorted(set(known))
    near = _nearest(word, names, 0.6)
    if not near and len(word) >= _TELLING:
        near = next((name for name in names if name.lower().startswith(word.lower())), "")
    if near:
        return f'did you mean "{near}"?'
    if otherwise:
        return otherwise
    if not names:
        return "there is none yet"
    if len(names) > _LISTED:
        return f"one of {', '.join(names[:_LISTED])}, ..."
    return f"one of {', '.join(names)}"


def _nearest(word: str, known: Iterable[str], alike: float) -> str:
    spelled = {name.lower(): name for name in sorted(known)}
    near = get_close_matches(word.lower(), spelled, n=1, cutoff=alike)
    return spelled[near[0]] if near else ""
