"""What may make a long text of short ones: a look at what comes of it, before it is begun."""

import re
from collections.abc import Collection, Iterator, Sequence, Sized
from itertools import permutations
from string import Formatter
from typing import Any

from jinja2.exceptions import SecurityError

from nurture.delivery.email.allowance import LONGEST, short, size, spend

_LARGEST = 10_000_000
"""Letters that nothing is begun for; a rough look, since what comes of it is looked at, too."""

_BITS = 64

_ALIGNS = {"center", "expandtabs", "ljust", "rjust", "zfill"}
_PADS = _ALIGNS | {"batch", "indent", "round", "slice", "tojson"}
"""What makes as much as a number says."""

_MULTIPLIES = _PADS | {"translate", "wordwrap"}


def modest(name: str, value: Any, others: Collection[Any]) -> None:
    """A filter of a value, or a method of it."""
    if name == "replace":
        short(size(value) + _replaced(str(value), [str(each) for each in others]), _LARGEST)
    elif name == "join":
        short(size([value, *others]) + _between([value, *others]), _LARGEST)
    elif name in _MULTIPLIES:
        most = max((_times(name, each) for each in others), default=1)
        short(size(value) * most, _LARGEST)


def _replaced(text: str, others: Sequence[str]) -> int:
    """What comes in at most; which is the old one is not known where they are named."""
    pairs = ((old, new) for old, new in permutations(others, 2) if old or old is others[0])
    return max((text.count(old) * len(new) for old, new in pairs), default=0)


def _between(things: Sequence[Any]) -> int:
    """What stands between the items of whichever is a list; in `"-".join(…)` it is the second."""
    items = [each for each in things if not isinstance(each, str)] or things
    number = max(len(each) if isinstance(each, Sized) else LONGEST for each in items)
    return number * max((len(each) for each in things if isinstance(each, str)), default=0)


def _times(name: str, value: Any) -> int:
    if isinstance(value, int) and name in _PADS:
        short(abs(value))
        spend(abs(value))
        return max(1, abs(value))
    return LONGEST if isinstance(value, Iterator) else size(value)


def repeated(left: Any, right: Any) -> None:
    for what, times in ((left, right), (right, left)):
        if isinstance(times, int) and times.bit_length() > _BITS:
            raise SecurityError(f"numbers of more than {_BITS} bits are not multiplied")
        if isinstance(times, int) and isinstance(what, Sized):
            short(size(what) * times)


def braces(pattern: str, values: Any) -> None:
    """A format(): each field says how wide it is. What it reaches into may hide a text of any length."""
    fields = [
        (name or "", spec) for _, name, spec, _ in Formatter().parse(pattern) if spec is not None
    ]
    if any("{" in spec for _, spec in fields):
        raise SecurityError("a width that is made of a value; write it as a number")
    hidden = sum("." in name or "[" in name for name, _ in fields) * LONGEST
    _formatted(len(fields), " ".join(spec for _, spec in fields), values, hidden)


def percents(pattern: str, values: Any) -> None:
    """The same for `%`."""
    pattern = pattern.replace("%%", "")
    begins = "[%)]" if "%(" in pattern else "%"  # `)` ends the name of a value
    widths = " ".join(re.findall(begins + r"[-+ #0-9.*]*", pattern))
    if "*" in widths:  # it comes with the values
        widths += f" {values}"
    _formatted(pattern.count("%"), widths, values)


def _formatted(fields: int, widths: str, values: Any, hidden: int = 0) -> None:
    widest = max(map(int, re.findall(r"\d{1,9}", widths)), default=0)
    short(fields * (size(values) + widest) + hidden, _LARGEST)
