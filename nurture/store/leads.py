"""Leads, and the facts a decision about one of them may look at."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, literal, or_, union, update
from sqlalchemy import select as select_columns
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain.errors import Contended
from nurture.domain.lead import TOUCHES_LOOKED_AT, Facts, Lead, Score, Standing, Touch
from nurture.playbook import zones
from nurture.store.among import Among
from nurture.store.columns import table
from nurture.store.tables import (
    IdentityRow,
    LeadRow,
    MessageRow,
    StageChangeRow,
    TouchRow,
)
from nurture.store.ways import retell, way_to

_BROWSER = 4
"""How strong a browser's name is: the weakest. An id is the strongest, then come addresses and user ids."""

_CAP_HORIZON = timedelta(days=60)


async def lock(session: AsyncSession, lead_id: str) -> LeadRow | None:
    """The row, held against other writers until the transaction ends (SQLite has only one writer)."""
    return await session.get(LeadRow, lead_id, with_for_update=True)


async def lock_joined(session: AsyncSession, lead_id: str) -> LeadRow | None:
    """The row, or the one it was joined into since: links in old mails still name the old id."""
    row = await lock(session, lead_id)
    while row and row.merged_into:
        row = await lock(session, row.merged_into)
    return row


async def joined(session: AsyncSession, lead_id: str) -> LeadRow | None:
    """The same, to look only."""
    row = await session.get(LeadRow, lead_id)
    while row and row.merged_into:
        row = await session.get(LeadRow, row.merged_into)
    return row


async def lock_all(session: AsyncSession, ids: Sequence[str]) -> dict[str, LeadRow]:
    """The rows by id, locked in a fixed order so that two batches cannot wait for each other. Raises Contended when one
    was joined into another while we waited."""
    query = select(LeadRow).where(col(LeadRow.id).in_(ids)).order_by(col(LeadRow.id))
    rows = (await session.execute(query.with_for_update())).scalars()
    found = {row.id: row for row in rows}
    if any(row.merged_into for row in found.values()):
        raise Contended("lead_gone", "joined meanwhile")
    return found


async def find(session: AsyncSession, name: str) -> LeadRow | None:
    """By id, e-mail or any other name it goes by; whose strongest name it is, where several go by it."""
    named = await _by_name(session, name)
    return await joined(session, named[0][1]) if named else None


async def meant(session: AsyncSession, name: str) -> list[str]:
    """Ids of all who are told of under this name on purpose: as an id, an e-mail or a user id, which may be somebody's
    address; and under an address of theirs likewise. A browser only where nobody else is."""
    named = await _by_name(session, name)
    told = [lead_id for strength, lead_id in named if strength < _BROWSER]
    rows = [await joined(session, lead_id) for lead_id in told or [id_ for _, id_ in named]]
    found = list(dict.fromkeys(row.id for row in rows if row))
    while others := await _by_their_addresses(session, found) - set(found):
        found += sorted(others)
    return found


async def everybody(session: AsyncSession, name: str) -> list[str]:
    """Ids of those who are `meant`, and of all who go by such an address in another spelling: two leads may have one
    each. Reads through all user ids, which no index has in small letters."""
    found = await meant(session, name)
    asked = name.strip().lower() if "@" in name else ""
    while others := await _under_their_addresses(session, found, asked) - set(found):
        found += sorted(others)
    return found


async def _under_their_addresses(session: AsyncSession, ids: Sequence[str], asked: str) -> set[str]:
    """In any spelling. A name that was only lent counts where it is the address that was asked for."""
    theirs = {address.lower() for address in await _addresses(session, ids)}
    found = await _by_their_addresses(session, ids)
    if not (looked := theirs | {asked} - {""}):
        return found
    name = table(IdentityRow).c
    alike = (name.value.ilike(_alike(address), escape="\\") for address in looked)
    query = select_columns(name.value, name.lead_id, name.by_browser)
    for value, lead_id, lent in await session.execute(
        query.where(name.kind == "user", or_(*alike))
    ):
        if value.lower() == asked or (value.lower() in theirs and not lent):
            found.add(lead_id)
    return found


def _alike(address: str) -> str:
    """A pattern for its spellings, and some more: databases know capitals of English letters alone."""
    return "".join(
        f"\\{each}" if each in "%_\\" else each if each.isascii() else "%" for each in address
    )


async def _by_their_addresses(session: AsyncSession, ids: Sequence[str]) -> set[str]:
    """Who goes by an address that one of these goes by, either as a user id, too. Names that were only lent lead
    nowhere: they may be another's."""
    others = select_columns(table(IdentityRow).c.lead_id).where(
        _own(), table(IdentityRow).c.value.in_(await _addresses(session, ids))
    )
    return set((await session.execute(others)).scalars())


