"""Leads at a glance: what a touch can change of a lead that nothing else is told of, in plain rows.

Reading and writing a mapped object costs many times what the statement does, and touches are by far the most
that is ever stored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.errors import Contended
from nurture.domain.lead import Facts, Lead, Score, Standing
from nurture.store import bulk
from nurture.store.among import Among
from nurture.store.columns import table
from nurture.store.points import Tally
from nurture.store.tables import EnrolmentRow, LeadRow


@dataclass(slots=True)
class Glance:
    """One lead. `listens`: the topics that its enrolments wait for."""

    id: str
    email: str | None
    traits: dict[str, Any]
    traits_at: dict[str, str]
    tags: list[str]
    declined: list[str]
    stage: str
    persona: str | None
    fit: int
    engagement: int
    grade: str
    scored_by: str | None
    next_score_at: datetime | None
    tally: Tally | None
    sales_owned: bool
    cooled_until: datetime | None
    first_touch_at: datetime | None
    erased_at: datetime | None
    merged_into: str | None
    listens: set[str] = field(default_factory=set)
    due: datetime | None = field(init=False)
    """When the score was to be looked at again, as the row still says."""

    def __post_init__(self) -> None:
        self.due = self.next_score_at

    def facts(self, score: Score) -> Facts:
        """What rules about the score may ask for; touches are not among it."""
        tags = frozenset(self.tags)
        lead = Lead(self.id, self.email, self.traits, self.stage, self.persona, tags)
        return Facts(lead, score, standing=Standing(sales_owned=self.sales_owned))


async def look(session: AsyncSession, ids: Iterable[str]) -> dict[str, Glance]:
    """By id. All of them are held against other writers, in a fixed order, so that two batches cannot wait
    for each other. Raises Contended when one was joined into another, or erased, while we waited: what led to it
    leads elsewhere now."""
    given = {"ids": sorted(ids)}
    found = {row[0]: Glance(*row) for row in (await session.execute(_looked(), given)).all()}
    # not asked of the database: SQLite would look through all leads that are neither
    if any(each.merged_into or each.erased_at for each in found.values()):
        raise Contended("lead_gone", "joined or erased meanwhile")
    for lead_id, listens in (await session.execute(_listening(), given)).all():
        found[lead_id].listens.update(listens)
    return found


async def write(session: AsyncSession, glances: Sequence[Glance]) -> None:
    """What touches change. SQLite writes an index anew also for a value that stays, so an indexed one that does is left
    out."""
    still = [each for each in glances if each.next_score_at == each.due]
    moved = [each for each in glances if each.next_score_at != each.due]
    for names, group in ((_CHANGED, still), ((*_CHANGED, "next_score_at"), moved)):
        rows = [(each.id, *(getattr(each, name) for name in names)) for each in group]
        await bulk.execute(session, _written(names), ("of", *names), rows)


_READ = tuple(each.name for each in fields(Glance) if each.name not in ("listens", "due"))
_CHANGED = ("traits_at", "engagement", "grade", "tally", "first_touch_at")


@cache
def _looked() -> Select[Any]:
    lead = table(LeadRow).c
    query = select(*(lead[name] for name in _READ))
    mine = Among(lead.id, "ids")
    return query.where(mine).order_by(lead.id).with_for_update()


@cache
def _listening() -> Select[Any]:
    run = table(EnrolmentRow).c
    mine = Among(run.lead_id, "ids")
    return select(run.lead_id, run.listens).where(mine, run.ended.is_(None))


@cache
def _written(names: tuple[str, ...]) -> Update:
    lead = table(LeadRow)
    return (
        update(lead)
        .where(lead.c.id == bindparam("of"))
        .values({name: bindparam(name) for name in names})
    )
