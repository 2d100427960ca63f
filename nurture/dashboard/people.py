"""Leads as the dashboard shows them: a list, and one with everything known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.effects import ChangeAudience, CreateTask, HandOver, RefuseMail, SendMail
from nurture.domain.flow import Flow, WaitFor
from nurture.domain.lead import Facts
from nurture.domain.outlook import Outlook, Pause, outlook
from nurture.domain.renaming import back_then
from nurture.playbook import Playbook
from nurture.playbook.wording import Say, effect_words
from nurture.reports import Reports
from nurture.store import enrolments, lead_list, leads, words
from nurture.store.database import Database
from nurture.store.lead_list import Filter
from nurture.store.paging import Key, cut
from nurture.store.tables import EnrolmentRow, LeadRow
from nurture.versions import on_paper
from nurture.versions.shelf import Shelf

PAGE = 50
LOOKED_AT = 2000
_TIMES = {
    "at",
    "again_at",
    "expires_at",
    "sent_at",
    "claimed_at",
    "put_off_at",
    "opened_at",
    "clicked_at",
    "due_at",
}
_TIMES |= {"started_at", "ended_at", "closed_at", "since", "wake_at", "known_at"}


@dataclass(frozen=True)
class Line:
    id: str
    name: str
    email: str
    stage: str
    persona: str
    score: int
    created_at: datetime


@dataclass(frozen=True)
class Page:
    """`cut`: more leads are called like that than are looked at."""

    lines: Sequence[Line]
    before: Key | None
    after: Key | None
    cut: bool = False


@dataclass(frozen=True)
class Stop:
    """One pause before what comes next: until when, and the gate's reason, or `wait`, or `answer`: what
    the step hopes for (`touch`, `of` a mail)."""

    until: datetime | None
    why: str
    step: str
    touch: str = ""
    of: str = ""


@dataclass(frozen=True)
class Run:
    """A lead in a flow. `mail` or `does` (and to what) is what comes next, at `at`, if it does nothing; else it
    ends (`done`), or stands still until somebody lets the flow go on."""

    id: str
    flow: str
    title: str
    step: str
    at: datetime
    stops: Sequence[Stop]
    mail: str = ""
    does: str = ""
    what: str = ""
    done: str = ""


@dataclass(frozen=True)
class Portrait:
    """`told` is what /api/leads says, with its times as times; `runs` those under way."""

    lead: Line
    told: Mapping[str, Any]
    runs: Sequence[Run]
    may_enter: Mapping[str, str]
    in_hand: bool


class People:
    def __init__(self, db: Database, shelf: Shelf, reports: Reports) -> None:
        self._db = db
        self._shelf = shelf
        self._reports = reports

    async def page(self, wanted: Filter, after: Key | None, name: str = "") -> Page:
        """The newest first. `name`: beginnings of words such as a name, company or address, or an id; of those
        only the first page is shown."""
        async with self._db.read() as session:
            if name:
                wanted = replace(wanted, among=await words.find(session, name, LOOKED_AT))
            rows = await lead_list.page(session, wanted, after, PAGE + 1)
        page = cut(rows, after, PAGE, lambda row: (row.created_at, row.id))
        lines = [_line(row) for row in page.rows]
        if not name:
            return Page(lines, page.before, page.after)
        many = bool(page.after) or len(wanted.among or ()) == LOOKED_AT
        return Page(lines, None, None, many)

    async def show(
        self, lead_id: str, owner: str | None, now: datetime, say: Say = str
    ) -> Portrait | None:
        """By its id alone: a name in an address would stand in logs. None when it is not the owner's."""
        told = await self._reports.lead(lead_id, now, owner)
        if told is None or told["id"] != lead_id:
            return None
        async with self._db.read() as session:
            row = await session.get(LeadRow, lead_id)
            assert row is not None
            playbook = await self._shelf.current(session)
            facts = await on_paper.facts_of(session, playbook, row, now)
            runs = [run for run in await enrolments.of_lead(session, lead_id) if not run.ended]
            found = [await self._run(session, playbook, run, facts, now, say) for run in runs]
        inside = {run.flow for run in runs}
        return Portrait(
            lead=_line(row),
            told=_timed(told),
            runs=[run for run in found if run],
            may_enter={
                name: flow.title
                for name, flow in playbook.flows.items()
                if flow.live and not flow.paused and name not in inside
            },
            in_hand=row.sales_owned,
        )

    async def _run(
        self,
        session: AsyncSession,
        playbook: Playbook,
        row: EnrolmentRow,
        facts: Facts,
        now: datetime,
        say: Say,
    ) -> Run | None:
        """None for a flow that is not in force any more: its leads leave at their next look."""
        flow = playbook.flows.get(row.flow)
        if flow is None:
            return None
        if row.step not in (None, *flow.steps):
            kept = await self._shelf.version(session, row.playbook)
            flow = back_then(kept.flows, flow, row.flow) or flow
        ahead = outlook(flow, enrolments.cursor(row), facts, now)
        stops = [_stop(flow, pause) for pause in ahead.pauses]
        return Run(
            row.id, row.flow, flow.title, row.step or "", ahead.at, stops, *_next(ahead, say)
        )


def _stop(flow: Flow, pause: Pause) -> Stop:
    step = flow.steps.get(pause.step or "")
    if pause.why or not isinstance(step, WaitFor):
        return Stop(pause.until, pause.why or "wait", pause.step or "")
    hopes = step.touch or (step.when.source if step.when else "")
    return Stop(pause.until, "answer", pause.step or "", hopes, step.of or "")


def _next(ahead: Outlook, say: Say) -> tuple[str, str, str, str]:
    """The mail, what else happens and to what, or how it ends."""
    if ahead.done:
        return "", "", "", ahead.done
    match ahead.effect:
        case None:
            return "", "", "", ""
        case SendMail() | RefuseMail():
            return ahead.effect.template, "", "", ""
        case ChangeAudience(audience, add):
            return "", "added_to_audience" if add else "removed_from_audience", audience, ""
        case CreateTask():
            return "", "task", ahead.effect.title, ""
        case HandOver(reason):
            return "", "handover", reason, ""
        case _:
            return "", "step", effect_words(ahead.effect, say), ""


def _line(row: LeadRow) -> Line:
    return Line(
        id=row.id,
        name=leads.name(row),
        email=row.email or "",
        stage=row.stage,
        persona=leads.persona(row),
        score=row.fit + row.engagement,
        created_at=row.created_at,
    )


def _timed(told: Any) -> Any:
    """Plain data with its times read back."""
    if isinstance(told, list):
        return [_timed(each) for each in told]
    if isinstance(told, dict):
        return {
            key: datetime.fromisoformat(value)
            if key in _TIMES and isinstance(value, str)
            else (_timed(value) if key not in ("traits", "properties") else value)
            for key, value in told.items()
        }
    return told
