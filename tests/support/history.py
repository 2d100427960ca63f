"""Random histories of a few leads, and the figures counted from them in plain Python, row by row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlmodel import SQLModel

from nurture.domain.figures import Counts, Given
from nurture.domain.periods import Period
from nurture.domain.sla import State
from nurture.store.handover_tables import HandoverRow, HandoverRuleRow, SaleRow
from nurture.store.tables import EnrolmentRow, LeadRow, StageChangeRow, TouchRow
from tests.support.domain import NOW

STAGES = ("visitor", "lead", "mql", "sql", "customer")
START = NOW
WHOLE = timedelta(days=90)
RULES = ("pages", "demo", "professional")


@dataclass(frozen=True)
class History:
    """All rows there are."""

    rows: Sequence[SQLModel]

    def of(self, table: type[Any], **where: Any) -> list[Any]:
        return [
            row
            for row in self.rows
            if isinstance(row, table)
            and all(getattr(row, key) == value for key, value in where.items())
        ]


def moments() -> st.SearchStrategy[datetime]:
    """Few of them, so that things happen at the same moment and on the edges of periods."""
    return st.integers(0, 9).map(lambda tenth: START + tenth * WHOLE / 10)


def periods() -> st.SearchStrategy[Period]:
    return st.tuples(moments(), moments()).map(lambda ends: Period("2026-03", min(ends), max(ends)))


@st.composite
def histories(draw: st.DrawFn) -> History:
    rows: list[SQLModel] = []
    for number in range(draw(st.integers(0, 5))):
        rows += draw(_leads(f"lead-{number}"))
    return History(rows)


@st.composite
def _leads(draw: st.DrawFn, lead: str) -> list[SQLModel]:
    rows: list[SQLModel] = []
    touches = sorted(draw(st.lists(moments(), max_size=4)))
    rows.append(
        LeadRow(
            id=lead,
            stage="visitor",
            persona=draw(st.sampled_from([None, "pro", "student"])),
            source=draw(st.sampled_from(["site", "crm"])),
            created_at=START,
            first_touch_at=touches[0] if touches else None,
        )
    )
    for number, at in enumerate(touches):
        name = draw(st.sampled_from(["page", "clicked"]))
        rows.append(
            TouchRow(
                id=f"{lead}/t{number}",
                lead_id=lead,
                source="site",
                name=name,
                at=at,
                received_at=at,
            )
        )
    rows += draw(_stages(lead))
    for number, at in enumerate(draw(st.lists(moments(), max_size=2))):
        amount, currency = draw(st.integers(0, 9)), draw(st.sampled_from(["DKK", "EUR"]))
        sale = SaleRow(
            id=f"{lead}/s{number}", lead_id=lead, amount=amount, currency=currency, at=at
        )
        rows.append(sale)
    for number, at in enumerate(sorted(draw(st.lists(moments(), max_size=2))), start=1):
        rows.append(
            EnrolmentRow(
                id=f"{lead}/e{number}",
                lead_id=lead,
                flow=draw(st.sampled_from(["welcome", "win-back"])),
                ordinal=number,
                playbook="p1",
                since=at,
                started_at=at,
            )
        )
    return rows + draw(_handovers(lead))


@st.composite
def _stages(draw: st.DrawFn, lead: str) -> list[SQLModel]:
    """A lead's way through the stages, up and down; the first row has no stage before it."""
    times = sorted(draw(st.lists(moments(), max_size=6)))
    rows: list[SQLModel] = []
    before = None
    for at in times:
        to = draw(st.sampled_from([stage for stage in STAGES if stage != before]))
        rows.append(StageChangeRow(lead_id=lead, from_stage=before, to_stage=to, at=at, by="rule"))
        before = to
    return rows


@st.composite
def _handovers(draw: st.DrawFn, lead: str) -> list[SQLModel]:
    rows: list[SQLModel] = []
    for number, at in enumerate(sorted(draw(st.lists(moments(), max_size=2))), start=1):
        state = draw(st.sampled_from(["rejected", "won", "lost", "recycled"]))
        took = st.none() | st.integers(0, 80).map(lambda hours, at=at: at + timedelta(hours=hours))
        row = HandoverRow(
            id=f"{lead}/h{number}",
            lead_id=lead,
            ordinal=number,
            kind=draw(st.sampled_from(["handover", "task"])),
            playbook="p1",
            team="sales",
            owner=draw(st.sampled_from(["Anna", "Bo"])),
            state=state,
            reason="",
            trigger=draw(st.sampled_from(["score", "welcome"])),
            opened_at=at,
            due_at=at + timedelta(days=2),
            contacted_at=draw(took),
            closed_at=draw(took),
            outcome="no budget" if state == "rejected" else None,
        )
        rows.append(row)
        for rule in sorted(draw(st.sets(st.sampled_from(RULES)))):
            rows.append(HandoverRuleRow(handover_id=row.id, rule=rule, points=10))
    return rows


