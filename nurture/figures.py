"""The agreement in figures, as plain data: one period, for everybody and split by a dimension."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import figures as rules
from nurture.domain import funnel, periods
from nurture.domain.errors import InputError
from nurture.domain.figures import BUCKETS, Counts, Given, Kept
from nurture.domain.funnel import Funnel
from nurture.domain.periods import Period
from nurture.playbook import Playbook
from nurture.store import agreement
from nurture.store import figures as queries
from nurture.store.scope import DIMENSIONS, Scope

MONTH = "month"
BY = (*DIMENSIONS, MONTH)
"""What figures can be split by; `month` shows the last MONTHS up to the period."""

BRIEF = (
    *("name", "leads", "mqls", "sqls", "customers", "close_rate", "revenue"),
    *("kept_rate", "rejected"),
)
"""What a table of months has room for. A year's visits and visitors are most of the rows there are, and whether each
belongs to those asked for would take longer than all the rest."""

MONTHS = 12
_MONTHLY = (timedelta(days=28), timedelta(days=31))


@dataclass(frozen=True)
class Question:
    """What figures are asked for: a `month` (YYYY-MM, else the running one), split `by` a dimension or by month, of
    the leads that belong to all the values of `only`, by dimension."""

    month: str = ""
    by: str = ""
    only: Mapping[str, str] = field(default_factory=dict)

    def checked(self) -> Self:
        """Raises InputError for a dimension that does not exist."""
        if self.by and self.by not in BY:
            raise InputError(f"{self.by!r} is not one of {', '.join(BY)}", "by")
        for name in self.only:
            if name not in DIMENSIONS:
                raise InputError(f"is not one of {', '.join(DIMENSIONS)}", name)
        return self


EVERYTHING = Question()


@dataclass(frozen=True)
class _Counted:
    """Of one period, by the values of a dimension: what happened, what was given to sales, and what was sold in other
    currencies than the promise's."""

    counts: Mapping[str, Counts]
    given: Mapping[str, Sequence[Given]]
    other: Mapping[str, Mapping[str, int]]

    @property
    def values(self) -> list[str]:
        """Those under which there is anything."""
        counted = {value for value, counts in self.counts.items() if counts != Counts()}
        return sorted({*counted, *self.given, *self.other})

    def row(self, value: str, playbook: Playbook, now: datetime, name: str = "") -> dict[str, Any]:
        """What is told under that value, called `name` where that is another."""
        side = rules.kept(self.given.get(value, ()), now, playbook.day)
        return {
            "name": name or value,
            **figures(self.counts.get(value, Counts()), playbook),
            "other_revenue": dict(self.other.get(value, {})),
            **_brief(side),
        }


async def report(
    session: AsyncSession,
    playbook: Playbook,
    now: datetime,
    asked: Question = EVERYTHING,
    brief: bool = False,
) -> dict[str, Any]:
    """A period's figures, promises, contact times and rejects. Promises are made for all leads, so none is told where
    only some are asked for. `brief`: the months are told by BRIEF alone. Raises InputError for a month or dimension
    that does not exist."""
    asked.checked()
    now = await moment(session, playbook, now)
    period = period_of(playbook, now, asked.month)
    scope = Scope([period], None, asked.only)
    [counted] = await _counted(session, playbook, scope)
    counts = counted.counts[""]
    promised = not asked.only and _is_the_promises(playbook, period)
    by_persona = await _persona_promises(session, playbook, period, now) if promised else {}
    return {
        "period": _period(period, zone_of(playbook)),
        "by": asked.by or None,
        "only": dict(asked.only),
        "figures": figures(counts, playbook),
        "other_revenue": dict(counted.other.get("", {})),
        "groups": (
            await _monthly(session, playbook, scope, now, brief)
            if asked.by == MONTH
            else await _groups(session, playbook, scope, asked.by, now)
        ),
        "promises": promises(counts, playbook, period, now) if promised else {},
        "persona_promises": by_persona,
        "contact": _contact(rules.kept(counted.given.get("", ()), now, playbook.day)),
        "rejects": await _rejects(session, playbook, scope),
    }


async def moment(session: AsyncSession, playbook: Playbook, now: datetime) -> datetime:
    """The moment that figures are told for. On a compressed clock it is a day after the last visit or order: what was
    played stays in sight, although a month is over in a minute."""
    if playbook.day == timedelta(days=1):
        return now
    last = await queries.last_news(session)
    return min(now, last + playbook.day) if last else now


def period_of(playbook: Playbook, now: datetime, month: str = "") -> Period:
    """The named month, else the promise's: the running calendar month, or the stretch that ends now."""
    zone = zone_of(playbook)
    if month:
        return periods.month(month, zone)
    if is_monthly(playbook):
        return periods.month_of(now, zone)
    return periods.sliding(now, playbook.promise.period)


def is_monthly(playbook: Playbook) -> bool:
    """A promise for 28 to 31 days is one for a calendar month, unless the clock is compressed."""
    shortest, longest = _MONTHLY
    whole = playbook.day == timedelta(days=1)
    return whole and shortest <= playbook.promise.period <= longest


def zone_of(playbook: Playbook) -> tzinfo:
    """The company's."""
    return playbook.handover.terms.calendar.zone


def funnel_of(playbook: Playbook) -> Funnel:
    rule = playbook.handover
    return funnel.funnel(playbook.lifecycle, rule.stage, rule.sql_stage, rule.customer_stage)


