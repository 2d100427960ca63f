"""A sandbox whose templates end: no loop and no repetition in them can keep a worker from everything else."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from types import CodeType
from typing import Any

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from nurture.playbook.placeholders import Shallow

_TURNS = 10_000
"""Of all loops of one rendering together."""

_LONGEST = 100_000
"""Characters that one repetition or one padding may make, and the largest number that a template hands on."""

_WIDTH = re.compile(r"\d{5,}")

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

    intercepted_binops = frozenset({"*", "**", "%"})
    template_class = _Ending

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["_counted"] = _counted
        for name in ("batch", "center", "indent", "slice", "truncate", "wordwrap"):
            self.filters[name] = _modest(self.filters[name])
        self.filters["format"] = _formatted(self.filters["format"])

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        for loop in source.find_all(nodes.For):
            counted = nodes.Filter(loop.iter, "_counted", [], [], None, None)
            loop.iter = counted.set_lineno(loop.lineno)
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
        if operator == "*":
            _short(left, right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        _small(args, kwargs)
        return super().call(__context, __obj, *args, **kwargs)


def _written(code: str, at: int) -> int:
    """The template's line behind one of Jinja's Python, which tells at its end which begin where: `1=9&2=12`."""
    pairs = re.findall(r"(\d+)=(\d+)", code.rpartition("\ndebug_info = ")[2])
    return max((int(line) for line, begins in pairs if int(begins) <= at), default=1)


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    left = _left.get()
    for item in items:
        left[0] -= 1
        if left[0] < 0:
            raise SecurityError(f"more than {_TURNS} turns of loops in one mail")
        yield item


def _modest(filter_: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*args: Any, **kwargs: Any) -> Any:
        _small(args, kwargs)
        return filter_(*args, **kwargs)

    checked.__dict__.update(filter_.__dict__)  # whether it wants the environment
    return checked


def _formatted(filter_: Callable[..., Any]) -> Callable[..., Any]:
    def checked(value: Any, *args: Any, **kwargs: Any) -> Any:
        _narrow(str(value))
        return filter_(value, *args, **kwargs)

    return checked


def _small(args: Iterable[Any], kwargs: dict[str, Any]) -> None:
    for value in (*args, *kwargs.values()):
        if isinstance(value, int) and abs(value) > _LONGEST:
            raise SecurityError(f"numbers above {_LONGEST} are not for templates to hand on")


def _narrow(pattern: str) -> None:
    if _WIDTH.search(pattern) or "*" in pattern:
        raise SecurityError("no width has more than four digits")


def _short(left: Any, right: Any) -> None:
    for what, times in ((left, right), (right, left)):
        if isinstance(times, int) and hasattr(what, "__len__") and len(what) * times > _LONGEST:
            raise SecurityError(f"repeated to more than {_LONGEST} characters")