async def _addresses(session: AsyncSession, ids: Sequence[str]) -> set[str]:
    """Those that these leads go by themselves, as they were told and in small letters."""
    name = table(IdentityRow).c
    told = await session.execute(select_columns(name.value).where(_own(), name.lead_id.in_(ids)))
    return {spelled for value in told.scalars() for spelled in _spelled(value) if "@" in value}


def _own() -> ColumnElement[bool]:
    name = table(IdentityRow).c
    return and_(name.kind.in_(("email", "user")), ~name.by_browser)


def _spelled(name: str) -> set[str]:
    """As it is and, if it is an address, as addresses are kept; other user ids are told apart by their case."""
    return {name, name.strip().lower()} if "@" in name else {name}


async def _by_name(session: AsyncSession, name: str) -> list[tuple[int, str]]:
    """How strong a name it is, and whose; the strongest first. Other user ids than addresses are told apart by their
    case."""
    address = name.strip().lower()
    spelled = {name, address} if "@" in name else {name}
    lead, other = table(LeadRow).c, table(IdentityRow).c
    ways = (  # each by its own index, which PostgreSQL does not see in alternatives
        (lead.id, lead.id == name),
        (lead.id, lead.email == address),
        (other.lead_id, and_(other.kind == "email", other.value == address)),
        (other.lead_id, and_(other.kind == "user", other.value.in_(spelled))),
        (other.lead_id, and_(other.kind == "anonymous", other.value == name)),
    )
    found = union(
        *(
            select_columns(literal(strength).label("strength"), column.label("id")).where(goes_by)
            for strength, (column, goes_by) in enumerate(ways)
        )
    ).order_by("strength", "id")
    return [(strength, lead_id) for strength, lead_id in await session.execute(found)]


async def identities(
    session: AsyncSession, names: Iterable[tuple[str, str]]
) -> tuple[dict[tuple[str, str], str], set[tuple[str, str]]]:
    """Lead ids by (kind, value), for all names of a kind in one query; and those of the names that a browser alone
    tied to their lead."""
    found: dict[tuple[str, str], str] = {}
    lent: set[tuple[str, str]] = set()
    for kind, named in groupby(sorted(names), itemgetter(0)):
        given = {"kind": kind, "values": [value for _, value in named]}
        rows = (await session.execute(_named(), given)).all()
        found.update({(kind, value): lead_id for value, lead_id, _ in rows})
        lent.update([(kind, value) for value, _, by_browser in rows if by_browser])
    return found, lent


@cache
def _named() -> Select[Any]:
    name = table(IdentityRow).c
    return select_columns(name.value, name.lead_id, name.by_browser).where(
        name.kind == bindparam("kind"), Among(name.value, "values")
    )


async def own_name(session: AsyncSession, kind: str, value: str, lead_id: str) -> None:
    """It is that lead's from now on, whoever had it."""
    name = table(IdentityRow)
    mine = update(name).where(name.c.kind == kind, name.c.value == value)
    await session.execute(mine.values(lead_id=lead_id, by_browser=False))


async def lend_names(session: AsyncSession, lead_id: str, kinds: Sequence[str]) -> None:
    name = table(IdentityRow)
    theirs = update(name).where(name.c.lead_id == lead_id, name.c.kind.in_(kinds))
    await session.execute(theirs.values(by_browser=True))


async def forget_name(session: AsyncSession, kind: str, value: str) -> None:
    name = table(IdentityRow)
    await session.execute(delete(name).where(name.c.kind == kind, name.c.value == value))


async def goes_by(session: AsyncSession, lead_id: str, kind: str) -> bool:
    """Whether the lead has a name of that kind."""
    name = table(IdentityRow).c
    query = select_columns(name.lead_id).where(name.lead_id == lead_id, name.kind == kind)
    return (await session.execute(query.limit(1))).first() is not None


async def facts(session: AsyncSession, row: LeadRow, now: datetime) -> Facts:
    """What is known of one lead."""
    return (await facts_of(session, [row], now))[row.id]


async def facts_of(
    session: AsyncSession, rows: Sequence[LeadRow], now: datetime
) -> dict[str, Facts]:
    """What is known of each of these leads, in two queries for all of them."""
    await session.flush()  # statements on plain tables do not see to it themselves
    touches = await _touches(session, [row.id for row in rows])
    sent = await _sent(session, [row.id for row in rows], now)
    return {
        row.id: Facts(
            as_lead(row),
            Score(row.fit, row.engagement, row.grade),
            tuple(touches[row.id]),
            standing(row, sent[row.id]),
        )
        for row in rows
    }


