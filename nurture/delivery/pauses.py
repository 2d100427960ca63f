"""For how long a receiver asks to be left alone."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(days=7)
"""Nobody is left alone for longer, whatever they ask for: a slip of the pen there must not end it here."""


def retry_after(text: str, now: datetime) -> timedelta | None:
    """The header Retry-After, RFC 9110 § 10.2.3: seconds, or a date, at most LONGEST. None for anything else."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), LONGEST.total_seconds()))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return min(max(timedelta(), (at if at.tzinfo else at.replace(tzinfo=UTC)) - now), LONGEST)
