"""The send ledger: a mail is claimed here before it goes to the provider."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from nurture.domain import keys
from nurture.domain.flow import Email, Flow, RefuseMail, SendMail
from nurture.playbook import Playbook
from nurture.store.tables import EnrolmentRow, LeadRow, MessageRow

PLANNED, CLAIMED, ACCEPTED, DELIVERED = "planned", "claimed", "accepted", "delivered"
BOUNCED, COMPLAINED, FAILED = "bounced", "complained", "failed"
REFUSED, UNKNOWN = "refused", "unknown"
STATES = (
    *(PLANNED, CLAIMED, ACCEPTED, DELIVERED, BOUNCED),
    *(COMPLAINED, FAILED, REFUSED, UNKNOWN),
)

_AHEAD = ": "
"""Between flow and step of a mail that is kept with the run that may lead to its own; no step's name has it."""

_SENT = frozenset({ACCEPTED, UNKNOWN})
_OUT = frozenset({ACCEPTED, DELIVERED, COMPLAINED, UNKNOWN})
"""The lead has it, or may have it."""
OPEN = (PLANNED, CLAIMED)
_KEPT_BACK = frozenset({PLANNED, REFUSED})
"""All others went out, or may have, or were found impossible: no gate takes that back."""
_UNTOLD = frozenset({PLANNED, CLAIMED, UNKNOWN})
"""What its sender found out is news: of these nobody has told better."""


async def of_step(
    session: AsyncSession, playbook: Playbook, run: EnrolmentRow, step: str
) -> MessageRow | None:
    """The run's mail of that step, whatever the step was called when it was claimed; or the one kept ahead for it."""
    flow = playbook.flows.get(run.flow)
    names = sorted(flow.names_of(step)) if flow else [step]
    ids = [keys.message_id(run.id, name) for name in names]
    own = and_(col(MessageRow.enrolment_id) == run.id, col(MessageRow.step).in_(names))
    query = select(MessageRow).where(or_(col(MessageRow.id).in_(ids), own))
    found = (await session.execute(query)).scalars().all()
    # Of two that an earlier release left under two names, the one that waits to be sent is not it.
    return min(found, key=lambda row: row.state == PLANNED, default=None)


async def come_to(
    session: AsyncSession, playbook: Playbook, run: EnrolmentRow, step: str
) -> MessageRow | None:
    """The same for a run that stands at the step; a mail that was suspected before the run began is its own now."""
    row = await of_step(session, playbook, run, step)
    if row and is_ahead(row):
        row.enrolment_id, row.step = run.id, step
    return row


async def follow(session: AsyncSession, run: EnrolmentRow, names: Mapping[str, str]) -> None:
    """Steps are called otherwise now: so are the run's mails, each under the id it always had. Of mails whose steps
    became one, the first has its name; `of_step` knows the others by their own."""
    mails = {row.step: row for row in await _of_run(session, run)}
    taken = set(mails)
    for before, name in names.items():
        if before in mails and name not in taken:
            mails[before].step = name
            taken.add(name)


async def hand_over(
    session: AsyncSession,
    run: EnrolmentRow,
    to: EnrolmentRow,
    now: datetime,
    flow: Flow | None = None,
) -> None:
    """The lead goes on in another run of one flow: what it got in this one, it got there, and what was on its way may
    have gone out. What it goes on in is another `flow` where its own was merged into that; a mail whose step is another
    mail there stays, or that one would never be sent; so does one that did not go out, or that the other run sent, too.
    """
    await give_up(session, run, "its run ended", now)
    there = {row.step: row for row in await _of_run(session, to)}
    for row in await _of_run(session, run):
        other = there.get(row.step)
        if row.state not in _OUT or (flow and not _same_mail(flow, row)):
            continue
        if other and other.state == PLANNED:
            await session.delete(other)
            await session.flush()
            other = None
        if other is None:
            row.enrolment_id = to.id
    await session.flush()


def _same_mail(flow: Flow, row: MessageRow) -> bool:
    step = flow.steps.get(flow.was.get(row.step, row.step))
    return not isinstance(step, Email) or row.template in step.templates


async def _of_run(session: AsyncSession, run: EnrolmentRow) -> Sequence[MessageRow]:
    query = select(MessageRow).where(col(MessageRow.enrolment_id) == run.id)
    return (await session.execute(query)).scalars().all()


