"""How well points tell those who bought from those who did not, judged on leads whose outcome is known.

All of it is exact: areas are counted in whole numbers, and equal scores are one step, never an order.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from nurture.domain.scoring import Scoring, lost

DIGITS = 2**64


@dataclass(frozen=True)
class Case:
    """A lead of the past: what each rule gave it and the cap of a group took off again, whether it was `won`,
    and another tool's score of it."""

    points: Mapping[str, int]
    won: bool
    yardstick: float | None = None

    @property
    def total(self) -> int:
        return sum(self.points.values())


@dataclass(frozen=True)
class Cut:
    """What a threshold picks: `picked` leads have at least so many points, `won` of them bought.

    `precision`: the share of those picked that bought; `recall`: the share of buyers picked; `lift`: how
    many times as often those picked bought as all did.
    """

    threshold: float
    picked: int
    won: int
    precision: float
    recall: float
    lift: float


@dataclass(frozen=True)
class Verdict:
    """What one rule does: it gave points to `leads`, of whom `won` bought; without it the AUC is `gain` less.

    A rule with a negative `gain` hurts.
    """

    rule: str
    leads: int
    won: int
    gain: float


def auc(scores: Iterable[float], won: Iterable[bool]) -> float | None:
    """The chance that a buyer has more points than a non-buyer, equal points counting half.

    None when there are no buyers, or nobody else.
    """
    doubled = lost = bought = 0
    for _, losses, wins in _steps(scores, won):
        doubled += wins * (2 * lost + losses)
        lost, bought = lost + losses, bought + wins
    return doubled / (2 * bought * lost) if bought and lost else None


def cuts(scores: Iterable[float], won: Iterable[bool]) -> list[Cut]:
    """Every threshold that picks other leads than the next, the highest first. Needs a buyer."""
    steps = _steps(scores, won)
    everybody = sum(losses + wins for _, losses, wins in steps)
    buyers = sum(wins for _, _, wins in steps)
    found, picked, bought = [], 0, 0
    for score, losses, wins in reversed(steps):
        picked, bought = picked + losses + wins, bought + wins
        lift = bought * everybody / (picked * buyers)
        found.append(Cut(score, picked, bought, bought / picked, bought / buyers, lift))
    return found


def delivering(found: Sequence[Cut], wanted: float) -> Cut | None:
    """The highest threshold that picks at least `wanted` leads; None when there are not so many."""
    return next((cut for cut in found if cut.picked >= wanted), None)


def thinned(found: Sequence[Cut], most: int) -> list[Cut]:
    """At most `most` of them, the last included, each picking about as many more leads as the one before."""
    if len(found) <= most:
        return list(found)
    share = found[-1].picked / most
    kept = (delivering(found, share * step) for step in range(1, most + 1))
    return list(dict.fromkeys(cut for cut in kept if cut))


def drop_one(cases: Sequence[Case], scoring: Scoring) -> list[Verdict]:
    """What the AUC owes to each rule, the most helpful first. Needs a buyer and a non-buyer."""
    won = [case.won for case in cases]
    whole = auc([case.total for case in cases], won) or 0.0
    found = []
    for rule in [*(each.id for each in scoring.fit), *scoring.rules]:
        gave = [case for case in cases if case.points.get(rule)]
        without = auc([case.total - lost(scoring, case.points, rule) for case in cases], won) or 0.0
        found.append(Verdict(rule, len(gave), sum(case.won for case in gave), whole - without))
    return sorted(found, key=lambda verdict: (-verdict.gain, verdict.rule))


def held_out(lead: str, share: float, seed: int) -> bool:
    """Whether the lead is in the part that nothing is fitted on: by its name alone, so a longer list moves nobody."""
    digest = sha256(f"{seed}/{lead}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") < share * DIGITS


def _steps(scores: Iterable[float], won: Iterable[bool]) -> list[tuple[float, int, int]]:
    """Each score from the lowest, with how many non-buyers and buyers have it."""
    counts: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for score, bought in zip(scores, won, strict=True):
        counts[score][bought] += 1
    return [(score, *counts[score]) for score in sorted(counts)]  # type: ignore[misc]
