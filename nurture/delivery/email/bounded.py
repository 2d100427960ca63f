"""A sandbox whose templates end: no loop and no repetition in them can keep a worker from everything else."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from math import prod
from types import CodeType
from typing import Any

from jinja2 import Template, TemplateSyntaxError, nodes, pass_eval_context
from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from nurture.playbook.placeholders import Shallow

_TURNS = 10_000
"""Of all loops of one rendering together, with its calls and includes."""

_LONGEST = 100_000
"""Characters that one repetition, joining or padding may make, and the largest number that a template hands on."""

_LARGEST = 10_000_000
"""What is handed to one call, each by its length, multiplied: more it cannot make of it."""

_MAIL = 1_000_000
"""Characters of one mail."""

_BITS = 64

_PADS = frozenset(["batch", "center", "indent", "slice", "truncate", "wordwrap"])

_WIDE = re.compile(r"\d{5,}|\*")
"""With `*` the width comes with the values."""
_WIDE_FIELD = re.compile(r"\{[^{}]*(?:\d{5,}|:[^{}]*\{)")
"""The same for format()."""

_left: ContextVar[list[int]] = ContextVar("turns")


class _Ending(Template):
    def render(self, *args: Any, **kwargs: Any) -> str:
        before = _left.set([_TURNS])
        try:
            return super().render(*args, **kwargs)
        finally:
            _left.reset(before)


class Bounded(Shallow, ImmutableSandboxedEnvironment):
    """Raises SecurityError in the template's line."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    template_class = _Ending

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, finalize=_written_out, **kwargs)
        self.filters["join"] = _as_list(self.filters["join"])
        self.filters |= {name: _modest(each, name in _PADS) for name, each in self.filters.items()}
        self.filters |= {"_counted": _counted, "_sized": _sized}
        self.filters["format"] = _formatted(self.filters["format"])

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        for loop in source.find_all(nodes.For):
            counted = nodes.Filter(loop.iter, "_counted", [], [], None, None)
            loop.iter = counted.set_lineno(loop.lineno)
        for joined in source.find_all(nodes.Concat):
            joined.nodes = [
                nodes.Filter(each, "_sized", [], [], None, None, lineno=joined.lineno)
                for each in joined.nodes
            ]
        source.set_environment(self)
        return super()._generate(source, *args, **kwargs)

    def _compile(self, source: str, filename: str) -> CodeType:
        """What Jinja lets pass and Python does not, such as an argument given twice."""
        try:
            return super()._compile(source, filename)
        except SyntaxError as error:
            line = _written(source, error.lineno or 1)
            raise TemplateSyntaxError(error.msg, line, None, filename) from error

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise SecurityError("powers are not for templates")
        if operator == "%" and isinstance(left, str):
            _narrow(left)
            _fit((left, right), {})
        if operator == "*":
            _short(left, right)
        if operator == "+":
            _sized(left), _sized(right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        _turn()
        owner = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", None)
        _small(args, kwargs)
        if isinstance(owner, str):
            _fit((owner, *args), kwargs)
            if __obj.__name__.startswith("format"):
                _narrow(owner, _WIDE_FIELD)
        return super().call(__context, __obj, *args, **kwargs)

    def get_template(self, *args: Any, **kwargs: Any) -> Template:
        """Asked for whenever a mail comes to an include."""
        _turn()
        return super().get_template(*args, **kwargs)

    @staticmethod
    def concat(parts: Iterable[str]) -> str:
        return "".join(_counted_letters(parts))


def _written(code: str, at: int) -> int:
    """The template's line behind one of Jinja's Python, which tells at its end which begin where: `1=9&2=12`."""
    pairs = re.findall(r"(\d+)=(\d+)", code.rpartition("\ndebug_info = ")[2])
    return max((int(line) for line, begins in pairs if int(begins) <= at), default=1)


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        _turn()
        yield item


def _turn() -> None:
    left = _left.get()
    left[0] -= 1
    if left[0] < 0:
        raise SecurityError(f"more than {_TURNS} turns of loops and calls in one mail")


def _counted_letters(parts: Iterable[str]) -> Iterator[str]:
    length = 0
    for part in parts:
        length += len(part)
        if length > _MAIL:
            raise SecurityError(f"more than {_MAIL} characters in one mail")
        yield part


def _written_out(value: Any) -> Any:
    """A list whose lists stand in it many times is small, and its text is not."""
    if isinstance(value, list | tuple | dict):
        _fit((value,), {})
    return value


def _sized(value: Any) -> Any:
    """A value that is joined to others."""
    _written_out(value)
    if hasattr(value, "__len__") and len(value) > _LONGEST:
        raise SecurityError(f"more than {_LONGEST} characters cannot be joined to others")
    return value


def _modest(filter_: Callable[..., Any], pads: bool) -> Callable[..., Any]:
    def checked(*args: Any, **kwargs: Any) -> Any:
        if pads:
            _small(args, kwargs)
        _fit(args, kwargs)
        return filter_(*args, **kwargs)

    checked.__dict__.update(getattr(filter_, "__dict__", {}))  # whether it wants the environment
    return checked


def _as_list(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """What comes one by one has no length beforehand."""

    @pass_eval_context
    def checked(context: EvalContext, value: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        items = list(value)
        _fit((items, *args), kwargs)
        return filter_(context, items, *args, **kwargs)

    return checked


def _formatted(filter_: Callable[..., Any]) -> Callable[..., Any]:
    def checked(value: Any, *args: Any, **kwargs: Any) -> Any:
        _narrow(str(value))
        return filter_(value, *args, **kwargs)

    return checked


def _small(args: Iterable[Any], kwargs: Mapping[str, Any]) -> None:
    for value in (*args, *kwargs.values()):
        if isinstance(value, int) and abs(value) > _LONGEST:
            raise SecurityError(f"numbers above {_LONGEST} are not for templates to hand on")


def _fit(args: Iterable[Any], kwargs: Mapping[str, Any]) -> None:
    sizes = (_size(value) for value in (*args, *kwargs.values()))
    if prod(sizes) > _LARGEST:
        raise SecurityError(f"more than {_LARGEST} characters may come of this")


def _size(value: Any) -> int:
    if isinstance(value, int):
        return min(max(1, abs(value)), _LONGEST)
    ahead, size, lists = [value], 0, 0
    while ahead and size <= _LARGEST and lists <= _LONGEST:
        each = ahead.pop()
        size += max(1, len(each)) if isinstance(each, str) else 1
        if isinstance(each, list | tuple | dict):
            ahead += each.values() if isinstance(each, dict) else each
            lists += 1
    return _LARGEST + 1 if ahead else size


def _narrow(pattern: str, wide: re.Pattern[str] = _WIDE) -> None:
    if wide.search(pattern):
        raise SecurityError("no width has more than four digits")


def _short(left: Any, right: Any) -> None:
    for what, times in ((left, right), (right, left)):
        if isinstance(times, int) and times.bit_length() > _BITS:
            raise SecurityError(f"numbers of more than {_BITS} bits are not multiplied")
        if isinstance(times, int) and hasattr(what, "__len__") and len(what) * times > _LONGEST:
            raise SecurityError(f"repeated to more than {_LONGEST} characters")
