"""The figures both departments look at. Definitions: docs/figures.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from nurture.domain.sla import GIVEN_BACK, State


@dataclass(frozen=True)
class Counts:
    """What happened in a period, counted from the history. Money in whole units of the currency.

    `mqls_again` and `sqls_again` are leads that came back to the stage after they had fallen below it.
    """

    visits: int = 0
    visitors: int = 0
    leads: int = 0
    mqls: int = 0
    sqls: int = 0
    customers: int = 0
    revenue: int = 0
    first_order_seconds: tuple[float, ...] = ()
    mqls_again: int = 0
    sqls_again: int = 0


@dataclass(frozen=True)
class Figures:
    """Rates in percent, None where there is nothing to divide by."""

    visit_to_lead: float | None
    mql_rate: float | None
    sql_rate: float | None
    close_rate: float | None
    revenue: int
    revenue_per_customer: float | None
    days_to_first_order: float | None


@dataclass(frozen=True)
class Pace:
    """How a promise of `target` within a period stands: `so_far`, and what the pace leads to."""

    so_far: int
    target: int
    forecast: int

    @property
    def on_pace(self) -> bool:
        return self.forecast >= self.target


@dataclass(frozen=True)
class Given:
    """One lead given to sales, as far as sales' promise is concerned."""

    opened_at: datetime
    due_at: datetime
    contacted_at: datetime | None
    closed_at: datetime | None
    state: State = State.OPEN

    @property
    def answered_at(self) -> datetime | None:
        """When sales was in touch, or said that it will not be. Not everything that ends a handover is its answer."""
        return self.contacted_at or (self.closed_at if self.state in GIVEN_BACK else None)


@dataclass(frozen=True)
class Kept:
    """Sales' side: promises kept, broken and running, and how long the contacts took.

    Hours as the playbook counts them. `histogram` has one number for each of BUCKETS and a last one for
    what took longer; `silent` were never contacted. `p50` and `p90`: half and nine tenths of the contacts
    came within so many hours.
    """

    handovers: int
    kept: int
    broken: int
    running: int
    rejected: int
    kept_rate: float | None
    p50: float | None
    p90: float | None
    histogram: tuple[int, ...]
    silent: int


BUCKETS = (1, 4, 8, 24, 48, 72, 168)
"""Upper ends, in hours, of the histogram of contact times; each belongs to its bucket."""


def figures(counts: Counts, day: timedelta = timedelta(days=1)) -> Figures:
    """`day` is what the playbook calls a day (shorter under a compressed clock)."""
    orders = counts.first_order_seconds
    mean = sum(orders) / len(orders) / day.total_seconds() if orders else None
    return Figures(
        visit_to_lead=percent(counts.leads, counts.visitors),
        mql_rate=percent(counts.mqls, counts.leads),
        sql_rate=percent(counts.sqls, counts.mqls),
        close_rate=percent(counts.customers, counts.sqls),
        revenue=counts.revenue,
        revenue_per_customer=counts.revenue / counts.customers if counts.customers else None,
        days_to_first_order=None if mean is None else round(mean, 2),
    )


def pace(so_far: int, target: int, start: datetime, end: datetime, now: datetime) -> Pace:
    """Linear forecast for the period start..end from what happened until `now`."""
    whole, passed = (end - start).total_seconds(), (min(now, end) - start).total_seconds()
    forecast = so_far if passed <= 0 else round(so_far * whole / passed)
    return Pace(so_far, target, forecast)


def kept(given: Iterable[Given], now: datetime, day: timedelta = timedelta(days=1)) -> Kept:
    """How sales' promise stands at `now` on these handovers. `day`: as in `figures`."""
    rows = list(given)
    verdicts = [_verdict(row, now) for row in rows]
    took = sorted(
        (row.contacted_at - row.opened_at) / (day / 24) for row in rows if row.contacted_at
    )
    good, bad = verdicts.count(True), verdicts.count(False)
    return Kept(
        handovers=len(rows),
        kept=good,
        broken=bad,
        running=sum(
            verdict is None and row.closed_at is None
            for verdict, row in zip(verdicts, rows, strict=True)
        ),
        rejected=sum(row.state is State.REJECTED for row in rows),
        kept_rate=percent(good, good + bad),
        p50=_quantile(took, 0.5),
        p90=_quantile(took, 0.9),
        histogram=_histogram(took),
        silent=len(rows) - len(took),
    )


def percent(part: int, whole: int) -> float | None:
    """With one decimal; None where there is nothing to divide by."""
    return round(100 * part / whole, 1) if whole else None


def _verdict(row: Given, now: datetime) -> bool | None:
    """True: answered in time. False: too late, or silent when the time was over. None: the time runs, or something
    else ended it before it was over."""
    if row.answered_at is not None:
        return row.answered_at <= row.due_at
    ended = row.closed_at is not None and row.closed_at < row.due_at
    return None if ended or row.due_at >= now else False


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Nearest rank: the smallest that at least this share does not exceed."""
    if not ordered:
        return None
    return round(ordered[ceil(share * len(ordered)) - 1], 2)


def _histogram(hours: Iterable[float]) -> tuple[int, ...]:
    found = [0] * (len(BUCKETS) + 1)
    for each in hours:
        found[next((n for n, top in enumerate(BUCKETS) if each <= top), len(BUCKETS))] += 1
    return tuple(found)
