"""Which leads are counted when: periods and dimensions of figures, as parts of statements.

All periods of a scope are counted by the same statement, for which they are a table of a few rows: a year by its months
costs about what the year does, and a month is counted the same way alone or among others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import FromClause, Join, Subquery, and_, literal, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlmodel import func

from nurture.domain.periods import EVER, Period
from nurture.store.columns import Moment, table
from nurture.store.handover_tables import HandoverRow
from nurture.store.handovers import HANDOVER
from nurture.store.tables import EnrolmentRow, LeadRow

OWN, LATEST = ("persona", "source"), ("flow", "owner")
DIMENSIONS = (*OWN, *LATEST)
"""What stands in the lead's own row, and what its latest enrolment and handover say."""


@dataclass(frozen=True)
class Scope:
    """Those leads that belong to all the values of `only`, by dimension, in each of the periods. `by` splits them;
    without it all stand under ""."""

    periods: Sequence[Period] = (EVER,)
    by: str | None = None
    only: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def stretch(self) -> Subquery:
        """The periods: `number` in their order, `begins`, `ends`."""
        rows = [
            select(
                literal(number).label("number"),
                literal(period.start, Moment).label("begins"),
                literal(period.end, Moment).label("ends"),
            )
            for number, period in enumerate(self.periods)
        ]
        return union_all(*rows).subquery("stretch")

    @cached_property
    def _chosen(self) -> FromClause:
        return table(LeadRow).alias("chosen")

    @property
    def _own(self) -> list[str]:
        return [by for by in OWN if by in self.only]

    def rows(self, lead_id: Any) -> list[Any]:
        """What to ask: the periods, and the rows of that column with their leads."""
        if not self._own:
            return [self.stretch, lead_id.table]
        lead = self._chosen.c
        same = [lead.id == lead_id, *(_is(lead[by], self.only[by]) for by in self._own)]
        return [self.stretch, _InOrder(lead_id.table, self._chosen, and_(*same))]

    def within(self, at: Any) -> list[Any]:
        """The conditions for the time in that column to be in a row's period."""
        return [at >= self.stretch.c.begins, at < self.stretch.c.ends]

    def value(self, lead_id: Any, owner: Any = None) -> Any:
        """What the lead in that column stands under. `owner`: a column with whose it is, where that is not who has
        its latest handover."""
        if self.by is None:
            return literal("")
        if self.by in LATEST:
            return func.coalesce(self._latest(self.by, lead_id, owner), "")
        lead = table(LeadRow)
        own = select(lead.c[self.by]).where(lead.c.id == lead_id).correlate_except(lead)
        return func.coalesce(own.scalar_subquery(), "")

    def holds(self, lead_id: Any, owner: Any = None) -> list[Any]:
        """The conditions for the lead in that column to be counted, where `rows` are asked; `owner` as in `value`. Its
        own row comes first: what else it belongs to is dearer to find."""
        if self._own:
            lead_id = self._chosen.c.id
        latest = [by for by in LATEST if by in self.only]
        return [_is(self._latest(by, lead_id, owner), self.only[by]) for by in latest]

    def _latest(self, by: str, lead_id: Any, owner: Any) -> Any:
        """The flow it entered last, or who has its latest handover, as it stood at the end of the period."""
        if by == "owner" and owner is not None:
            return owner
        rows = table(EnrolmentRow if by == "flow" else HandoverRow)
        row = rows.c
        begun = row.started_at if by == "flow" else row.opened_at
        given = [] if by == "flow" else [row.kind == HANDOVER]
        latest = select(row[by]).where(row.lead_id == lead_id, begun < self.stretch.c.ends, *given)
        newest = latest.order_by(begun.desc(), row.id.desc()).limit(1).correlate_except(rows)
        return newest.scalar_subquery()


class _InOrder(Join):
    """A join whose left side is read first. SQLite may think that few leads have a persona, and would begin with all
    of them."""

    inherit_cache = True


@compiles(_InOrder, "sqlite")
def _cross(join: Any, compiler: Any, **kw: Any) -> str:
    kw["asfrom"] = True
    left, right = (compiler.process(side, **kw) for side in (join.left, join.right))
    return f"{left} CROSS JOIN {right} ON {compiler.process(join.onclause, **kw)}"


def _is(column: Any, value: str) -> Any:
    return column == value if value else func.coalesce(column, "") == ""
