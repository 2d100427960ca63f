"""The figures as a mail: to colleagues, so without consent, tracking or unsubscribing."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from nurture.delivery.reporting.words import WORDS
from nurture.domain.errors import InputError
from nurture.domain.reporting import ReportPlan
from nurture.playbook import Company, Sender
from nurture.ports import Mail

LANGUAGES = tuple(WORDS)

_TITLE = 50


def report_mail(
    message_id: str,
    to: str,
    plan: ReportPlan,
    report: Mapping[str, Any],
    company: Company,
    sender: Sender,
) -> Mail:
    """`report` as nurture.figures.report tells it. Raises InputError for a language without words."""
    language = plan.language
    if language not in WORDS:
        raise InputError(f"{language!r} is not one of {', '.join(LANGUAGES)}", "language")
    words = WORDS[language]
    values = {
        "r": report,
        "w": words,
        "title": plan.title,
        "company": company,
        "language": language,
        **_days(report["period"]),
    }
    return Mail(
        id=message_id,
        to=to,
        sender=sender.address,
        sender_name=sender.name,
        subject=f"{_short(plan.title)} {report['period']['name']} · {company.name}",
        html=_environment(language).get_template("report.html").render(values),
        text=_environment(language).get_template("report.txt").render(values),
        reply_to=sender.reply_to,
        headers={"Auto-Submitted": "auto-generated"},
    )


def _short(title: str) -> str:
    """On one line, and no longer than leaves room for the rest of a subject."""
    line = " ".join(title.split())
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1].rstrip()}…"


def _days(period: Mapping[str, str]) -> dict[str, date]:
    """Its first and its last."""
    begin, end = (datetime.fromisoformat(period[each]) for each in ("start", "end"))
    return {"first": begin.date(), "last": (end - timedelta(microseconds=1)).date()}


@cache
def _environment(language: str) -> Environment:
    found = Environment(
        loader=PackageLoader("nurture.delivery.reporting", "templates"),
        autoescape=lambda name: bool(name and name.endswith(".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    comma = language == "da"
    found.filters["n"] = lambda value: number(value, comma)
    return found


def number(value: float | None, comma: bool = False) -> str:
    """12,500.5, or 12.500,5 with a decimal comma; a dash where there is nothing to say."""
    if value is None:
        return "–"
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return text.translate(str.maketrans(",.", ".,")) if comma else text