def is_ahead(row: MessageRow) -> bool:
    """Whether it is of a run that has not come to it, and may never begin."""
    return _AHEAD in row.step


async def latest(
    session: AsyncSession, state: str, flow: str, lead_id: str, limit: int
) -> Sequence[MessageRow]:
    """The latest first; what is empty does not matter."""
    query = select(MessageRow).order_by(col(MessageRow.claimed_at).desc(), col(MessageRow.id))
    for column, value in (("state", state), ("flow", flow), ("lead_id", lead_id)):
        if value:
            query = query.where(col(getattr(MessageRow, column)) == value)
    return (await session.execute(query.limit(limit))).scalars().all()


async def counts(session: AsyncSession, since: datetime | None = None) -> dict[str, int]:
    """How many mails, or how many claimed `since` then, are in each state, in the order of a mail's life."""
    query = select(col(MessageRow.state), func.count()).group_by(col(MessageRow.state))
    if since:  # both together are an index
        lately = (col(MessageRow.state).in_(STATES), col(MessageRow.claimed_at) > since)
        query = query.where(*lately)
    found = {row[0]: int(row[1]) for row in await session.execute(query)}
    return {state: found[state] for state in STATES if state in found}


async def last_sent(session: AsyncSession, lead_id: str, step: str) -> MessageRow | None:
    """The lead's latest mail of a step of that name, in whichever flow."""
    query = (
        select(MessageRow)
        .where(
            col(MessageRow.lead_id) == lead_id,
            col(MessageRow.step) == step,
            col(MessageRow.sent_at).is_not(None),
        )
        .order_by(col(MessageRow.sent_at).desc())
    )
    return (await session.execute(query.limit(1))).scalar_one_or_none()


def claim(
    session: AsyncSession,
    playbook: Playbook,
    run: EnrolmentRow,
    effect: SendMail,
    account: str,
    now: datetime,
    planned: MessageRow | None,
) -> MessageRow:
    """From here until `record` the mail is on its way through that account; nobody else sends it."""
    row = planned or _enter(session, playbook, run, effect.step, effect.template, now)
    row.state, row.claimed_at, row.account = CLAIMED, now, account
    row.reason = f"waited: {run.waited}" if run.waited else ""
    row.attempts += 1
    return row


async def refuse(
    session: AsyncSession, playbook: Playbook, run: EnrolmentRow, effect: RefuseMail, now: datetime
) -> None:
    planned = await come_to(session, playbook, run, effect.step)
    row = planned or _enter(session, playbook, run, effect.step, effect.template, now)
    if row.state == CLAIMED:
        doubt(row, now)
    elif row.state in _KEPT_BACK:
        row.state, row.reason = REFUSED, effect.reason


def doubt(row: MessageRow, now: datetime) -> None:
    """Whoever claimed it is gone: nobody knows whether it went out."""
    row.state, row.reason, row.sent_at = UNKNOWN, "the sender died while sending", now


async def put_back(
    session: AsyncSession,
    message_id: str,
    attempt: int,
    reason: str,
    account: str,
    put_off: datetime | None = None,
) -> None:
    """The attempt certainly was not taken: that account is asked next, unless a later attempt is under way.
    `put_off`: since when its recipient's side asks for patience."""
    row = await session.get(MessageRow, message_id, with_for_update=True)
    if row and row.state == CLAIMED and row.attempts == attempt:
        said = await _sayable(session, row, reason)
        row.state, row.reason, row.account = PLANNED, said, account
        row.put_off_at = put_off


async def under_way(session: AsyncSession, lead_id: str) -> list[tuple[str, datetime]]:
    """The lead's mails that were claimed and of which nobody has heard yet: of which run, and since when."""
    query = select(MessageRow.enrolment_id, MessageRow.claimed_at, MessageRow.state).where(
        col(MessageRow.lead_id) == lead_id, col(MessageRow.sent_at).is_(None)
    )  # asked for the state, SQLite would read what is on its way to everybody
    return [(run, at) for run, at, state in await session.execute(query) if state == CLAIMED]


async def tried_since(
    session: AsyncSession, runs: Collection[str], since: datetime
) -> Collection[str]:
    """Of which of these runs a mail that is yet to go out had its turn since then."""
    row = MessageRow
    query = select(row.enrolment_id).where(
        col(row.enrolment_id).in_(runs), col(row.state).in_(OPEN), col(row.claimed_at) >= since
    )
    return (await session.execute(query)).scalars().all()


