"""The words of a CEL expression: enough to see which names it uses and what it compares them with.

CEL's own checker knows types, not our names: it cannot see that `persona == "it-manger"` never holds.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<comment>//[^\n]*)
    | (?P<string>[bB]?[rR](?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
        | [bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))
    | (?P<name>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)
    | (?P<number>0x[\da-fA-F]+[uU]?|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?[uU]?)
    | (?P<sign>[=!<>]=|&&|\|\||\S)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """`kind` is string, name, number or sign. A string's `text` is without its quotes, `written` with them."""

    kind: str
    text: str
    line: int
    column: int
    written: str = ""


def tokens(source: str) -> list[Token]:
    """The words of `source` without comments; names with their dots, without spaces between."""
    found = []
    for match in _TOKEN.finditer(source):
        kind, text = str(match.lastgroup), match[0]
        if kind == "comment":
            continue
        before = source[: match.start()]
        line, column = before.count("\n") + 1, match.start() - before.rfind("\n")
        if kind == "name":
            text = "".join(text.split())
        elif kind == "string":
            text = text.lstrip("rRbB").strip(text[-1])
        found.append(Token(kind, text, line, column, match[0]))
    return found


def compared(words: Sequence[Token], name: str) -> Iterator[Token]:
    """The strings that `name` is compared with by ==, != or in [...]."""
    for index, word in enumerate(words):
        if word.kind != "name" or word.text != name:
            continue
        before, after = words[max(0, index - 2) : index], words[index + 1 : index + 3]
        for pair in (after, before[::-1]):
            if len(pair) == 2 and pair[0].text in ("==", "!=") and pair[1].kind == "string":
                yield pair[1]
        if [token.text for token in after] == ["in", "["]:
            yield from _until_bracket(words[index + 3 :])


def arguments(words: Sequence[Token], index: int) -> list[Token] | None:
    """The literal texts with which the name at `index` is called; None when it is called otherwise."""
    rest = words[index + 1 :]
    if not rest or rest[0].text != "(":
        return None
    found: list[Token] = []
    for position, token in enumerate(rest[1:]):
        if token.kind == "sign" and token.text == ")" and position % 2 == 1:
            return found
        if position % 2 == 0 and token.kind == "string":
            found.append(token)
        elif not (position % 2 == 1 and token.text == ","):
            return None
    return None


def patterns(words: Sequence[Token]) -> Iterator[Token]:
    """The literal regular expressions: what stands alone as the last argument of a call of `matches`."""
    for index, word in enumerate(words):
        if word.kind == "name" and word.text.rpartition(".")[2] == "matches":
            call = _call(words[index + 1 :])
            if len(call) > 1 and call[-1].kind == "string" and call[-2].text in ("(", ","):
                yield call[-1]


def _call(words: Sequence[Token]) -> Sequence[Token]:
    """From the opening parenthesis up to the closing one, which is left out."""
    depth = 0
    for index, word in enumerate(words):
        if word.kind == "sign":
            depth += (word.text == "(") - (word.text == ")")
        if depth == 0:
            return words[:index]
    return words


def _until_bracket(words: Sequence[Token]) -> Iterator[Token]:
    for word in words:
        if word.kind == "sign" and word.text == "]":
            return
        if word.kind == "string":
            yield word
