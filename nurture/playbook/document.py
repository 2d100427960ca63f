"""YAML text -> plain values, with the place of each in its file.

Built on ruamel's node tree rather than its loader, so that every key and value keeps its line and column,
and all mistakes of a file are found at once. YAML 1.2: `no` and `08:00` stay text. Anchors, aliases, merge
keys and tags are refused: a playbook says everything where it is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from nurture.domain.errors import Finding
from nurture.playbook.findings import Problem

Path = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_PLAIN = {
    f"{_TAG}{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
}
_TRUE = ("true", "True", "TRUE")


@dataclass
class Document:
    """One YAML file. `value` is made of dict, list, str, int, float and bool only.

    `blanks` are the places of keys that were left out of it, each with its finding.
    """

    file: str
    text: str
    value: Any = None
    findings: list[Finding] = field(default_factory=list)
    blanks: set[Path] = field(default_factory=set)
    _values: dict[Path, Node] = field(default_factory=dict)
    _keys: dict[Path, Node] = field(default_factory=dict)

    def at(self, path: Sequence[str | int], problem: Problem, key: bool = False) -> Finding:
        """The finding at that path (or the nearest that exists above it), at its key if asked."""
        wanted = tuple(path)
        node = self._keys.get(wanted) if key else None
        node = node or self._values.get(wanted)
        while node is None and wanted:
            wanted = wanted[:-1]
            node = self._values.get(wanted)
        line, column = (1, 1) if node is None else self._place(node, problem)
        return Finding(self.file, line, column, problem.text, problem.remedy)

    def _place(self, node: Node, problem: Problem) -> tuple[int, int]:
        """Where `problem` stands in the file, given where it stands in the scalar's text."""
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        style = node.style if isinstance(node, ScalarNode) else None
        if (problem.line, problem.column) == (1, 1) and style not in ("|", ">"):
            return line, column
        lines = [row.rstrip() for row in self.text.split("\n")]
        if style in ("|", ">"):
            rows = [(n, *_unindented(lines[n])) for n in range(line, len(lines))]
        else:
            start = column if style else column - 1
            rows = [(line - 1, start, lines[line - 1][start:])]
            rows += [(n, *_unindented(lines[n])) for n in range(line, len(lines))]
        if style == "|":
            row, indent = line + problem.line, rows[0][1] if rows else 0
            return row, indent + problem.column
        return _unfolded(rows, problem) or (line, column)


@lru_cache(maxsize=256)
def parse(file: str, text: str) -> Document:
    """Read one file. What cannot be read is left out of `value` and named in `findings`.

    Kept for a while, since most files of two versions of a playbook are the same.
    """
    document = Document(file, text)
    try:
        root = YAML(typ="safe", pure=True).compose(text)
        document.value = _Reader(document).value((), root) if root is not None else {}
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "end>" in str(error.problem) and error.context_mark:  # where it began says more
            mark = error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = f"this is not YAML: {error.problem or error.context}"
        document.findings.append(Finding(file, line, column, problem, "look for a quote or indent"))
    except YAMLError as error:
        first = str(error).splitlines()[0]
        document.findings.append(Finding(file, 1, 1, f"this is not YAML: {first}"))
    except RecursionError:
        document.findings.append(
            Finding(file, 1, 1, "this is nested too deeply", "write it flatter")
        )
    return document


def _unindented(row: str) -> tuple[int, str]:
    text = row.lstrip()
    return len(row) - len(text), text


def _unfolded(rows: Sequence[tuple[int, int, str]], problem: Problem) -> tuple[int, int] | None:
    """The place in a scalar whose lines were joined by spaces. `rows`: line from 0, indent, text."""
    left = problem.column
    for number, indent, text in rows:
        if problem.line > 1 or not text:
            return None
        if left <= len(text) + 1:
            return number + 1, indent + left
        left -= len(text) + 1
    return None


class _Reader:
    """Walks the node tree once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen: set[int] = set()

    def value(self, path: Path, node: Node) -> Any:
        """The plain value; None when there is nothing usable."""
        self._document._values[path] = node
        if id(node) in self._seen or node.tag not in _PLAIN or node.anchor:
            self._refuse(path, "anchors, aliases and tags mean nothing here", "write the value out")
            return None
        self._seen.add(id(node))
        if isinstance(node, MappingNode):
            return dict(self._pairs(path, node))
        if isinstance(node, SequenceNode):
            return list(self._items(path, node))
        return self._scalar(path, node, str(node.tag).removeprefix(_TAG))

    def _pairs(self, path: Path, node: MappingNode) -> Iterator[tuple[str, Any]]:
        names: set[str] = set()
        for key, child in node.value:
            self._document._keys.setdefault((*path, str(key.value)), key)
            if not isinstance(key, ScalarNode) or key.tag != f"{_TAG}str":
                self._misplaced(path, key, "a key must be text", "put it in quotes")
            elif key.value in names:
                self._misplaced(path, key, f'"{key.value}" is given twice', "keep one of them")
            else:
                names.add(key.value)
                value = self.value((*path, key.value), child)
                if value is None:
                    self._document.blanks.add((*path, key.value))
                else:
                    yield key.value, value

    def _items(self, path: Path, node: SequenceNode) -> Iterator[Any]:
        index = 0
        for child in node.value:
            value = self.value((*path, index), child)
            if value is not None:
                index += 1
                yield value

    def _scalar(self, path: Path, node: Node, kind: str) -> Any:
        text = str(node.value)
        match kind:
            case "null":
                problem = Problem("there is no value here", "give one, or leave the key out")
                self._document.findings.append(self._document.at(path, problem, key=True))
                return None
            case "bool":
                return text in _TRUE
            case "int" | "float":
                return self._number(path, text, kind)
            case _:
                return text

    def _number(self, path: Path, text: str, kind: str) -> int | float | None:
        try:
            return int(text) if kind == "int" else float(text)
        except ValueError:
            self._refuse(path, f'"{text}" is not a number', "write digits, or put it in quotes")
            return None

    def _refuse(self, path: Path, text: str, remedy: str) -> None:
        self._document.findings.append(self._document.at(path, Problem(text, remedy)))

    def _misplaced(self, path: Path, key: Node, text: str, remedy: str) -> None:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        self._document.findings.append(Finding(self._document.file, line, column, text, remedy))
