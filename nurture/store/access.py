"""Accounts, sessions, tokens, failed attempts and the audit log, as rows."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, or_, select

from nurture.store.access_tables import AccountRow, ApiTokenRow, AttemptRow, AuditRow, SessionRow


async def accounts(session: AsyncSession) -> list[AccountRow]:
    query = select(AccountRow).order_by(col(AccountRow.name), col(AccountRow.id))
    return list((await session.execute(query)).scalars())


async def account(session: AsyncSession, name: str) -> AccountRow | None:
    """By id or address."""
    query = select(AccountRow).where(or_(col(AccountRow.id) == name, col(AccountRow.email) == name))
    return (await session.execute(query)).scalar_one_or_none()


async def admins(session: AsyncSession) -> int:
    query = select(func.count()).select_from(AccountRow).where(col(AccountRow.role) == "admin")
    return int((await session.execute(query)).scalar_one())


async def seen(session: AsyncSession, account_id: str, at: datetime, password: str = "") -> None:
    """It signed in; `password` is a fresh hash if the old one was stale."""
    changed: dict[str, object] = {"seen_at": at, **({"password": password} if password else {})}
    await session.execute(
        update(AccountRow).where(col(AccountRow.id) == account_id).values(changed)
    )


async def session(session: AsyncSession, session_id: str) -> tuple[SessionRow, AccountRow] | None:
    query = (
        select(SessionRow, AccountRow)
        .join(AccountRow, col(AccountRow.id) == col(SessionRow.account_id))
        .where(col(SessionRow.id) == session_id)
    )
    found = (await session.execute(query)).one_or_none()
    return (found[0], found[1]) if found else None


async def touch_session(session: AsyncSession, session_id: str, at: datetime) -> None:
    await session.execute(
        update(SessionRow).where(col(SessionRow.id) == session_id).values(seen_at=at)
    )


async def end_session(session: AsyncSession, session_id: str) -> None:
    await session.execute(delete(SessionRow).where(col(SessionRow.id) == session_id))


async def end_sessions(session: AsyncSession, account_id: str) -> None:
    await session.execute(delete(SessionRow).where(col(SessionRow.account_id) == account_id))


async def end_old_sessions(session: AsyncSession, idle: datetime, old: datetime) -> None:
    over = or_(col(SessionRow.seen_at) < idle, col(SessionRow.created_at) < old)
    await session.execute(delete(SessionRow).where(over))


async def nth_attempt(
    session: AsyncSession, key: str, number: int, since: datetime
) -> datetime | None:
    """When the `number`-th newest attempt was, if there were so many since then."""
    query = (
        select(AttemptRow.at)
        .where(col(AttemptRow.key) == key, col(AttemptRow.at) > since)
        .order_by(col(AttemptRow.at).desc())
        .offset(number - 1)
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def forget_attempts(
    session: AsyncSession, attempts: Sequence[AttemptRow], before: datetime
) -> None:
    """Those, and all that count no more."""
    ids = [attempt.id for attempt in attempts]
    old = or_(col(AttemptRow.id).in_(ids), col(AttemptRow.at) < before)
    await session.execute(delete(AttemptRow).where(old))


async def tokens(session: AsyncSession) -> list[ApiTokenRow]:
    query = select(ApiTokenRow).order_by(col(ApiTokenRow.created_at).desc(), col(ApiTokenRow.id))
    return list((await session.execute(query)).scalars())


async def token(session: AsyncSession, secret: str) -> ApiTokenRow | None:
    query = select(ApiTokenRow).where(col(ApiTokenRow.secret) == secret)
    return (await session.execute(query)).scalar_one_or_none()


async def touch_token(session: AsyncSession, token_id: str, at: datetime) -> None:
    await session.execute(
        update(ApiTokenRow).where(col(ApiTokenRow.id) == token_id).values(used_at=at)
    )


async def conclude(
    session: AsyncSession, entry: int, outcome: str, subject: str, detail: str
) -> None:
    await session.execute(
        update(AuditRow)
        .where(col(AuditRow.id) == entry)
        .values(outcome=outcome, subject=subject, detail=detail)
    )


async def audit(
    session: AsyncSession, limit: int, before: int | None, who: str, action: str
) -> list[AuditRow]:
    query = select(AuditRow).order_by(col(AuditRow.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(AuditRow.id) < before)
    if who:
        query = query.where(col(AuditRow.who) == who)
    if action:
        query = query.where(col(AuditRow.action) == action)
    return list((await session.execute(query)).scalars())


async def audited_actions(session: AsyncSession) -> list[str]:
    query = select(AuditRow.action).distinct().order_by(col(AuditRow.action))
    return list((await session.execute(query)).scalars())
