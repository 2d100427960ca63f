"""Server-rendered pages: templates in `pages/`, no script, no request to anybody else."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined


def render(name: str, status: int = 200, **context: Any) -> HTMLResponse:
    """The page as an answer that no cache keeps."""
    text = _environment().get_template(name).render(**context)
    return HTMLResponse(text, status, headers={"cache-control": "no-store, private"})


def alone(name: str, **context: Any) -> str:
    """The page with its style inside, for who keeps or forwards it."""
    style = (files("nurture.web") / "static" / "nurture.css").read_text(encoding="utf-8")
    return _environment().get_template(name).render(style=style, **context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nurture.web", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(moment=_moment, number=_number, label=_label, link=_link)
    return environment


def _moment(at: datetime) -> str:
    """In the zone the time carries: Mon 23 Nov 2026, 14:05 CET."""
    return f"{at:%a %-d %b %Y, %H:%M %Z}".strip()


def _number(value: float | None) -> str:
    """Thousands apart by a thin space; a dash where there is nothing to say."""
    if value is None:
        return "–"
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return text.replace(",", "\u2009")


def _label(name: str) -> str:
    """A key as words: order_completed becomes Order completed."""
    return name.replace("_", " ").replace("-", " ").capitalize()


def _link(text: str) -> str:
    """An address or number as it may stand behind mailto: and tel:."""
    return quote(text, safe="@+")
