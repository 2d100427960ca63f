"""Jinja's tags in texts of marketers, read without ever running out of stack.

Jinja's reader and its compiler call themselves for every level, and Python, which it makes of a template, nests no more
than twenty loops. Where that ends depends on who calls; so it ends here, at a level that all of them can do.
"""

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

_BLOCKS = 16
"""Conditions and loops within each other."""

_TERMS = 100
"""Levels of one expression; a sum of so many values is one."""

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
        except ValueError as error:  # Python reads no number of more than 4300 digits
            line = parser.stream.current.lineno
            raise TemplateSyntaxError("this number is too long", line, name, filename) from error
        if line:
            raise TemplateSyntaxError(TOO_DEEP, line, name, filename)
        return tree


def parse(text: str) -> None:
    """Raises TemplateSyntaxError when the placeholders cannot be read."""
    Shallow(autoescape=True).parse(text)


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