@cache
def _latest_touches() -> Select[Any]:
    """The statement is made once: making it costs more than running it."""
    touch = table(TouchRow).c
    told = (touch.id, touch.name, touch.at, touch.properties, touch.machine, touch.received_at)
    people_first = (touch.machine.is_not(None), touch.at.desc())
    kind = (touch.lead_id, touch.name)
    rank = func.row_number().over(partition_by=kind, order_by=people_first)
    ranked = (
        select_columns(touch.lead_id, *told, rank.label("rank"))
        .where(Among(touch.lead_id, "ids"))
        .subquery()
    )
    latest = select_columns(ranked).where(ranked.c.rank <= TOUCHES_LOOKED_AT)
    return latest.order_by(ranked.c.lead_id, ranked.c.at.desc())


async def _touches(session: AsyncSession, ids: Sequence[str]) -> defaultdict[str, list[Touch]]:
    """The latest touches of each lead, newest first."""
    found: defaultdict[str, list[Touch]] = defaultdict(list)
    for lead_id, *values, _ in await session.execute(_latest_touches(), {"ids": list(ids)}):
        found[lead_id].append(Touch(*values))
    return found


@cache
def _sent_lately() -> Select[str, datetime | None]:
    mail = table(MessageRow).c
    return select_columns(mail.lead_id, mail.sent_at).where(
        Among(mail.lead_id, "ids"), mail.sent_at > bindparam("since")
    )


async def _sent(
    session: AsyncSession, ids: Sequence[str], now: datetime
) -> defaultdict[str, list[datetime]]:
    """When mails went out lately, as far back as a frequency cap may look."""
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    given = {"ids": list(ids), "since": now - _CAP_HORIZON}
    for lead_id, at in await session.execute(_sent_lately(), given):
        if at is not None:
            found[lead_id].append(at)
    return found


async def next_expiry(session: AsyncSession) -> datetime | None:
    """When points of some lead next expire."""
    value = (await session.execute(select(func.min(LeadRow.next_score_at)))).scalar_one()
    return value if isinstance(value, datetime) else None


def change_stage(
    session: AsyncSession, row: LeadRow, stage: str, now: datetime, by: str, reason: str = ""
) -> None:
    """Move the lead and keep the move in the history, as its newest."""
    change = StageChangeRow(
        lead_id=row.id, from_stage=row.stage, to_stage=stage, at=now, by=by, reason=reason
    )
    change.way = way_to(stage, row.id)
    session.add(change)
    row.stage = stage


async def change_stage_late(
    session: AsyncSession, row: LeadRow, stage: str, at: datetime, by: str, reason: str = ""
) -> None:
    """The same for what is heard of late: the lead may have moved since, and those moves have another way behind them
    now."""
    change_stage(session, row, stage, at, by, reason)
    await session.flush()
    await retell(session, row.id)


async def rose(
    session: AsyncSession, lead_id: str, stages: Collection[str], since: datetime
) -> bool:
    """Whether the lead came to one of these stages from any other since then."""
    query = select(col(StageChangeRow.id)).where(
        col(StageChangeRow.lead_id) == lead_id,
        col(StageChangeRow.at) > since,
        col(StageChangeRow.to_stage).in_(sorted(stages)),
        or_(
            col(StageChangeRow.from_stage).is_(None),
            col(StageChangeRow.from_stage).not_in(sorted(stages)),
        ),
    )
    return (await session.execute(query.limit(1))).first() is not None


def standing(row: LeadRow, sent: Sequence[datetime] = ()) -> Standing:
    return Standing(
        consents=frozenset(row.consents),
        suppressed=row.suppressed,
        sales_owned=row.sales_owned,
        open_cases=frozenset(row.cases),
        sent=tuple(sent),
        talks_until=row.talks_until,
        declined=frozenset(row.declined),
        soft_bounces=row.soft_bounces,
        paused_until=row.paused_until,
    )


def as_lead(row: LeadRow) -> Lead:
    return Lead(
        id=row.id,
        email=row.email,
        traits=row.traits,
        stage=row.stage,
        persona=row.persona,
        tags=frozenset(row.tags),
        zone=zones.of(row.traits),
        created_at=row.created_at,
        erased=row.erased_at is not None,
    )


def persona(row: LeadRow) -> str:
    """Its id, or nothing. Of who was erased it is kept for figures alone."""
    return "" if row.erased_at else row.persona or ""


def name(row: LeadRow) -> str:
    """The name to call it by; the address when it told none."""
    told = (row.traits.get("first_name"), row.traits.get("last_name"))
    return " ".join(str(part) for part in told if part) or row.email or "unknown"
