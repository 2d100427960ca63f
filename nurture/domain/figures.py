"""The figures both departments look at. Definitions: docs/figures.md."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Counts:
    """What happened in a period, counted from the history. Money in whole units of the currency."""

    visits: int = 0
    visitors: int = 0
    leads: int = 0
    mqls: int = 0
    sqls: int = 0
    customers: int = 0
    revenue: int = 0
    first_order_seconds: tuple[float, ...] = ()


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


def figures(counts: Counts, day: timedelta = timedelta(days=1)) -> Figures:
    """`day` is what the playbook calls a day (shorter under a compressed clock)."""
    orders = counts.first_order_seconds
    mean = sum(orders) / len(orders) / day.total_seconds() if orders else None
    return Figures(
        visit_to_lead=_percent(counts.leads, counts.visitors),
        mql_rate=_percent(counts.mqls, counts.leads),
        sql_rate=_percent(counts.sqls, counts.mqls),
        close_rate=_percent(counts.customers, counts.sqls),
        revenue=counts.revenue,
        revenue_per_customer=counts.revenue / counts.customers if counts.customers else None,
        days_to_first_order=None if mean is None else round(mean, 2),
    )


def pace(so_far: int, target: int, start: datetime, end: datetime, now: datetime) -> Pace:
    """Linear forecast for the period start..end from what happened until `now`."""
    whole, passed = (end - start).total_seconds(), (min(now, end) - start).total_seconds()
    forecast = so_far if passed <= 0 else round(so_far * whole / passed)
    return Pace(so_far, target, forecast)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
