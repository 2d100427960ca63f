"""Points that halve in every half-life, in whole numbers and to the microsecond.

Between two halvings the line is straight, so each value is a fraction of whole numbers: nothing is rounded
but the points shown, and the moment of each drop is found, not searched for.
"""

from datetime import timedelta

_TICK = timedelta(microseconds=1)


def worth(points: int, age: timedelta, half_life: timedelta) -> int:
    """What is left of `points` at that age, rounded; a half counts up."""
    size, half = abs(points), half_life // _TICK
    halvings, rest = divmod(max(age, timedelta()) // _TICK, half)
    left = (size * (2 * half - rest) + (half << halvings)) // (half << (halvings + 1))
    return left if points >= 0 else -left


def next_drop(points: int, age: timedelta, half_life: timedelta) -> timedelta | None:
    """The age at which the next whole point goes; None when none is left."""
    left = abs(worth(points, age, half_life))
    return _drop(abs(points), left, half_life) if left else None


def lasts(points: int, half_life: timedelta) -> timedelta:
    """The age from which nothing is left."""
    return _drop(abs(points), 1, half_life) if points else timedelta()


def _drop(size: int, left: int, half_life: timedelta) -> timedelta:
    """The first moment at which `size` is worth less than `left` (1 or more) after rounding."""
    half, bound = half_life // _TICK, 2 * left - 1
    halvings = (2 * size // bound).bit_length() - 1
    rest = 2 * half + 1 + (-(bound << halvings) * half // size)
    return (halvings * half + rest) * _TICK
