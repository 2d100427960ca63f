"""One file of a template made ready: MJML and style sheets are dealt with once, Jinja runs per mail."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import mrml
from css_inline import CSSInliner, InlineError
from jinja2 import Environment, TemplateError, TemplateSyntaxError

from nurture.delivery.email import plaintext
from nurture.delivery.email.nesting import shallow
from nurture.delivery.email.sandbox import environment
from nurture.delivery.email.shelter import Origin, Restored, Shelter, Tag
from nurture.delivery.email.variants import FOLDER, Files
from nurture.domain.errors import InputError
from nurture.playbook.placeholders import TOO_DEEP

INCLUDE = re.compile(r"<mj-include\s+path=[\"']([^\"']*)[\"']\s*(?:/>|>\s*</mj-include>)")
_INCLUDED = re.compile(r"\{%-?\s*include\s+[\"']([^\"']+)[\"']")
COMMENT = re.compile(r"<!--(?!\[if|<!\[endif)(?!jinja-).*?-->", re.DOTALL)
_INCLUDES = 16
"""Files of MJML that may include each other."""
_SPAN = re.compile(r"at position (\d+):(\d+)")
_BROKEN = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    NameError,
    RecursionError,
)
_NO_LANGUAGE = re.compile(r"<(mjml|html)\b(?![^>]*\slang\s*=)")
_PREHEADER = re.compile(r'(<div style="display:none;[^"]*">[^<]+)(</div>)')
_BLANK = "&#847;&zwnj;&nbsp;" * 80
"""Behind the preheader: an inbox with room for more shows nothing, instead of the first words of the mail."""
_FIXED_HEIGHT = re.compile(
    r"(<img\b[^>]*\sstyle=\"[^\"]*)(?<![-\w])height:\s*\d+px(?=[^\"]*width:\s*100%)"
)


class Part:
    """A compiled file: Jinja makes mails of its `source`. `render` raises InputError naming the file and line that is
    to blame."""

    def __init__(self, environment: Environment, name: str, place: str, prepared: Restored) -> None:
        self.source = prepared.text
        self._file = place
        self._origins = prepared.origins
        self._environment = environment
        try:
            code = environment.compile(prepared.text, name, self._file)
        except TemplateSyntaxError as error:
            raise self._error(error, error.lineno) from error
        known = environment.make_globals(None)
        self._template = environment.template_class.from_code(environment, code, known)

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
        if isinstance(error, RecursionError):
            message = TOO_DEEP
        return InputError(_readable(message or type(error).__name__), f"{file}:{line}")


@dataclass(frozen=True)
class Body:
    """The HTML, and the text made from it; None where the text can only be made of the finished HTML."""

    html: Part
    text: Part | None


def plain(files: Files, name: str) -> Part:
    """A subject or a text body, which only Jinja touches."""
    return Part(environment(files, html=False), name, files.place(name), Restored(files[name], {}))


def body(files: Files, name: str, language: str) -> Body:
    """body.mjml or body.html as HTML with its styles inline. Nothing is fetched from anywhere.

    Raises InputError with the place for broken MJML, Jinja or a missing include, and for what is nested too deeply.
    """
    env = environment(files, html=True)
    shelter = Shelter(env)
    try:
        markup = _hidden(shelter, name, files)
    except TemplateSyntaxError as error:
        raise InputError(
            _readable(error.message or ""), f"{error.filename}:{error.lineno}"
        ) from error
    if name.endswith(".mjml"):
        markup = _html(_spoken(markup, language), files.place(name), shelter)
        markup = _PREHEADER.sub(rf"\1{_BLANK}\2", markup, count=1)
    inliner = CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)
    try:
        html = _spoken(
            inliner.inline(shelter.as_comments(shallow(markup, files.place(name)))), language
        )
    except InlineError as error:
        raise InputError(f"a style cannot be read: {error}", f"{files.place(name)}:1") from error
    html = _FIXED_HEIGHT.sub(r"\1height:auto", html)
    for tag in shelter.lost(html):
        raise _misplaced(tag)
    place = files.place(name)
    text = plaintext.prepared(shelter, html)
    return Body(
        Part(env, name, place, shelter.restore(html)),
        Part(environment(files, html=False), name, place, text) if text else None,
    )


def _spoken(markup: str, language: str) -> str:
    """The document says which language it is in, for those who have mails read to them."""
    return _NO_LANGUAGE.sub(rf'<\1 lang="{language}"', markup, count=1)


def _hidden(shelter: Shelter, name: str, files: Files, chain: tuple[str, ...] = ()) -> str:
    """The file with its includes in place. The engine's own includes lose a section's width."""
    place = files.place(name)
    if name in chain:
        raise InputError("this file includes itself", f"{place}:1")
    if len(chain) > _INCLUDES:
        raise InputError(TOO_DEEP, f"{place}:1")
    markup = shelter.hide(place, files[name])
    if not name.endswith(".mjml"):
        return markup

    def included(match: re.Match[str]) -> str:
        wanted = included_name(match[1])
        if wanted not in files:
            line = files[name][: files[name].find(match[0])].count("\n") + 1
            raise InputError(f"there is no {FOLDER}{wanted}", f"{place}:{line}")
        return _hidden(shelter, wanted, files, (*chain, name))

    return INCLUDE.sub(included, COMMENT.sub("", markup))


def included_name(path: str) -> str:
    """Paths in mj-include count from templates/email/."""
    return f"email/{path.removeprefix('./')}"


def reached(path: str, files: Files) -> list[str]:
    """The file and what it includes."""
    found, ahead = [], [path]
    while ahead:
        current = ahead.pop()
        if current in files and current not in found:
            found.append(current)
            wanted = (match[1] for match in INCLUDE.finditer(files[current]))
            ahead += [included_name(name) for name in wanted]
            ahead += _INCLUDED.findall(files[current])
    return found


def _html(markup: str, place: str, shelter: Shelter) -> str:
    options = mrml.ParserOptions(include_loader=mrml.noop_loader())
    without_web_fonts = mrml.RenderOptions(fonts={})
    try:
        return mrml.to_html(shallow(markup, place, mjml=True), options, without_web_fonts).content
    except OSError as error:
        if span := _SPAN.search(str(error)):
            at = markup.encode()[int(span[1]) : int(span[2])].decode(errors="ignore")
            for tag in shelter.found(at):
                raise _misplaced(tag) from error
        raise InputError(f"this is not MJML: {error}", f"{place}:1") from error


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
