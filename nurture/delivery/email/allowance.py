"""What one rendering may use up, so that it ends and fits into memory: turns, and letters.

What an operation of Jinja takes grows with the length of what it is given and makes. With so many letters to spend, all
together take seconds; some minutes where somebody looks for the slowest.
"""

from collections.abc import Collection, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

from jinja2 import Undefined
from jinja2.exceptions import SecurityError
from jinja2.utils import Namespace

_TURNS = 30_000
"""Of all loops of one rendering together, with its calls and includes."""

_LETTERS = 20_000_000
"""Of all that one rendering writes, and that its filters, calls, comparisons and lists are given and make. Ours
use less than 50,000; one that looks through a hundred products for each of them some millions."""

LONGEST = 200_000
"""Letters of one text, or of all that stands in a list: some filters take the square of it."""

_BITS = 15_000
"""Of a number: Python reads none that is longer, but for those that are written to another base than ten."""

_left: ContextVar[list[int]] = ContextVar("turns and letters")


@contextmanager
def allowance() -> Iterator[None]:
    before = _left.set([_TURNS, _LETTERS])
    try:
        yield
    finally:
        _left.reset(before)


def turn() -> None:
    left = _left.get()
    left[0] -= 1
    if left[0] < 0:
        raise SecurityError(f"more than {_TURNS} turns of loops and calls in one mail; make fewer")


def turns(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        turn()
        yield item


def spend(letters: int) -> None:
    left = _left.get()
    left[1] -= letters
    if left[1] < 0:
        raise SecurityError(
            f"one mail makes more than {_LETTERS} characters; make shorter texts, or fewer"
        )


def spent(value: Any) -> Any:
    """The value, paid for."""
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise SecurityError("this number is too long")
    length = size(value)
    short(length)
    spend(length)
    return value


def short(length: int, most: int = LONGEST) -> None:
    if length > most:
        raise SecurityError(f"this makes more than {most} characters; make it of less")


def size(value: Any) -> int:
    """Letters and things, as far as they are counted. A list whose lists stand in it many times is small, and what is
    made of it is not."""
    ahead, found = [value], 0
    while ahead and found <= LONGEST:
        each = ahead.pop()
        held = _held(each)
        ahead += held
        counted = not held and isinstance(each, Sized) and not isinstance(each, Undefined)
        found += max(1, len(each)) if counted else 1
    return found


def _held(value: Any) -> Collection[Any]:
    """What stands in it, and is written out with it."""
    match value:
        case list() | tuple():
            return value
        case dict():
            return [*value, *value.values()]
        case SimpleNamespace():
            return vars(value).values()
        case Namespace():
            attributes: dict[str, Any] = value._Namespace__attrs
            return attributes.values()
    return ()
