"""What a person may ask of us: everything we hold of it, or that we forget it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from nurture.domain.errors import InputError
from nurture.domain.mentions import Names
from nurture.domain.sla import SALES_OWNED, State
from nurture.fingerprints import Fingerprints
from nurture.handovers.running import Handovers
from nurture.intake.identity import EMAIL
from nurture.outbox import Outbox
from nurture.privacy import forgotten
from nurture.store import (
    aside,
    enrolments,
    erasing,
    exporting,
    handovers,
    leads,
    notices,
    wakeups,
)
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import LeadRow
from nurture.versions.shelf import Shelf


@dataclass(frozen=True)
class Erased:
    """What an erasure did, without the person. `audiences`: whose platforms still have to confirm."""

    lead: str
    enrolments: int
    audiences: tuple[str, ...]
    handovers: int
    quarantined: int


class Privacy:
    """`export` and `erase`. Both find a person by address, id or any other name it goes by."""

    def __init__(
        self,
        db: Database,
        outbox: Outbox,
        shelf: Shelf,
        handovers_: Handovers,
        fingerprints: Fingerprints,
    ) -> None:
        self._db = db
        self._outbox = outbox
        self._shelf = shelf
        self._handovers = handovers_
        self._fingerprints = fingerprints

    async def export(self, name: str) -> dict[str, Any]:
        """Every row about the person, by table, ready for JSON. Raises InputError when nobody goes by the name."""
        async with self._db.read() as session:
            rows = await self._find(session, name)
            ids = [row.id for row in rows]
            known = [value for _, value in await erasing.names(session, ids)]
            return await exporting.everything(session, ids, known)

    async def erase(self, name: str, by: str, now: datetime) -> Erased:
        """Forget the person, in one transaction; repeated, it changes nothing more.

        Raises InputError when nobody goes by the name.
        """
        async with self._outbox.write() as session:
            rows = await self._find(session, name)
            ids = [row.id for row in rows]
            names = [
                *await erasing.names(session, ids),
                *((EMAIL, row.email) for row in rows if row.email),
            ]
            await forgotten.remember(session, self._fingerprints, names, name, by, now)
            audiences = await erasing.take_off_lists(session, ids, now)
            for audience in audiences:
                wakeups.add(session, wakeups.AUDIENCE, audience, now)
            ended = await enrolments.end_all(session, ids, erasing.ERASED, now)
            told = await _close(session, ids, now)
            await erasing.anonymise(session, rows, now)
            await self._tell_sales(session, rows, told, now)
            dropped = await aside.drop(session, Names(value for _, value in names))
            return Erased(rows[0].id, ended, tuple(audiences), len(told), dropped)

    async def _tell_sales(
        self,
        session: AsyncSession,
        rows: Sequence[LeadRow],
        told: Sequence[HandoverRow],
        now: datetime,
    ) -> None:
        """The task as it is now, with nobody in it, so that sales' system empties its own."""
        by_id = {row.id: row for row in rows}
        for row in told:
            await session.refresh(row)
            playbook = await self._shelf.version(session, row.playbook)
            await self._handovers.tell(
                session, playbook, row, by_id[row.lead_id], erasing.ERASED, now
            )
            handovers.wake(session, row, now)

    async def _find(self, session: AsyncSession, name: str) -> list[LeadRow]:
        """All that are the person, whichever of its names is given: a shop may have told of it under its address as a
        user id, a form under the address itself."""
        ids = await leads.everybody(session, name)
        if not ids:
            raise InputError("no lead goes by this name", name)
        locked = {id_: await erasing.with_joined(session, id_) for id_ in sorted(ids)}
        return [row for id_ in ids for row in locked[id_]]


async def _close(session: AsyncSession, ids: Sequence[str], now: datetime) -> list[HandoverRow]:
    """Close what sales has in hand; the handovers of which sales may know anything, and must be told this.

    What waits to be told is not told any more: it names the person.
    """
    query = select(HandoverRow).where(col(HandoverRow.lead_id).in_(ids))
    rows = list((await session.execute(query.order_by(col(HandoverRow.id)))).scalars())
    told = []
    for row in rows:
        if State(row.state) in SALES_OWNED:
            row.state, row.closed_at, row.outcome = State.RECYCLED, now, erasing.ERASED
            handovers.log(session, row, erasing.ERASED, now, "privacy")
        about = await notices.withdraw(session, row.id, now)
        if any(notice.type.endswith(f".{erasing.ERASED}") for notice in about):
            continue
        if any(notices.may_be_known(notice) for notice in about):
            told.append(row)
    return told
