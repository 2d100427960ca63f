"""Edits of who is away, with handovers in hand: what has been of an absence stays, and deadlines move with the rest."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.owners import Absence
from nurture.handovers import tenure
from nurture.playbook import Playbook
from nurture.store import handovers, wakeups
from nurture.versions.live_edits import Version


async def carry_out(
    session: AsyncSession, old: Playbook, new: Playbook, version: Version, now: datetime
) -> None:
    """Each handover of somebody whose absences the edit changes keeps what has been of them so far, gets its new
    deadline and, where it is to be looked at at another time, is woken: one after another."""
    woken = []
    async for page in handovers.in_hand(session, _changed(old, new)):
        for row in page:
            book = await version(session, row.playbook)
            before = tenure.read(row, book, old)
            tenure.keep(row, before.been(now))
            after = tenure.read(row, book, new)
            tenure.keep(row, after)
            if after.next_look(now) != before.next_look(now):
                woken.append(row.id)
    await wakeups.spread(session, wakeups.HANDOVER, woken, now, wakeups.SPACING)


def _changed(old: Playbook, new: Playbook) -> list[str]:
    before, after = _away(old), _away(new)
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _away(playbook: Playbook) -> Mapping[str, Mapping[str, tuple[Absence, ...]]]:
    """When whose clocks stand still, by the owner and the team; of a team that is gone the rule's holds."""
    rule = playbook.handover
    found: defaultdict[str, dict[str, tuple[Absence, ...]]] = defaultdict(dict)
    for team in {**playbook.teams, rule.team.id: rule.team}.values():
        for owner in team.members:
            found[owner.id][team.id] = owner.absent if rule.absence_pauses else ()
    return found
