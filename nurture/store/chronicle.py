"""All that happened to one lead, told from its rows in the words of a simulation (docs/simulation.md)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.event import Event
from nurture.playbook import Playbook
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.handover_tables import HandoverEventRow, HandoverRow
from nurture.store.messages import REFUSED
from nurture.store.tables import CallRow, EnrolmentRow, MessageRow, StageChangeRow, TouchRow

_DETAILED = frozenset({"enriched", "reminded", "escalated", "reassigned"})
"""Events of a handover that are told with whom, or with what, they happened."""

_UNTOLD = frozenset({"opened", "attempted"})


async def of(session: AsyncSession, playbook: Playbook, lead_id: str) -> list[Event]:
    """In order of time. What leaves no row of its own (a mail that is held, a list) is not in it."""

    async def rows(table: Any) -> Sequence[Any]:
        found = await session.execute(select(table).where(col(table.lead_id) == lead_id))
        return list(found.scalars())

    runs = await rows(EnrolmentRow)
    found = [
        *_runs(runs),
        *(_mail(row) for row in await rows(MessageRow)),
        *(
            Event(row.at, lead_id, "touch", row.name, step=str(row.properties.get("step", "")))
            for row in await rows(TouchRow)
        ),
        *(
            Event(row.at, lead_id, "stage", row.to_stage)
            for row in await rows(StageChangeRow)
            if row.from_stage
        ),
        *await _calls(session, {run.id: run for run in runs}),
        *await _sales(session, playbook, await rows(HandoverRow)),
    ]
    return sorted(found, key=lambda event: event.at)


def _runs(rows: Iterable[EnrolmentRow]) -> Iterable[Event]:
    for row in rows:
        yield Event(row.started_at, row.lead_id, "entered", row.flow, row.flow)
        if row.ended and row.ended_at:
            yield Event(row.ended_at, row.lead_id, "left", row.ended, row.flow)


def _mail(row: MessageRow) -> Event:
    """One that went out, or the reason why it did not."""
    if row.sent_at:
        return Event(row.sent_at, row.lead_id, "mail", row.template, row.flow, row.step)
    why = row.reason if row.state == REFUSED else f"{row.state} {row.reason}"
    about = f"{row.template}: {why}"
    return Event(row.claimed_at, row.lead_id, "refused", about, row.flow, row.step)


async def _calls(session: AsyncSession, runs: dict[str, EnrolmentRow]) -> list[Event]:
    query = select(CallRow).where(col(CallRow.enrolment_id).in_(runs))
    return [
        Event(row.created_at, run.lead_id, "told", row.endpoint, run.flow, row.data["step"])
        for row in (await session.execute(query)).scalars()
        for run in [runs[row.enrolment_id]]
    ]


async def _sales(
    session: AsyncSession, playbook: Playbook, rows: Iterable[HandoverRow]
) -> list[Event]:
    """Handovers and tasks, then what happened to each."""
    by_id = {row.id: row for row in rows}
    found = [_given(playbook, row) for row in by_id.values()]
    query = (
        select(HandoverEventRow)
        .where(col(HandoverEventRow.handover_id).in_(by_id))
        .order_by(col(HandoverEventRow.id))
    )
    for event in (await session.execute(query)).scalars():
        if event.kind in _UNTOLD:
            continue
        of = by_id[event.handover_id]
        about = event.detail if event.kind in _DETAILED else of.reason
        found.append(Event(event.at, of.lead_id, event.kind, about, of.trigger, of.step or ""))
    return found


def _given(playbook: Playbook, row: HandoverRow) -> Event:
    about = playbook.asked(row.trigger, row.step) or row.reason
    return Event(row.opened_at, row.lead_id, row.kind, about, row.trigger, row.step or "")


@dataclass(frozen=True)
class Standing:
    """Where a lead stands now: each running enrolment's flow, step and what holds its mail; its lists."""

    runs: Mapping[str, tuple[str, str, str]]
    lists: frozenset[str]


async def standing(session: AsyncSession, lead_id: str) -> Standing:
    """What leaves no row of its own; whoever looks often enough sees it change."""
    runs = await session.execute(
        select(EnrolmentRow).where(
            col(EnrolmentRow.lead_id) == lead_id, col(EnrolmentRow.ended).is_(None)
        )
    )
    lists = await session.execute(
        select(AudienceMemberRow.audience).where(
            col(AudienceMemberRow.lead_id) == lead_id, col(AudienceMemberRow.desired)
        )
    )
    return Standing(
        {row.id: (row.flow, row.step or "", row.held) for row in runs.scalars()},
        frozenset(lists.scalars()),
    )
