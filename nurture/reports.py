"""Reports: one picture for both departments, one lead explained, the handovers' list."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlmodel import col, select

from nurture import figures
from nurture.audiences.view import AudienceView
from nurture.domain.errors import InputError
from nurture.domain.lead import Score
from nurture.domain.scoring import Reason
from nurture.figures import EVERYTHING, Question
from nurture.store import enrolments, handovers, leads, points
from nurture.store import figures as counting
from nurture.store import reports as queries
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.loose import values
from nurture.store.paging import Key
from nurture.store.scope import Scope
from nurture.store.tables import ConsentRow, LeadRow, MessageRow, StageChangeRow
from nurture.versions.shelf import Shelf

LISTED = 200


class Reports:
    """Reads only. Every answer is plain data, ready for JSON."""

    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf

    async def summary(self, now: datetime, asked: Question = EVERYTHING) -> dict[str, Any]:
        """Totals, funnel, mails and audiences since the beginning; the agreement as it is asked for.

        Raises InputError for a month or dimension that does not exist.
        """
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
            currency = playbook.promise.currency
            [ever] = await counting.counts(session, figures.funnel_of(playbook), currency, Scope())
            return {
                **await queries.leads(session, playbook.lifecycle),
                **await queries.totals(session),
                "mails": await queries.mails(session),
                "handover_states": await queries.handovers(session),
                "sla": await queries.sla(session, now),
                "audiences": await queries.audiences(session, list(playbook.audiences)),
                "kpi": figures.figures(ever[""], playbook),
                **await figures.report(session, playbook, now, asked),
            }

    async def report(
        self, now: datetime, asked: Question = EVERYTHING, brief: bool = False
    ) -> dict[str, Any]:
        """The agreement in one period, without what is counted since the beginning. `brief`: as in
        nurture.figures.report."""
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
            return await figures.report(session, playbook, now, asked, brief)

    async def choices(self) -> dict[str, dict[str, str]]:
        """What figures can be asked for, by dimension: each value with its title."""
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
            sources = await values(session, LeadRow.source)
            owners = await values(session, HandoverRow.owner)
        return {
            "persona": {each.id: each.title for each in playbook.personas},
            "source": {name: name for name in sources},
            "flow": {name: flow.title or name for name, flow in playbook.flows.items()},
            "owner": {name: name for name in owners},
        }

    async def company(self) -> str:
        """Whose figures these are."""
        async with self._db.read() as session:
            return (await self._shelf.current(session)).company.name

    async def lead(
        self, name: str, now: datetime, owner: str | None = None
    ) -> dict[str, Any] | None:
        """One lead, each point of its score explained by the rules in force; None when nobody goes by that name, or it
        is not the owner's, where one is given. `waits`: the lead is yet to be settled by them, and what hangs on its
        score with it."""
        async with self._db.read() as session:
            row = await leads.find(session, name)
            if row is None or not await handovers.is_owned(session, row.id, owner):
                return None
            playbook = await self._shelf.current(session)
            facts = await leads.facts(session, row, now)
            score, reasons = await points.explained(session, playbook.scoring, facts, now)
            runs = await enrolments.of_lead(session, row.id)
            return {
                "id": row.id,
                "email": row.email,
                "stage": row.stage,
                "persona": leads.persona(row) or None,
                "traits": row.traits,
                "traits_at": {name: row.traits_at.get(name) for name in row.traits},
                "tags": row.tags,
                "consents": row.consents,
                "suppressed": row.suppressed,
                "score": {
                    **_scored(score, reasons),
                    "waits": row.scored_by != playbook.scored_by,
                },
                "touches": [_plain(touch._asdict()) for touch in facts.touches],
                "stage_history": await _all(session, row, StageChangeRow, StageChangeRow.at),
                "consent_history": await _all(session, row, ConsentRow, ConsentRow.at),
                "mails": await _all(session, row, MessageRow, MessageRow.claimed_at),
                "handovers": await _all(session, row, HandoverRow, HandoverRow.ordinal),
                "enrolments": [
                    _plain(run.model_dump()) for run in sorted(runs, key=attrgetter("ordinal"))
                ],
            }

    async def audiences(self, now: datetime) -> list[dict[str, Any]]:
        """Every audience: who should be on it and who is, what is owed and since when, errors in words."""
        return await AudienceView(self._db, self._shelf).all(now)

    async def handovers(
        self,
        open_only: bool = False,
        owner: str | None = None,
        after: str = "",
        limit: int = LISTED,
    ) -> list[dict[str, Any]]:
        """The latest handovers, the most urgent open ones first; with `owner` those in its hands. `after` is the id of
        the one that they stand behind. Raises InputError for an unknown one."""
        at, id_ = (
            col(HandoverRow.due_at if open_only else HandoverRow.opened_at),
            col(HandoverRow.id),
        )
        query = select(HandoverRow, LeadRow).join(
            LeadRow, col(LeadRow.id) == col(HandoverRow.lead_id)
        )
        if open_only:
            query = query.where(handovers.unclosed())
        if owner is not None:
            query = query.where(col(HandoverRow.owner) == owner)
        order = (at, id_) if open_only else (at.desc(), id_.desc())
        async with self._db.read() as session:
            if after:
                query = query.where(await _behind(session, after, open_only, at, id_))
            rows = (await session.execute(query.order_by(*order).limit(limit))).all()
            return [{**_plain(row.model_dump()), "lead": lead.email} for row, lead in rows]


async def _behind(session: Any, after: str, open_only: bool, at: Any, id_: Any) -> Any:
    """The condition for a handover to stand behind that one in the list."""
    last = await session.get(HandoverRow, after)
    if last is None:
        raise InputError(f"there is no handover {after}")
    if open_only:
        return Key(last.due_at, after).precedes(at, id_)
    return Key(last.opened_at, after).follows(at, id_)


async def _all(session: Any, lead: LeadRow, table: Any, order: Any) -> list[dict[str, Any]]:
    """The lead's rows, as they came."""
    query = select(table).where(table.lead_id == lead.id).order_by(order, table.id)
    return [_plain(row.model_dump()) for row in (await session.execute(query)).scalars()]


def _scored(score: Score, reasons: Sequence[Reason]) -> dict[str, Any]:
    return {
        "fit": score.fit,
        "engagement": score.engagement,
        "total": score.total,
        "grade": score.grade or None,
        "reasons": [_explained(reason) for reason in reasons],
    }


def _explained(reason: Reason) -> dict[str, Any]:
    return _plain({**asdict(reason), "touches": [entry._asdict() for entry in reason.touches]})


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Times as ISO text, also further in."""
    return {key: _value(value) for key, value in record.items() if not isinstance(value, timedelta)}


def _value(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case dict():
            return _plain(value)
        case list() | tuple():
            return [_value(item) for item in value]
        case _:
            return value
