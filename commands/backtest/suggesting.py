"""`nurture backtest --suggest`: a scoring file from the outcomes of past leads."""

from collections.abc import Sequence
from pathlib import Path

from commands.backtest.past import Past
from commands.backtest.past_list import PastList, Split, cases
from nurture.domain.errors import InputError, StartError
from nurture.playbook import Playbook
from nurture.playbook.suggestion import candidates, fitted, scoring_file

FEWEST = 20
"""A rule about fewer leads would be chance; in a long list, about fewer than one in a hundred."""

TRIED = "the rules to try"


def suggestion(found: PastList, split: Split, before: Playbook) -> str:
    """A scoring file fitted to the leads that `split` does not hold out, in the place of the points of `before`.

    Raises InputError when they say too little.
    """
    fit, _ = split.parts(found.pasts)
    if len({past.won for past in fit}) < 2:
        raise InputError(f"the {len(fit)} leads to learn from have one outcome", found.outcome)
    traits = [trait for trait in found.map.traits.values() if trait not in found.map.no_points]
    kinds = {trait: before.traits[trait] for trait in traits}
    fewest = max(FEWEST, len(fit) // 100)
    tried = candidates([(past.traits, past.touches) for past in fit], kinds, fewest)
    grades = before.scoring.grades
    trial = found.playbook(scoring_file(dict.fromkeys(tried, 1), {}, "", grades), TRIED)
    gave = cases(trial, fit)
    from commands.backtest.fitting import weights  # noqa: PLC0415 - loading scikit-learn takes seconds

    points = fitted(tried, gave, weights)
    if not points:
        raise InputError(f"{len(fit)} leads say too little to fit points to", found.name)
    notes = {}
    for each in points:
        won = [case.won for case in gave if case.points.get(each.id)]
        notes[each.id] = f"{len(won)} leads, {sum(won) / len(won):.0%} bought"
    return scoring_file(points, notes, _head(found, fit, split), grades)


def save(path: Path, text: str) -> None:
    """Raises StartError when it cannot be written; what is there already is not overwritten."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise StartError(f"{path}: is there already; name another file, or remove it") from error
    except OSError as error:
        raise StartError(f"{path}: cannot be written: {error.strerror}") from error


def _head(found: PastList, fit: Sequence[Past], split: Split) -> str:
    bought = sum(past.won for past in fit) / len(fit)
    return (
        f"Points fitted by `nurture backtest --suggest` to {len(fit)} leads of {found.name}\n"
        f"({split}), {bought:.0%} of whom bought. Read every rule before you use it: it says what\n"
        "went along with buying, not why. The list has no times: how long points last is a guess.\n"
        "These points are on a scale of their own: limits of grades, and conditions that ask for a score\n"
        "(in stages, flows and audiences), need another look before they come into force together."
    )
