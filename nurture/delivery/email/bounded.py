"""A sandbox whose templates end, as soon as `allowance` says."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import CodeType
from typing import Any

from jinja2 import Template, TemplateSyntaxError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from nurture.delivery.email.allowance import allowance, spend, spent, turn, turns
from nurture.delivery.email.multiplying import braces, modest, percents, repeated
from nurture.playbook.placeholders import Shallow

_SLOW = frozenset(["encode", "to_bytes"])
"""No mail has bytes, and some encodings take minutes."""

_FREE = frozenset(
    ["count", "d", "default", "defined", "first", "last", "length", "none", "undefined"]
)
"""What looks at no letter of what it is given."""

_BUILT = nodes.List | nodes.Tuple | nodes.Dict | nodes.Concat | nodes.Compare
"""What stands in them is paid for there; and each level more takes stack of Jinja's compiler."""


class _Ending(Template):
    def render(self, *args: Any, **kwargs: Any) -> str:
        with allowance():
            return super().render(*args, **kwargs)


class Bounded(Shallow, ImmutableSandboxedEnvironment):
    """Raises SecurityError in the template's line."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    template_class = _Ending

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, finalize=_written_out, **kwargs)
        self.filters |= {
            name: _counting(name, each) for name, each in self.filters.items() if name not in _FREE
        }
        self.tests |= {
            name: _counting("", each) for name, each in self.tests.items() if name not in _FREE
        }
        self.filters |= {"_turns": turns, "_spent": spent}

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        for node in source.find_all(nodes.Node):
            for field in _costly(node):
                setattr(node, field, _through("_spent", getattr(node, field)))
            if isinstance(node, nodes.For):
                node.iter = _through("_turns", node.iter)
        source.set_environment(self)
        return super()._generate(source, *args, **kwargs)

    def _compile(self, source: str, filename: str) -> CodeType:
        """What Jinja lets pass and Python does not, such as an argument given twice."""
        try:
            return super()._compile(source, filename)
        except SyntaxError as error:
            raise TemplateSyntaxError(error.msg, 1, None, filename) from error

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in _SLOW and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise SecurityError("powers are not for templates")
        if operator == "*":
            repeated(left, right)
        if operator == "%" and isinstance(left, str):
            percents(left, spent(right))
        return spent(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        turn()
        if isinstance(__obj, LoopContext):
            args = (turns(args[0]), *args[1:])
        do = partial(super().call, __context, __obj, *args, **kwargs)
        if isinstance(__obj, LoopContext | Macro):  # what they do is counted as they do it
            return spent(do())
        method = getattr(__obj, "__wrapped__", __obj)
        owner = getattr(method, "__self__", None)
        if not isinstance(owner, str | list | tuple):
            return _counted("", do, None, *args, *kwargs.values())
        if isinstance(owner, str) and method.__name__.startswith("format"):
            braces(owner, spent((args, kwargs)))
        return _counted(method.__name__, do, owner, *args, *kwargs.values())

    def get_template(self, *args: Any, **kwargs: Any) -> Template:
        """Asked for whenever a mail comes to an include."""
        turn()
        return super().get_template(*args, **kwargs)

    @staticmethod
    def concat(parts: Iterable[str]) -> str:
        return "".join(_less(part) for part in parts)


def _costly(node: nodes.Node) -> list[str]:
    """Where that stands which takes longer the longer it is."""
    match node:
        case nodes.Concat():
            return ["nodes"]
        case nodes.List() | nodes.Tuple(ctx="load"):
            return ["items"]
        case nodes.Pair():
            return ["key", "value"]
        case nodes.Compare() | nodes.Operand():
            return ["expr"]
        case nodes.Getitem(node=nodes.Getitem(arg=nodes.Slice()), arg=nodes.Slice()):
            return []
        case nodes.Getitem(arg=nodes.Slice()):
            return ["node"]
        case nodes.Getitem():
            return ["arg"]
    return []


def _through(name: str, node: Any) -> Any:
    if isinstance(node, list):
        return [_through(name, each) for each in node]
    if name == "_spent" and isinstance(node, _BUILT):
        return node
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _less(text: str) -> str:
    spend(len(text))
    return text


@pass_context
def _written_out(_: Context, value: Any) -> str:
    spent(value)
    return value if isinstance(value, str) else spent(str(value))


def _counting(name: str, filter_: Any) -> Callable[..., Any]:
    """A filter or a test."""
    wanted = getattr(filter_, "__dict__", {})  # such as the environment, which then comes first
    first = 1 if "jinja_pass_arg" in wanted else 0

    def checked(*args: Any, **kwargs: Any) -> Any:
        value, *others = (*args[first:], *kwargs.values())
        if name == "format":
            percents(str(spent(value)), spent(others))
        return _counted(name, partial(filter_, *args, **kwargs), value, *others)

    checked.__dict__.update(wanted)
    return checked


def _counted(name: str, do: Callable[[], Any], value: Any, *others: Any) -> Any:
    for each in (value, *others):
        spent(each)
    modest(name, value, others)
    made = do()
    return spent(list(made) if isinstance(made, Iterator) else made)
