"""Weights that explain outcomes: logistic regression with a ridge, by Newton's method, on sparse rows.

A playbook has tens of rules and a list thousands of leads, for which this needs no library
(docs/decisions/0013-points-are-fitted-without-a-library.md).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import exp, log1p

STEPS = 50
"""Newton's method needs about eight."""

NEAR = 1e-9

UNLIKELY = 6.63
"""Chance alone exceeds this value of a chi-squared test once in a hundred times."""

Row = Mapping[int, float]
"""A lead's features by their number; those that are 0 are left out."""


def logistic(
    rows: Sequence[Row], won: Sequence[bool], features: int, ridge: float = 1.0
) -> tuple[float, list[float]]:
    """The intercept and each feature's weight that make `won` most likely.

    `ridge` is the penalty on half a weight's square: it keeps a feature that few leads have small, and
    every weight finite. The intercept is free of it.
    """
    full = [{**row, features: 1.0} for row in rows]  # the intercept is the last feature
    penalty = [ridge] * features + [NEAR]
    weights = [0.0] * (features + 1)
    loss = _loss(full, won, weights, penalty)
    for _ in range(STEPS):
        step = _newton(full, won, weights, penalty)
        size = 1.0
        while size > NEAR:
            tried = [weight - size * part for weight, part in zip(weights, step, strict=True)]
            if (found := _loss(full, won, tried, penalty)) <= loss:
                break
            size /= 2
        else:
            break
        weights, gain, loss = tried, loss - found, found
        if gain < NEAR:
            break
    return weights[features], weights[:features]


def telling(rows: Sequence[Row], won: Sequence[bool], features: int, most: int) -> list[int]:
    """The features that say something the ones before them do not, the most telling first; at most `most`.

    Each next one is where the predictions so far miss the outcomes most, measured by Rao's score test.
    """
    chosen: list[int] = []
    while len(chosen) < most:
        place = {feature: index for index, feature in enumerate(chosen)}
        known = [{place[i]: value for i, value in row.items() if i in place} for row in rows]
        intercept, weights = logistic(known, won, len(chosen))
        tests = _surprise(rows, won, [_chance(intercept + _sum(row, weights)) for row in known])
        open_ = [0.0 if i in place else tests.get(i, 0.0) for i in range(features)]
        best = max(range(features), key=open_.__getitem__, default=0)
        if not open_ or open_[best] < UNLIKELY:
            break
        chosen.append(best)
    return chosen


def whole_points(weights: Sequence[float], largest: int) -> list[int]:
    """The weights as whole points, the heaviest being `largest`."""
    heaviest = max((abs(weight) for weight in weights), default=0.0)
    return [round(weight * largest / heaviest) if heaviest else 0 for weight in weights]


def _surprise(
    rows: Sequence[Row], won: Sequence[bool], chances: Sequence[float]
) -> dict[int, float]:
    """Each feature's score test against predictions that have an intercept."""
    total, squares = sum(p * (1 - p) for p in chances), defaultdict[int, float](float)
    miss, spread = defaultdict[int, float](float), defaultdict[int, float](float)
    for row, bought, chance in zip(rows, won, chances, strict=True):
        for i, value in row.items():
            miss[i] += (bought - chance) * value
            spread[i] += chance * (1 - chance) * value
            squares[i] += chance * (1 - chance) * value * value
    noise = {i: squares[i] - spread[i] ** 2 / total for i in squares}
    return {i: miss[i] ** 2 / noise[i] for i in squares if noise[i] > NEAR}


def _loss(
    rows: Sequence[Row], won: Sequence[bool], weights: Sequence[float], penalty: Sequence[float]
) -> float:
    """The negative log-likelihood and the penalty."""
    found = sum(p * w * w for p, w in zip(penalty, weights, strict=True)) / 2
    for row, bought in zip(rows, won, strict=True):
        margin = _sum(row, weights) * (1 if bought else -1)
        found += log1p(exp(-margin)) if margin > 0 else log1p(exp(margin)) - margin
    return found


def _newton(
    rows: Sequence[Row], won: Sequence[bool], weights: Sequence[float], penalty: Sequence[float]
) -> list[float]:
    """The inverse of the curvature times the slope."""
    slope = [p * w for p, w in zip(penalty, weights, strict=True)]
    curve = [[p if i == j else 0.0 for j in range(len(penalty))] for i, p in enumerate(penalty)]
    for row, bought in zip(rows, won, strict=True):
        chance = _chance(_sum(row, weights))
        spread = chance * (1 - chance)
        for i, value in row.items():
            slope[i] += (chance - bought) * value
            line = curve[i]
            for j, other in row.items():
                line[j] += spread * value * other
    return _solved(curve, slope)


def _solved(matrix: list[list[float]], right: Sequence[float]) -> list[float]:
    """x of matrix * x = right, for a matrix that is symmetric and positive (as a curvature is)."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        for j in range(i + 1, size):
            if factor := rows[j][i] / rows[i][i]:
                rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][j] * found[j] for j in range(i + 1, size))
        found[i] = (rows[i][size] - known) / rows[i][i]
    return found


def _sum(row: Row, weights: Sequence[float]) -> float:
    return sum(value * weights[i] for i, value in row.items())


def _chance(margin: float) -> float:
    if margin >= 0:
        return 1 / (1 + exp(-margin))
    return exp(margin) / (1 + exp(margin))
