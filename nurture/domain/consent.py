"""Consent: an append-only list of what a lead said, folded to what holds now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

EMAIL_MARKETING = "email_marketing"
AD_AUDIENCES = "ad_audiences"
TRACKING = "tracking"
PURPOSES = (EMAIL_MARKETING, AD_AUDIENCES, TRACKING)


@dataclass(frozen=True)
class ConsentRecord:
    """One statement. `wording` names the text version shown; `source` the form, file or call."""

    purpose: str
    granted: bool
    at: datetime
    source: str
    wording: str = ""


def part(purpose: str, subscription: str) -> str:
    """The purpose that one subscription is part of: who declines it still gets the rest."""
    return f"{purpose}/{subscription}"


def held(records: Iterable[ConsentRecord]) -> frozenset[str]:
    """The purposes granted now."""
    return frozenset(record.purpose for record in _latest(records) if record.granted)


def declined(records: Iterable[ConsentRecord]) -> frozenset[str]:
    """The purposes, and parts of them, that the lead said no to."""
    return frozenset(record.purpose for record in _latest(records) if not record.granted)


def _latest(records: Iterable[ConsentRecord]) -> Iterable[ConsentRecord]:
    """The latest word on each purpose counts; of two at one moment, the refusal."""
    latest: dict[str, ConsentRecord] = {}
    for record in records:
        known = latest.get(record.purpose)
        if known is None or (record.at, not record.granted) >= (known.at, not known.granted):
            latest[record.purpose] = record
    return latest.values()
