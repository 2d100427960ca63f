"""One file of a template made ready: MJML and style sheets are dealt with once, Jinja runs per mail."""

import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import mrml
from css_inline import CSSInliner
from jinja2 import Environment, Template, TemplateError, TemplateSyntaxError

from nurture.delivery.email.sandbox import FOLDER
from nurture.delivery.email.shelter import Origin, Restored, Shelter, Tag
from nurture.domain.errors import InputError

INCLUDE = re.compile(r"<mj-include\s+path=[\"']([^\"']*)[\"']\s*(?:/>|>\s*</mj-include>)")
_COMMENT = re.compile(r"<!--(?!\[if|<!\[endif)(?!jinja-).*?-->", re.DOTALL)
_SPAN = re.compile(r"at position (\d+):(\d+)")
_BROKEN = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


class Part:
    """A compiled file. `render` raises InputError naming the file and line that is to blame."""

    def __init__(self, environment: Environment, name: str, prepared: Restored) -> None:
        self._file = FOLDER + name
        self._origins = prepared.origins
        self._environment = environment
        try:
            code = environment.compile(prepared.text, name, self._file)
        except TemplateSyntaxError as error:
            raise self._error(error, error.lineno) from error
        self._template = Template.from_code(environment, code, environment.make_globals(None))

    def render(self, values: Mapping[str, Any]) -> str:
        try:
            return self._template.render(values)
        except _BROKEN as error:
            raise self._error(error, None) from error

    def _error(self, error: Exception, line: int | None) -> InputError:
        file = self._file
        if line is None:
            file, line = _innermost(error.__traceback__) or (file, 1)
        if file == self._file and self._origins:
            file, line = self._origins.get(line, Origin(self._file, 1))
        message = error.message if isinstance(error, TemplateError) else str(error)
        return InputError(_readable(message or type(error).__name__), f"{file}:{line}")


def plain(environment: Environment, name: str, text: str) -> Part:
    """A subject or a text body, which only Jinja touches."""
    return Part(environment, name, Restored(text, {}))


def body(environment: Environment, name: str, templates: Mapping[str, str]) -> Part:
    """body.mjml or body.html as HTML with its styles inline. Nothing is fetched from anywhere.

    Raises InputError with the place for broken MJML, Jinja or a missing include.
    """
    shelter = Shelter(environment)
    try:
        markup = _hidden(shelter, name, templates)
    except TemplateSyntaxError as error:
        raise InputError(
            _readable(error.message or ""), f"{error.filename}:{error.lineno}"
        ) from error
    html = _html(markup, name, shelter) if name.endswith(".mjml") else markup
    inliner = CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)
    html = inliner.inline(shelter.as_comments(html))
    for tag in shelter.lost(html):
        raise _misplaced(tag)
    return Part(environment, name, shelter.restore(html))


def _hidden(
    shelter: Shelter, name: str, templates: Mapping[str, str], chain: tuple[str, ...] = ()
) -> str:
    """The file with its includes in place. The engine's own includes lose a section's width."""
    if name in chain:
        raise InputError("this file includes itself", f"{FOLDER}{name}:1")
    markup = shelter.hide(FOLDER + name, templates[name])
    if not name.endswith(".mjml"):
        return markup

    def included(match: re.Match[str]) -> str:
        wanted = included_name(match[1])
        if wanted not in templates:
            line = templates[name][: templates[name].find(match[0])].count("\n") + 1
            raise InputError(f"there is no {FOLDER}{wanted}", f"{FOLDER}{name}:{line}")
        return _hidden(shelter, wanted, templates, (*chain, name))

    return INCLUDE.sub(included, _COMMENT.sub("", markup))


def included_name(path: str) -> str:
    """Paths in mj-include count from templates/email/."""
    return f"email/{path.removeprefix('./')}"


def _html(markup: str, name: str, shelter: Shelter) -> str:
    options = mrml.ParserOptions(include_loader=mrml.noop_loader())
    without_web_fonts = mrml.RenderOptions(fonts={})
    try:
        return mrml.to_html(markup, options, without_web_fonts).content
    except OSError as error:
        if span := _SPAN.search(str(error)):
            at = markup.encode()[int(span[1]) : int(span[2])].decode(errors="ignore")
            for tag in shelter.found(at):
                raise _misplaced(tag) from error
        raise InputError(f"this is not MJML: {error}", f"{FOLDER}{name}:1") from error


def _misplaced(tag: Tag) -> InputError:
    message = f"MJML has no place for {tag.text}{tag.end} here; put it into <mj-raw>"
    return InputError(message, f"{tag.origin.file}:{tag.origin.line}")


def _innermost(traceback: TracebackType | None) -> Origin | None:
    """The last template in the traceback: Jinja gives its frames the template's file and lines."""
    found = None
    while traceback:
        if traceback.tb_frame.f_code.co_filename.startswith(FOLDER):
            found = Origin(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def _readable(message: str) -> str:
    """Without the names that only make sense to whoever knows the engine."""
    return message.replace("'types.SimpleNamespace object' has no attribute", "there is no")
