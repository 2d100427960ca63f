"""Who has a handover in hand, and where it stands, between its row and the rules: nurture.domain.handover."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import terms
from nurture.domain.handover import Handover
from nurture.domain.lead import Facts
from nurture.domain.owners import Owner
from nurture.domain.sla import State, Team
from nurture.playbook import Playbook, calendars
from nurture.store import handovers
from nurture.store.handover_tables import HandoverRow


async def choose(
    session: AsyncSession,
    playbook: Playbook,
    team: Team,
    facts: Facts,
    now: datetime,
    instead_of: str = "",
) -> Owner:
    """Whose turn it is; somebody else than `instead_of`, if there is anybody else."""
    loads = await handovers.loads(session, team.id, now - playbook.promise.period)
    return team.turn(loads, facts, now, instead_of)


def read(row: HandoverRow, playbook: Playbook, current: Playbook) -> Handover:
    """Where the handover stands. `playbook` is the one it was opened under, `current` knows who is away."""
    agreed = playbook.handover.terms
    if row.terms:
        agreed = terms.from_json(row.terms, calendars.zone, calendars.holidays_of)
    owner = current.team(row.team).member(row.owner)
    return Handover(
        terms=agreed,
        opened_at=row.opened_at,
        is_task=row.kind == handovers.TASK,
        state=State(row.state),
        accepted_at=row.accepted_at,
        contacted_at=row.contacted_at,
        closed_at=row.closed_at,
        until=row.until,
        how=row.how,
        done=tuple(row.done),
        pauses=terms.pauses_from_json(row.pauses),
        away=current.handover.away(owner, row.held_since or row.opened_at),
    )


def keep(row: HandoverRow, handover: Handover) -> None:
    """Write down where it stands, and when it is due by that."""
    row.state = handover.state
    row.accepted_at, row.contacted_at = handover.accepted_at, handover.contacted_at
    row.closed_at, row.until, row.how = handover.closed_at, handover.until, handover.how
    row.done, row.pauses = list(handover.done), terms.pauses_to_json(handover.pauses)
    row.due_at = handover.due_at
