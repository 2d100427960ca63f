"""Do too many of a sender's mails come back, or get reported as spam?

Mailbox providers watch the same rates and block whoever is over them: Gmail and Yahoo ask bulk senders to stay
below 0.1 % complaints and never to reach 0.3 %. So a sender stops by itself before others stop it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Alarm(StrEnum):
    """How bad it is."""

    NONE = "none"
    WARN = "warn"
    PAUSE = "pause"


@dataclass(frozen=True)
class Rate:
    """Shares of the mails sent: somebody should look, or the sender has to stop."""

    warn: float
    pause: float


@dataclass(frozen=True)
class Limits:
    """What counts is the last `within`, and nothing is said of fewer than `at_least` mails."""

    within: timedelta = timedelta(days=7)
    at_least: int = 100
    complaints: Rate = Rate(0.001, 0.003)
    bounces: Rate = Rate(0.02, 0.05)


@dataclass(frozen=True)
class Sent:
    """How many mails went out, and what became of them. `bounced`: for good, by the mailbox."""

    mails: int = 0
    bounced: int = 0
    complained: int = 0

    def __add__(self, other: "Sent") -> "Sent":
        return Sent(
            self.mails + other.mails,
            self.bounced + other.bounced,
            self.complained + other.complained,
        )

    def share(self, count: int) -> float:
        """Of `count` in all mails; 0 when there are none."""
        return count / self.mails if self.mails else 0.0


@dataclass(frozen=True)
class Verdict:
    """`reason` tells a person which rate is over which limit; empty while all is well."""

    alarm: Alarm = Alarm.NONE
    reason: str = ""


def judge(limits: Limits, sent: Sent) -> Verdict:
    """The worst of both rates. One complaint among the smallest counted number of mails only warns: no
    single person may stop a sender."""
    if sent.mails < limits.at_least:
        return Verdict()
    return max(
        _verdict("complaints", sent, sent.complained, limits.complaints),
        _verdict("bounces", sent, sent.bounced, limits.bounces),
        key=lambda verdict: list(Alarm).index(verdict.alarm),
    )


def total(parts: Iterable[Sent]) -> Sent:
    return sum(parts, Sent())


def _verdict(what: str, sent: Sent, count: int, rate: Rate) -> Verdict:
    share = sent.share(count)
    if share < rate.warn:
        return Verdict()
    stops = share >= rate.pause and count > 1
    limit = rate.pause if stops else rate.warn
    reason = f"{count} {what} of {sent.mails} mails are {share:.2%}; the limit is {limit:.2%}"
    return Verdict(Alarm.PAUSE if stops else Alarm.WARN, reason)
