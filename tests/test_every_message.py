"""A message is a promise to whoever reads it: each one made anywhere in the house is held word by word by a test.

The sources are read, so a new message without a golden test is found here.
"""

import ast
import gc
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from nurture.playbook.validation import _EXPECTED, _LIMITS

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    file
    for room in (".", "commands", "embedded", "workflows", "activities", "nurture")
    for file in (ROOT / room).glob("*.py" if room in (".", "embedded") else "**/*.py")
)
"""All of the house but the stand-ins of the ad platforms, which say what the platforms say."""

MAKERS = {
    "wrong": (0, 1),
    "Problem": (0, 1),
    "_at": (1, 2),
    "Finding": (3, 4),
    "InputError": (0,),
    "Forged": (0,),
    "Refusal": (2,),
    "HTTPException": (1,),
    "StartError": (0,),
    "Disagreement": (0,),
    "Ended": (0,),
}
"""Who makes a message, and which of its arguments are words for people."""
WITHOUT_WORDS = {"PlaybookError", "Wrong", "DeliveryError", "TooMany"}
"""Errors made of findings, of a stable word for programs, or of a time."""

_ESCAPED = re.compile(r"\\(?=.)")
_ANYTHING = "[^\1]*?"
"""Within one text: \\1 stands between two."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Scope:
    """Where names are looked up: the function a message is made in, and those of its module that return text."""

    functions: Mapping[str, _Function]
    inside: _Function | None

    def texts(self, node: ast.AST | None) -> Iterator[str]:
        """The patterns of what the expression can say, as far as it stands in the source."""
        match node:
            case ast.Constant(value=str(text)) if text:
                yield re.escape(text)
            case ast.JoinedStr():
                yield pattern(node)
            case ast.IfExp(body=one, orelse=other) | ast.BoolOp(values=[one, other]):
                yield from self.texts(one)
                yield from self.texts(other)
            case ast.Call(func=ast.Name(id="suggest"), args=[_, _, otherwise]):
                yield from self.texts(otherwise)
            case ast.Call(func=ast.Attribute(attr="join"), args=[ast.GeneratorExp(elt=each)]):
                yield from self.texts(each)
            case ast.Call(func=ast.Name(id=name)) if name in self.functions:
                yield from self.returned(self.functions[name])
            case ast.Name(id=name):
                yield from self.assigned(name)

    def returned(self, function: _Function) -> Iterator[str]:
        rest = {name: each for name, each in self.functions.items() if each is not function}
        scope = Scope(rest, function)
        for each in ast.walk(function):
            if isinstance(each, ast.Return):
                yield from scope.texts(each.value)

    def assigned(self, name: str) -> Iterator[str]:
        if self.inside is None:
            return
        scope = replace(self, inside=None)
        for each in ast.walk(self.inside):
            match each:
                case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                    yield from scope.texts(value)


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _within_one(pattern: str) -> str:
    """What stands before and behind the fixed words is not looked for: it would cost minutes."""
    inner = re.sub(r"^(\.\*\?)+|(\.\*\?)+$", "", pattern)
    return inner.replace(".*?", _ANYTHING)


def pattern(node: ast.JoinedStr) -> str:
    return "".join(
        re.escape(part.value) if isinstance(part, ast.Constant) else ".*?" for part in node.values
    )


def sites(
    makers: Mapping[str, Sequence[int]] = MAKERS, sources: Iterable[Path] = SOURCES
) -> Iterator[tuple[str, str]]:
    """Where a message is made, and the pattern of each of its texts."""
    for file in sources:
        tree = parsed(file)
        functions = [node for node in ast.walk(tree) if isinstance(node, _Function)]
        named = {function.name: function for function in functions}
        for function in functions:
            for call in [n for n in ast.walk(function) if isinstance(n, ast.Call)]:
                name = call.func.id if isinstance(call.func, ast.Name) else ""
                for position in makers.get(name, ()):
                    for text in Scope(named, function).texts(argument(call, position)):
                        yield f"{file.relative_to(ROOT)}:{call.lineno}", text


def argument(call: ast.Call, position: int) -> ast.expr | None:
    return call.args[position] if position < len(call.args) else None


def golden(*rooms: str) -> Iterator[str]:
    """Every text in the tests, or in those of some rooms; what is put into one when it runs is left out."""
    folders = [ROOT / "tests" / room for room in rooms or (".",)]
    for file in sorted(file for folder in folders for file in folder.rglob("test_*.py")):
        for node in ast.walk(parsed(file)):
            match node:
                case ast.Constant(value=str(text)):
                    yield text
                case ast.JoinedStr():
                    yield "".join(
                        part.value if isinstance(part, ast.Constant) else "\0"
                        for part in node.values
                    )


def looked_for() -> list[tuple[str, str]]:
    tables = [*_EXPECTED.values(), *(limit.partition("{")[0] for limit in _LIMITS.values())]
    return [*sites(), *(("nurture/playbook/validation.py", re.escape(text)) for text in tables)]


def test_every_message_has_a_golden_test() -> None:
    everything = "\1".join(each for text in golden() for each in (text, text.replace("\\", "")))
    missing = [
        f"{place}: {_ESCAPED.sub('', pattern)}"
        for place, pattern in sorted(set(looked_for()))
        if not re.search(_within_one(pattern), everything)
    ]
    told = "\n".join(missing)
    assert not missing, f"no test holds these words:\n{told}"


@pytest.fixture(autouse=True)
def _undisturbed() -> Iterator[None]:
    """Greenlets that earlier tests left are taken away before the sources are read: in the middle of it that
    changes the depth of the stack, which CPython's parser takes for an error of its own."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_the_messages_are_really_found() -> None:
    """A renamed helper must not make the test above pass by looking at nothing."""
    assert len(set(sites())) > 400


def test_no_kind_of_error_is_overlooked() -> None:
    kinds = {
        node.name
        for file in SOURCES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name) and base.id in {"NurtureError", "InputError", "StartError"}
    }
    assert kinds <= MAKERS.keys() | WITHOUT_WORDS
