"""Server-rendered pages: templates in `pages/`, no inline script or style, no request to anybody else."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from nurture.web import charts, findings, sentences
from nurture.web.i18n import Words


def render(
    template: str, /, status: int = 200, words: Words | None = None, **context: Any
) -> HTMLResponse:
    """The page in the reader's language (English without `words`), as an answer that no cache keeps."""
    words = words or Words("en")
    text = _environment(words.language).get_template(template).render(words=words, **context)
    headers = {
        "cache-control": "no-store, private",
        "content-language": words.language,
        "vary": "accept-language, cookie",
    }
    return HTMLResponse(text, status, headers=headers)


def alone(name: str, **context: Any) -> str:
    """The page with its style inside, for who keeps or forwards it."""
    style = (files("nurture.web") / "static" / "nurture.css").read_text(encoding="utf-8")
    return _environment("en").get_template(name).render(style=style, words=Words("en"), **context)


@cache
def _environment(language: str) -> Environment:
    words = Words(language)
    environment = Environment(
        loader=PackageLoader("nurture.web", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, words.ngettext, newstyle=True
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals["charts"] = charts
    environment.filters.update(
        moment=_moment,
        moment_zone=_moment_zone,
        day=_day,
        month=_month,
        period=_period,
        span=_span,
        number=_number,
        percent=_percent,
        money=_money,
        label=_label,
        told=_told,
        finding=_finding,
        link=_link,
        from_iso=datetime.fromisoformat,
        seconds=lambda number: timedelta(seconds=number),
    )
    return environment


def _words(context: Context) -> Words:
    found: Words = context["words"]
    return found


@pass_context
def _moment(context: Context, at: datetime | None) -> str:
    return _words(context).moment(at)


@pass_context
def _moment_zone(context: Context, at: datetime) -> str:
    return _words(context).moment_and_zone(at)


@pass_context
def _day(context: Context, at: datetime | None) -> str:
    return _words(context).day(at)


@pass_context
def _month(context: Context, name: str) -> str:
    """2026-11 as November 2026."""
    return _words(context).month(date.fromisoformat(f"{name}-01"))


@pass_context
def _period(context: Context, told: Mapping[str, str]) -> str:
    """A month by its name, else from when to when."""
    words = _words(context)
    if len(told["name"]) == len("2026-11"):
        return _month(context, told["name"])
    begin, end = (_edge(words, datetime.fromisoformat(told[edge])) for edge in ("start", "end"))
    return words.gettext("%(start)s to %(end)s") % {"start": begin, "end": end}


def _edge(words: Words, at: datetime) -> str:
    """A day where it is a midnight, else the very moment."""
    local = at.astimezone(words.zone or at.tzinfo)
    return words.moment(at) if local.hour or local.minute else words.day(at)


@pass_context
def _span(context: Context, length: timedelta) -> str:
    return _words(context).span(length)


@pass_context
def _number(context: Context, value: float | None) -> str:
    return _words(context).number(value)


@pass_context
def _percent(context: Context, value: float | None) -> str:
    return _words(context).percent(value)


@pass_context
def _money(context: Context, value: float | None, currency: str) -> str:
    return _words(context).money(value, currency)


@pass_context
def _label(context: Context, name: str) -> str:
    return sentences.label(_words(context), name)


@pass_context
def _told(context: Context, text: str) -> str:
    return sentences.told(_words(context), text)


@pass_context
def _finding(context: Context, text: str) -> str:
    return findings.told(_words(context), text)


def _link(text: str) -> str:
    """An address or number as it may stand behind mailto: and tel:."""
    return quote(text, safe="@+")
