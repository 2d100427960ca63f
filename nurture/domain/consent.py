"""Consent: an append-only list of what a lead said, folded to what holds now."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

EMAIL_MARKETING = "email_marketing"
AD_AUDIENCES = "ad_audiences"
TRACKING = "tracking"
PURPOSES = (EMAIL_MARKETING, AD_AUDIENCES, TRACKING)

LIST = "import/"
"""What the sources of imported lists begin with: somebody else's word on a person."""

BROWSER = "browser/"
"""What the source of a visitor's yes to being watched begins with. It proves what was said in that browser; since
anybody can send it, it neither takes a no back nor lets mails be counted."""

WATCHED = frozenset({"page", "screen", "opened", "clicked"})
"""Touches by which a person is only watched. Whoever takes `tracking` back leaves none of them any more."""

REQUEST_LASTS = timedelta(days=30)
"""Who was asked to confirm a consent may do so for that long (playbook time)."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""So far a server's clock, which dates what a form asks for, may be ahead of a worker's, which dates its mail."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ConsentRecord:
    """One statement. `wording` names the text version shown; `source` the form, file or call; `proof` by
    what it was confirmed, if it had to be."""

    purpose: str
    granted: bool
    at: datetime
    source: str
    wording: str = ""
    proof: str = ""


def part(purpose: str, subscription: str) -> str:
    """The purpose that one subscription is part of: who declines it still gets the rest."""
    return f"{purpose}/{subscription}"


def counts(source: str) -> bool:
    """Whether a statement from there decides about anything."""
    return not source.startswith(BROWSER)


def proofs(said: Iterable[ConsentRecord]) -> list[ConsentRecord]:
    """Of what a browser said of nobody but its own visitor, each yes to being watched."""
    return [
        replace(record, source=BROWSER + record.source)
        for record in said
        if record.granted and record.purpose == TRACKING
    ]


def held(records: Iterable[ConsentRecord]) -> frozenset[str]:
    """The purposes granted now."""
    return frozenset(record.purpose for record in _latest(records) if record.granted)


def declined(records: Iterable[ConsentRecord]) -> frozenset[str]:
    """The purposes, and parts of them, that the lead said no to."""
    return frozenset(record.purpose for record in _latest(records) if not record.granted)


def unwatched(touch: str | None, declined: Collection[str]) -> bool:
    """Whether nothing is kept of such a touch, since the lead `declined` to be watched."""
    return touch in WATCHED and TRACKING in declined


def _latest(records: Iterable[ConsentRecord]) -> Iterable[ConsentRecord]:
    """The latest word on each purpose counts; of two at one moment, the refusal. Who says no does not get mails again
    because a list says yes: only another word that is no list's takes that no back."""
    latest: dict[str, ConsentRecord] = {}
    own: dict[str, ConsentRecord] = {}
    for record in records:
        if not counts(record.source):
            continue
        _keep_later(latest, record)
        if not record.source.startswith(LIST):
            _keep_later(own, record)
    refused = {purpose: record for purpose, record in own.items() if not record.granted}
    return (latest | refused).values()


def _keep_later(found: dict[str, ConsentRecord], record: ConsentRecord) -> None:
    known = found.get(record.purpose)
    if known is None or (record.at, not record.granted) >= (known.at, not known.granted):
        found[record.purpose] = record


def confirmed(
    asked: Iterable[ConsentRecord],
    said: Iterable[ConsentRecord],
    by: str,
    mailed: datetime,
    now: datetime,
    lasts: timedelta = REQUEST_LASTS,
) -> list[ConsentRecord]:
    """What a confirmation grants of the consents that were `asked` for: the last wording of each purpose.

    Not what was asked for after the mail that confirms it was `mailed`: anybody may have typed that address since. `by`
    names what confirmed it.
    """
    granted = {
        record.purpose: ConsentRecord(
            record.purpose,
            True,
            now,
            record.source,
            record.wording,
            f"asked {record.at.isoformat(timespec='seconds')}, confirmed by {by}",
        )
        for record in pending(asked, said, now, lasts)
        if asked_before(mailed, record.at)
    }
    return [granted[purpose] for purpose in sorted(granted)]


def pending(
    asked: Iterable[ConsentRecord],
    said: Iterable[ConsentRecord],
    now: datetime,
    lasts: timedelta = REQUEST_LASTS,
) -> list[ConsentRecord]:
    """What was `asked` for and may still be confirmed, the latest last: not what is too old, and not what the person
    refused since."""
    refused = {
        record.purpose: record.at for record in sorted(said, key=_when) if not record.granted
    }
    return [
        record
        for record in sorted(asked, key=_when)
        if now < record.at + lasts and refused.get(record.purpose, _NEVER) < record.at
    ]


def asked_before(mailed: datetime, at: datetime) -> bool:
    """Whether what was asked for `at` that time was asked for before the mail that confirms it was `mailed`."""
    return at <= mailed + CLOCKS_DIFFER


def _when(record: ConsentRecord) -> datetime:
    return record.at