def figures(counts: Counts, playbook: Playbook) -> dict[str, Any]:
    """Counts and rates, the time to the first order as its mean only."""
    plain = {key: value for key, value in asdict(counts).items() if key != "first_order_seconds"}
    told = asdict(rules.figures(counts, playbook.day))
    return {**plain, **told, "currency": playbook.promise.currency}


def promises(
    counts: Counts, playbook: Playbook, period: Period, now: datetime
) -> dict[str, dict[str, Any]]:
    """Both sides."""
    promise = playbook.promise
    average = counts.revenue / counts.customers if counts.customers else 0
    return {
        "sqls": _pace(counts.sqls, promise.sqls, period, now),
        "customers": _pace(counts.customers, promise.customers, period, now),
        "average_revenue": {
            "so_far": round(average),
            "target": promise.average_revenue,
            "kept": average >= promise.average_revenue,
        },
    }


async def _persona_promises(
    session: AsyncSession, playbook: Playbook, period: Period, now: datetime
) -> dict[str, dict[str, Any]]:
    promised: Mapping[str, int] = playbook.promise.personas
    if not promised:
        return {}
    currency = playbook.promise.currency
    [found] = await queries.counts(
        session, funnel_of(playbook), currency, Scope([period], "persona")
    )
    return {
        persona: {
            "title": playbook.persona_titles.get(persona, persona),
            **_pace(found.get(persona, Counts()).sqls, target, period, now),
        }
        for persona, target in promised.items()
    }


async def _counted(
    session: AsyncSession, playbook: Playbook, scope: Scope, brief: bool = False
) -> list[_Counted]:
    """For each of the scope's periods."""
    currency = playbook.promise.currency
    counts = await queries.counts(session, funnel_of(playbook), currency, scope, brief)
    given = await agreement.given(session, scope)
    nothing: list[dict[str, dict[str, int]]] = [{} for _ in scope.periods]
    other = nothing if brief else await queries.other_revenue(session, currency, scope)
    return [_Counted(*each) for each in zip(counts, given, other, strict=True)]


async def _monthly(
    session: AsyncSession, playbook: Playbook, scope: Scope, now: datetime, brief: bool
) -> list[dict[str, Any]]:
    """The figures and sales' side of the last MONTHS up to the scope's period."""
    [period] = scope.periods
    months = _months(playbook, period, now)
    counted = await _counted(session, playbook, replace(scope, periods=months), brief)
    rows = [
        each.row("", playbook, now, month.name) for month, each in zip(months, counted, strict=True)
    ]
    return [{name: row[name] for name in BRIEF} for row in rows] if brief else rows


def _months(playbook: Playbook, period: Period, now: datetime) -> list[Period]:
    zone = zone_of(playbook)
    last = period if period.monthly else periods.month_of(now, zone)
    return periods.months_until(last, MONTHS, zone)


async def _groups(
    session: AsyncSession, playbook: Playbook, scope: Scope, by: str, now: datetime
) -> list[dict[str, Any]]:
    """The figures and sales' side for each value of the dimension, the most leads first."""
    if not by:
        return []
    [counted] = await _counted(session, playbook, replace(scope, by=by))
    rows = [counted.row(value, playbook, now) for value in counted.values]
    return sorted(rows, key=lambda row: (-row["leads"], -row["handovers"], row["name"]))


async def _rejects(session: AsyncSession, playbook: Playbook, scope: Scope) -> dict[str, Any]:
    titles = {rule.id: rule.title for rule in playbook.scoring.fit}
    titles |= {rule.id: rule.title for rule in playbook.scoring.engagement}
    by_rule = [
        replace(each, title=titles.get(each.name) or each.name)
        for each in await agreement.by_rule(session, scope)
    ]
    by_trigger = [
        replace(each, title=_flow_title(playbook, each.name))
        for each in await agreement.by_trigger(session, scope)
    ]
    return {
        "reasons": await agreement.rejects(session, scope),
        "rules": [_judged(each) for each in by_rule],
        "triggers": [_judged(each) for each in by_trigger],
    }


def _flow_title(playbook: Playbook, name: str) -> str:
    flow = playbook.flows.get(name)
    return flow.title if flow else name.capitalize()


def _judged(each: agreement.Judged) -> dict[str, Any]:
    return {**asdict(each), "rate": rules.percent(each.rejected, each.handovers)}


def _pace(so_far: int, target: int, period: Period, now: datetime) -> dict[str, Any]:
    stand = rules.pace(so_far, target, period.start, period.end, now)
    return {**asdict(stand), "kept": stand.on_pace}


def _is_the_promises(playbook: Playbook, period: Period) -> bool:
    return is_monthly(playbook) == period.monthly


def _contact(side: Kept) -> dict[str, Any]:
    """The histogram with its upper ends in hours; None: longer."""
    told = asdict(side)
    told["histogram"] = [
        {"up_to": top, "number": number}
        for top, number in zip((*BUCKETS, None), side.histogram, strict=True)
    ]
    return told


def _brief(side: Kept) -> dict[str, Any]:
    left_out = ("histogram", "silent")
    return {name: value for name, value in asdict(side).items() if name not in left_out}


def _period(period: Period, zone: tzinfo) -> dict[str, str]:
    return {
        "name": period.name,
        "start": period.start.astimezone(zone).isoformat(),
        "end": period.end.astimezone(zone).isoformat(),
    }
