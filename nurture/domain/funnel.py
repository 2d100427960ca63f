"""Which stages the figures count under which name, whatever a company calls its own."""

from collections.abc import Iterable
from dataclasses import dataclass

from nurture.domain.lifecycle import Lifecycle

NAMES = ("visitors", "leads", "mqls", "sqls", "customers")


@dataclass(frozen=True)
class Funnel:
    """`ranks`: every stage's position; `marks`: from which position on a lead counts under each of NAMES."""

    ranks: dict[str, int]
    marks: dict[str, int]

    def at_least(self, name: str) -> list[str]:
        """The stages in which a lead counts under that name."""
        return [stage for stage, rank in self.ranks.items() if rank >= self.marks[name]]

    def below(self, name: str) -> list[str]:
        return [stage for stage, rank in self.ranks.items() if rank < self.marks[name]]

    def passed(self, been: Iterable[str], stage: str) -> list[str]:
        """The marks that a lead which has `been` in those stages reaches for the first time at this one."""
        old, new = self._highest(been), self._highest([stage])
        return [name for name, mark in self.marks.items() if old < mark <= new]

    def repeated(self, been: Iterable[str], stage: str) -> list[str]:
        """The marks that a lead which has `been` in those stages has at this one, and had before."""
        old, new = self._highest(been), self._highest([stage])
        return [name for name, mark in self.marks.items() if mark <= min(old, new)]

    def _highest(self, stages: Iterable[str]) -> int:
        return max((self.ranks.get(each, -1) for each in stages), default=-1)


def funnel(lifecycle: Lifecycle, mql: str | None, sql: str, customer: str) -> Funnel:
    """`mql` is the stage at which leads are handed over; None: the one below `sql`."""
    ranks = {stage.id: position for position, stage in enumerate(lifecycle.stages)}
    sales = lifecycle.rank(sql)
    marketing = lifecycle.rank(mql) if mql else max(sales - 1, 0)
    first = min(1, len(ranks) - 1)
    marks = (0, min(first, marketing), marketing, sales, lifecycle.rank(customer))
    return Funnel(ranks, dict(zip(NAMES, marks, strict=True)))
