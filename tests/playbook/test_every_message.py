"""Every message of the playbook's checks stands, word for word, in some test: whoever adds one adds its test.

Read from the source: what `wrong`, `Problem`, `Finding` and `InputError` are given, with anything in the
place of what is put in when they run. Messages that come from tables are asked for by themselves.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from nurture.playbook.validation import _EXPECTED, _LIMITS

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    file
    for room in ("nurture/playbook", "nurture/simulation", "nurture/delivery/email")
    for file in (ROOT / room).glob("*.py")
)
MAKERS = {"wrong": (0, 1), "Problem": (0, 1), "Finding": (3, 4), "InputError": (0,)}
"""Who makes a message, and which of its arguments are words for people."""

_ESCAPED = re.compile(r"\\(?=.)")
_ANYTHING = "[^\1]*?"
"""Within one text: \\1 stands between two."""


def sites() -> Iterator[tuple[str, str]]:
    """Where a message is made, and the pattern of each of its texts."""
    for file in SOURCES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for function in [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]:
            for call in [n for n in ast.walk(function) if isinstance(n, ast.Call)]:
                name = call.func.id if isinstance(call.func, ast.Name) else ""
                for position in MAKERS.get(name, ()):
                    for text in texts(argument(call, position), function):
                        yield f"{file.relative_to(ROOT)}:{call.lineno}", text


def argument(call: ast.Call, position: int) -> ast.expr | None:
    return call.args[position] if position < len(call.args) else None


def texts(node: ast.AST | None, function: ast.FunctionDef) -> Iterator[str]:
    """The patterns of what the expression can say, as far as it stands in the source."""
    match node:
        case ast.Constant(value=str(text)) if text:
            yield re.escape(text)
        case ast.JoinedStr():
            yield pattern(node)
        case ast.IfExp():
            yield from texts(node.body, function)
            yield from texts(node.orelse, function)
        case ast.Call(func=ast.Name(id="suggest"), args=[_, _, otherwise]):
            yield from texts(otherwise, function)
        case ast.Name(id=name) if function is not None:
            for each in ast.walk(function):
                match each:
                    case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                        yield from texts(value, None)


def pattern(node: ast.JoinedStr) -> str:
    return "".join(
        re.escape(part.value) if isinstance(part, ast.Constant) else ".*?" for part in node.values
    )


def golden() -> Iterator[str]:
    """Every text in the tests; what is put into one when it runs is left out."""
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
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
        if not re.search(pattern.replace(".*?", _ANYTHING), everything)
    ]
    told = "\n".join(missing)
    assert not missing, f"no test holds these words; add one to test_findings.py:\n{told}"


def test_the_messages_are_really_found() -> None:
    """A renamed helper must not make the test above pass by looking at nothing."""
    assert len(set(sites())) > 150