async def sent_since(session: AsyncSession, sender: str, since: datetime, but: str) -> int:
    """How many mails of the sender went out or are on their way since then, not counting that one."""
    query = select(func.count()).where(
        col(MessageRow.sender) == sender,
        col(MessageRow.id) != but,
        col(MessageRow.claimed_at) >= since,
        col(MessageRow.state).not_in((PLANNED, REFUSED)),
    )
    return int((await session.execute(query)).scalar_one())


async def record(
    session: AsyncSession,
    message_id: str,
    state: str,
    reason: str,
    provider_id: str | None,
    now: datetime,
) -> None:
    """What became of a claimed mail, or of one whose sender was taken for dead meanwhile, whatever was made of that.
    One that came back was told of as feedback before."""
    row = await session.get(MessageRow, message_id, with_for_update=True)
    if row is None:
        return
    if provider_id:
        row.provider_id = provider_id
    row.put_off_at = None
    if row.state not in _UNTOLD:  # its feedback was faster
        return
    row.state, row.reason = state, await _sayable(session, row, reason or row.reason)
    row.sent_at = now if state in _SENT else None


async def _sayable(session: AsyncSession, row: MessageRow, reason: str) -> str:
    """A provider may quote the address: of somebody who was erased while the mail was on its way nothing is kept."""
    lead = await session.get(LeadRow, row.lead_id)
    return "" if lead and lead.erased_at else reason


async def give_up(session: AsyncSession, run: EnrolmentRow, why: str, now: datetime) -> None:
    """Nobody comes back to the run's mail that was on its way: it may have gone out, and nobody will ever know."""
    for row in await _of_run(session, run):
        if row.state == CLAIMED:
            row.state, row.reason, row.sent_at = UNKNOWN, f"{why} while sending", now


def heard(row: MessageRow, name: str, now: datetime) -> None:
    """A person opened it, or clicked in it, for the first time. Who clicked has opened it."""
    row.opened_at = row.opened_at or now
    if name == "clicked":
        row.clicked_at = row.clicked_at or now


def unheard(row: MessageRow, since: datetime) -> None:
    """Who clicked in it first, after `since`, was no person."""
    if row.clicked_at and row.clicked_at > since:
        row.opened_at = None if row.opened_at == row.clicked_at else row.opened_at
        row.clicked_at = None


async def suspect(
    session: AsyncSession,
    playbook: Playbook,
    run: EnrolmentRow,
    step: str,
    template: str,
    reason: str,
    now: datetime,
    behind: EnrolmentRow | None = None,
) -> None:
    """It may have gone out although nothing here says so; what is known of it stays as it is. `behind`: the run that
    keeps it, while its own is yet to begin."""
    known = await of_step(session, playbook, run, step)
    row = known or _enter(session, playbook, run, step, template, now)
    if behind and not known:
        row.enrolment_id, row.step = behind.id, f"{run.flow}{_AHEAD}{step}"
    if row.state in OPEN:
        row.state, row.reason, row.sent_at = UNKNOWN, reason, now


async def suspect_open(session: AsyncSession, reason: str, now: datetime) -> None:
    """Every mail that was still to go out, or on its way, may have gone out although nothing here says so."""
    still = update(MessageRow).where(col(MessageRow.state).in_(OPEN))
    await session.execute(still.values(state=UNKNOWN, reason=reason, sent_at=now))


async def unknown_for(session: AsyncSession, reason: str) -> Sequence[str]:
    """Whose mails are unknown for that reason; a lead as often as it has such mails."""
    query = select(col(MessageRow.lead_id)).where(
        col(MessageRow.state) == UNKNOWN, col(MessageRow.reason) == reason
    )
    return (await session.execute(query)).scalars().all()


def _enter(
    session: AsyncSession,
    playbook: Playbook,
    run: EnrolmentRow,
    step: str,
    template: str,
    now: datetime,
) -> MessageRow:
    row = MessageRow(
        id=keys.message_id(run.id, step),
        enrolment_id=run.id,
        step=step,
        lead_id=run.lead_id,
        flow=run.flow,
        template=template,
        sender=playbook.sender_of[run.flow],
        state=PLANNED,
        claimed_at=now,
    )
    session.add(row)
    return row