def value_of(history: History, lead: LeadRow, by: str | None, end: datetime) -> str:
    match by:
        case "flow":
            runs = [r for r in history.of(EnrolmentRow, lead_id=lead.id) if r.started_at < end]
            return str(max(runs, key=lambda r: (r.started_at, r.id)).flow) if runs else ""
        case "owner":
            given = history.of(HandoverRow, lead_id=lead.id, kind="handover")
            given = [row for row in given if row.opened_at < end]
            return str(max(given, key=lambda r: (r.opened_at, r.id)).owner) if given else ""
        case None:
            return ""
        case _:
            return getattr(lead, by) or ""


def counts(
    history: History, period: Period, by: str | None, leads: Sequence[LeadRow] | None = None
) -> dict[str, Counts]:
    """The figures by the definitions in docs/figures.md, of all leads or these; only values with anything to count."""
    found: dict[str, list[LeadRow]] = {}
    for lead in history.of(LeadRow) if leads is None else leads:
        found.setdefault(value_of(history, lead, by, period.end), []).append(lead)
    every = {value: _count(history, leads, period) for value, leads in found.items()}
    return {value: counted for value, counted in every.items() if counted != Counts()}


def other_revenue(history: History, period: Period, by: str | None) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for sale in history.of(SaleRow):
        [lead] = history.of(LeadRow, id=sale.lead_id)
        if sale.currency != "DKK" and period.start <= sale.at < period.end:
            sums = found.setdefault(value_of(history, lead, by, period.end), {})
            sums[sale.currency] = sums.get(sale.currency, 0) + sale.amount
    return found


def _count(history: History, leads: Sequence[LeadRow], period: Period) -> Counts:
    def within(at: datetime | None) -> bool:
        return at is not None and period.start <= at < period.end

    def number(test: Callable[[LeadRow], bool]) -> int:
        return sum(test(lead) for lead in leads)

    def first(lead: LeadRow, rank: int) -> datetime | None:
        moves = history.of(StageChangeRow, lead_id=lead.id)
        return min((m.at for m in moves if STAGES.index(m.to_stage) >= rank), default=None)

    sales = [sale for lead in leads for sale in history.of(SaleRow, lead_id=lead.id)]
    orders = [
        (sale.at - touch).total_seconds()
        for lead in leads
        for sale in [min(history.of(SaleRow, lead_id=lead.id), key=lambda s: s.at, default=None)]
        for touch in [min((t.at for t in history.of(TouchRow, lead_id=lead.id)), default=None)]
        if sale and touch and within(sale.at)
    ]
    pages = [page for lead in leads for page in history.of(TouchRow, lead_id=lead.id, name="page")]
    return Counts(
        visits=sum(within(page.at) for page in pages),
        **{
            name: number(lambda lead, rank=rank: within(first(lead, rank)))
            for rank, name in enumerate(("visitors", "leads", "mqls", "sqls", "customers"))
        },
        revenue=sum(s.amount for s in sales if s.currency == "DKK" and within(s.at)),
        first_order_seconds=tuple(sorted(orders)),
        mqls_again=number(lambda lead: _came_back(history, lead, 2, within)),
        sqls_again=number(lambda lead: _came_back(history, lead, 3, within)),
    )


def _came_back(
    history: History, lead: LeadRow, rank: int, within: Callable[[datetime], bool]
) -> bool:
    """Rose over the mark in the period, after having fallen below it."""
    fallen = False
    for move in history.of(StageChangeRow, lead_id=lead.id):
        old = STAGES.index(move.from_stage) if move.from_stage else -1
        new = STAGES.index(move.to_stage)
        if old >= 0 and old < rank <= new and fallen and within(move.at):
            return True
        fallen = fallen or new < rank <= old
    return False


def given(history: History, period: Period, by: str | None) -> dict[str, list[Given]]:
    found: dict[str, list[Given]] = {}
    for row in history.of(HandoverRow, kind="handover"):
        [lead] = history.of(LeadRow, id=row.lead_id)
        value = row.owner if by == "owner" else value_of(history, lead, by, period.end)
        if period.start <= row.opened_at < period.end:
            one = Given(
                row.opened_at,
                row.due_at,
                row.contacted_at,
                row.closed_at,
                State(row.state),
            )
            found.setdefault(value, []).append(one)
    return found


def rejected_by_rule(history: History, period: Period) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for why in history.of(HandoverRuleRow):
        [row] = history.of(HandoverRow, id=why.handover_id)
        if row.kind == "handover" and period.start <= row.opened_at < period.end:
            all_, bad = found.get(why.rule, (0, 0))
            found[why.rule] = (all_ + 1, bad + (row.state == "rejected"))
    return found
