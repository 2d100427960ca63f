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


def held(records: Iterable[ConsentRecord]) -> frozenset[str]:
    """The purposes granted now. The latest word counts; of two at one moment, the refusal."""
    latest: dict[str, ConsentRecord] = {}
    for record in records:
        known = latest.get(record.purpose)
        if known is None or (record.at, not record.granted) >= (known.at, not known.granted):
            latest[record.purpose] = record
    return frozenset(purpose for purpose, record in latest.items() if record.granted)
