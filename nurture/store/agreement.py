"""Sales' side of the agreement: the handovers opened in a period, as they stand now."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import case, col, func

from nurture.domain.figures import Given
from nurture.domain.sla import State
from nurture.store.columns import table
from nurture.store.handover_tables import HandoverRow, HandoverRuleRow
from nurture.store.handovers import HANDOVER
from nurture.store.scope import Scope


@dataclass(frozen=True)
class Judged:
    """How many handovers something led to, and how many of them sales rejected."""

    name: str
    handovers: int
    rejected: int
    title: str = ""


async def given(session: AsyncSession, scope: Scope) -> list[dict[str, list[Given]]]:
    """The handovers opened in each of the scope's periods by the values of its dimension; an owner's are those in its
    hands."""
    row = table(HandoverRow).c
    query = select(
        scope.stretch.c.number,
        scope.value(row.lead_id, owner=row.owner).label("value"),
        row.opened_at,
        row.due_at,
        row.contacted_at,
        row.closed_at,
        row.state,
    )
    query = _opened(query, scope)
    found: list[dict[str, list[Given]]] = [defaultdict(list) for _ in scope.periods]
    for number, value, opened, due, contacted, closed, state in await session.execute(query):
        one = Given(opened, due, contacted, closed, State(state))
        found[number][value].append(one)
    return list(found)


async def rejects(session: AsyncSession, scope: Scope) -> dict[str, int]:
    """Rejected ones by the reason that sales gave, most first."""
    row = HandoverRow
    query = (
        _opened(select(col(row.outcome), func.count()), scope)
        .where(col(row.state) == State.REJECTED)
        .group_by(col(row.outcome))
    )
    found = {str(why or ""): int(number) for why, number in (await session.execute(query)).all()}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


async def by_trigger(session: AsyncSession, scope: Scope) -> list[Judged]:
    """By what opened the handover: the score, or a flow."""
    return await _judged(session, _opened(select(col(HandoverRow.trigger), *_numbers()), scope))


async def by_rule(session: AsyncSession, scope: Scope) -> list[Judged]:
    """By each scoring rule that had given the lead points when it was handed over."""
    rule = table(HandoverRuleRow).c
    opened = _opened(select(rule.rule, *_numbers()), scope)
    same = rule.handover_id == table(HandoverRow).c.id
    return await _judged(session, opened.where(same))


async def _judged(session: AsyncSession, query: Any) -> list[Judged]:
    """Groups by the query's first column; the most rejected first."""
    name = query.selected_columns[0]
    rows = (await session.execute(query.group_by(name))).all()
    found = [Judged(str(each), int(number), int(bad)) for each, number, bad in rows]
    return sorted(found, key=lambda each: (-each.rejected, -each.handovers, each.name))


def _numbers() -> tuple[Any, Any]:
    rejected = case((col(HandoverRow.state) == State.REJECTED, 1), else_=0)
    return func.count(), func.sum(rejected)


def _opened(query: Any, scope: Scope) -> Any:
    """Of the handovers opened in the scope's periods."""
    row = table(HandoverRow).c
    return query.select_from(*scope.rows(row.lead_id)).where(
        row.kind == HANDOVER,
        *scope.within(row.opened_at),
        *scope.holds(row.lead_id, owner=row.owner),
    )
