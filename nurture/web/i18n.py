"""Languages: which one a reader gets, its words, and how it writes dates, numbers and money.

English is what stands in the templates; the others are gettext catalogues in `locale/`, read as they are. Every
server-rendered page shares them, also those without sign-in.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Annotated

from babel import Locale
from babel.core import negotiate_locale, parse_locale
from babel.dates import format_date, format_datetime, format_time, get_timezone_name
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal
from fastapi import Query
from starlette.requests import HTTPConnection

from nurture.domain.calendar import Span

LANGUAGES: Mapping[str, str] = {"en": "English", "da": "Dansk"}
"""ISO 639-1 and what its speakers call it."""

_LOCALES = {"en": "en_GB", "da": "da_DK"}
_CATALOGUES = Path(__file__).parent / "locale"
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


def later(text: str) -> str:
    """Marks a text that is translated where it is shown."""
    return text


def choose(accepted: str, preferred: str = "") -> str:
    """The preferred language if we have it, else the best of an Accept-Language header, else English."""
    if preferred in LANGUAGES:
        return preferred
    ranked = sorted(_ranked(accepted), key=lambda pair: -pair[1])
    wanted = [tag for tag, weight in ranked if weight > 0]
    return negotiate_locale(wanted, list(LANGUAGES), sep="-") or "en"


Asked = Annotated[str, Query(alias="language", description="en or da; else as the lead told")]
"""The language that the reader of a page chose on it."""


def of(request: HTTPConnection, asked: str = "", told: str = "") -> "Words":
    """The words in the language asked for on the page, else the one the reader told before, else the
    browser's."""
    preferred = asked if asked in LANGUAGES else told
    return Words(choose(request.headers.get("accept-language", ""), preferred))


def others(language: str) -> list[tuple[str, str]]:
    """The languages that a page can also be read in, and what their speakers call them."""
    return [(code, name) for code, name in LANGUAGES.items() if code != language]


class Words:
    """One language, for people whose clocks show `zone`."""

    def __init__(self, language: str, zone: tzinfo | None = None) -> None:
        self.language = language if language in LANGUAGES else "en"
        self.zone = zone
        self._locale = Locale.parse(_LOCALES[self.language])
        self._singles, self._plurals = _catalogue(self.language)

    def gettext(self, text: str) -> str:
        """`text` in this language; as it is where the catalogue has nothing."""
        return self._singles.get(text, text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """Both of our languages have one form for 1 and another for the rest."""
        single, plural = self._plurals.get(one, (one, many))
        return single if number == 1 else plural

    def number(self, value: float | None) -> str:
        """A dash where there is nothing to say; at most one decimal."""
        return "–" if value is None else format_decimal(round(value, 1), locale=self._locale)

    def percent(self, value: float | None) -> str:
        """`value` is in percent: 22.5."""
        return "–" if value is None else f"{self.number(value)}\u00a0%"

    def money(self, value: float | None, currency: str) -> str:
        """Whole units."""
        if value is None:
            return "–"
        return format_currency(
            value, currency, format="#,##0\u00a0¤¤", locale=self._locale, currency_digits=False
        )

    def moment(self, at: datetime | None) -> str:
        """Thu 3 Dec 2026, 14:05: on this reader's clock, else on the one the time carries."""
        if at is None:
            return "–"
        local = at.astimezone(self.zone or at.tzinfo)
        day = format_date(local, "EEE d MMM y", locale=self._locale)
        return f"{day}, {format_time(local, 'HH:mm', locale=self._locale)}"

    def moment_and_zone(self, at: datetime) -> str:
        """The same with the zone's name, for readers who may be elsewhere."""
        local = at.astimezone(self.zone or at.tzinfo)
        return f"{self.moment(at)} {get_timezone_name(local, 'short', locale=self._locale)}"

    def day(self, at: datetime | date | None) -> str:
        """3 Dec 2026."""
        if at is None:
            return "–"
        local = at.astimezone(self.zone or at.tzinfo) if isinstance(at, datetime) else at
        return format_date(local, "d MMM y", locale=self._locale)

    def month(self, at: datetime | date) -> str:
        """December 2026."""
        local = at.astimezone(self.zone or at.tzinfo) if isinstance(at, datetime) else at
        return format_datetime(local, "LLLL y", locale=self._locale)

    def span(self, length: timedelta) -> str:
        """The two largest units: 2 d 3 h, 3 h 20 min, 45 s. Never negative."""
        length = abs(length)
        days, hours = self.gettext("d"), self.gettext("h")
        if length >= _DAY:
            rest = (length % _DAY) // _HOUR
            return f"{length // _DAY} {days}" + (f" {rest} {hours}" if rest else "")
        if length >= _HOUR:
            rest = (length % _HOUR) // _MINUTE
            return f"{length // _HOUR} {hours}" + (f" {rest} min" if rest else "")
        if length >= _MINUTE:
            return f"{length // _MINUTE} min"
        return f"{int(length.total_seconds())} s"

    def promised(self, span: Span) -> str:
        """2 days, 8 hours of working time, 3 working days."""
        if span.business_days is not None:
            told = self.ngettext("%(num)s working day", "%(num)s working days", span.business_days)
            return told % {"num": span.business_days}
        if span.open_time is not None:
            return self.gettext("%(time)s of working time") % {"time": self.span(span.open_time)}
        return self.span(span.elapsed)


@cache
def _catalogue(language: str) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Translations of single texts, and of those that count."""
    file = _CATALOGUES / f"{language}.po"
    if not file.exists():
        return {}, {}
    singles: dict[str, str] = {}
    plurals: dict[str, tuple[str, str]] = {}
    for message in read_po(BytesIO(file.read_bytes()), locale=language):
        told = message.string
        if isinstance(message.id, str):
            if message.id and isinstance(told, str) and told:
                singles[message.id] = told
        elif isinstance(told, tuple | list) and all(told):
            plurals[message.id[0]] = (told[0], told[1])
    return singles, plurals


def _ranked(accepted: str) -> list[tuple[str, float]]:
    """Language tags with their weights (RFC 9110, 12.5.4); what cannot be read is left out."""
    found = []
    for part in accepted[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            parse_locale(tag, sep="-")
            found.append((tag, float(weight or 1)))
        except ValueError:
            continue
    return found
