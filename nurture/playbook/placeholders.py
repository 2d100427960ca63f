"""Jinja's tags in texts of marketers, read without ever running out of stack.

Jinja's reader and its compiler call themselves for every level, and Python, which it makes of a template, nests no more
than twenty loops. Where that ends depends on who calls; so it ends here, at a level that all of them can do.
"""

from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Token, TokenStream
from jinja2.parser import Parser

_BLOCKS = 16
"""Conditions and loops within each other."""

_TERMS = 100
"""Levels of one expression; a sum of so many values is one."""

_BRACKETS = 30
"""Within each other. They make no level of an expression, and the reader calls itself a dozen times for each."""

_OPENS = frozenset(["lparen", "lbracket", "lbrace"])
_CLOSES = frozenset(["rparen", "rbracket", "rbrace"])

TOO_DEEP = "this is nested too deeply; write it flatter"


class Shallow(Environment):
    """Raises TemplateSyntaxError at the line that is nested too deeply."""

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parser = Parser(self, source, name, filename)
        try:
            tree = parser.parse()
            line = _too_deep(tree)
        except RecursionError:
            line = parser.stream.current.lineno
        if line:
            raise TemplateSyntaxError(TOO_DEEP, line, name, filename)
        return tree

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        tokens = super()._tokenize(source, name, filename, state)
        return TokenStream(_read(tokens), name, filename)


def parse(text: str) -> None:
    """Raises TemplateSyntaxError when the placeholders cannot be read."""
    Shallow(autoescape=True).parse(text)


def _read(tokens: TokenStream) -> Iterator[Token]:
    try:
        yield from _flat(tokens)
    except ValueError as error:  # Python reads no number of more than 4300 digits
        line = tokens.current.lineno
        problem = "this number is too long"
        raise TemplateSyntaxError(problem, line, tokens.name, tokens.filename) from error


def _flat(tokens: TokenStream) -> Iterator[Token]:
    opened = 0
    for token in tokens:
        opened += (token.type in _OPENS) - (token.type in _CLOSES)
        if opened > _BRACKETS:
            raise TemplateSyntaxError(TOO_DEEP, token.lineno, tokens.name, tokens.filename)
        yield token


def _too_deep(tree: nodes.Template) -> int | None:
    """The first line that is; not by recursion, which is what is to be spared."""
    ahead: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
    while ahead:
        node, blocks, terms = ahead.pop()
        if blocks > _BLOCKS or terms > _TERMS:
            return node.lineno
        blocks += isinstance(node, nodes.Stmt) and not isinstance(node, nodes.Output)
        terms += isinstance(node, nodes.Expr)
        ahead += [(each, blocks, terms) for each in reversed([*node.iter_child_nodes()])]
    return None
