"""Carrying out what a flow's step decided, in the step's own transaction. Mails are sent in steps.py."""

from datetime import datetime
from typing import assert_never

from sqlalchemy.ext.asyncio import AsyncSession

from nurture import calls, enrolling
from nurture.domain import topics
from nurture.domain.enrolment import NOT_OPEN, Trigger
from nurture.domain.flow import (
    CallWebhook,
    ChangeAudience,
    CreateTask,
    Effect,
    Enrol,
    HandOver,
    RefuseMail,
    SendMail,
    SetTag,
    SetTrait,
)
from nurture.handovers.running import Handovers
from nurture.mail.postroom import Postroom
from nurture.playbook import Playbook
from nurture.reactions import Reactions
from nurture.store import audiences, enrolments, leads, merging
from nurture.store.tables import EnrolmentRow, LeadRow


class Effects:
    """One method per kind of effect; whatever follows from a change is settled with it."""

    def __init__(self, handovers: Handovers, reactions: Reactions, postroom: Postroom) -> None:
        self._handovers = handovers
        self._reactions = reactions
        self._postroom = postroom

    async def carry_out(
        self,
        session: AsyncSession,
        playbook: Playbook,
        run: EnrolmentRow,
        lead: LeadRow,
        effect: Effect,
        now: datetime,
    ) -> str | None:
        """Why the run ends, where that is not what its move says."""
        heard: list[Trigger] = []
        match effect:
            case ChangeAudience(audience, add):
                await audiences.ask(session, audience, lead.id, add, now)
            case HandOver(reason, team):
                facts = await leads.facts(session, lead, now)
                await self._handovers.open(
                    session, playbook, lead, facts, reason, run.flow, now, team
                )
                heard.append(Trigger(topics.SALES))
            case CreateTask() as task:
                title = self._postroom.line(playbook, run, lead, task.title)
                facts = await leads.facts(session, lead, now)
                await self._handovers.ask(
                    session, playbook, lead, facts, task, title, run.flow, now
                )
            case SetTrait() | SetTag():
                heard += _set(lead, effect, now)
            case Enrol(flow):
                return await self._enrol(session, playbook, lead, flow, now, run.flow)
            case CallWebhook() as call:
                await calls.ask(session, playbook.flows[run.flow], run, lead, call, now)
                return None
            case SendMail() | RefuseMail():
                raise AssertionError("mails are handled where they are sent")
            case _:
                assert_never(effect)
        await self._reactions.settle(session, playbook, lead, heard, now)
        return None

    async def _enrol(
        self,
        session: AsyncSession,
        playbook: Playbook,
        lead: LeadRow,
        flow: str,
        now: datetime,
        origin: str,
    ) -> str | None:
        runs = await enrolments.of_lead(session, lead.id)
        if any(run.active for run in enrolments.runs_of(runs, playbook.flows[flow])):
            return None
        if not playbook.admits(flow, now):
            return NOT_OPEN
        facts = await leads.facts(session, lead, now)
        enrolling.begin(session, playbook, lead, facts, flow, runs, now, f"moved from {origin}")
        return None


def _set(lead: LeadRow, effect: SetTrait | SetTag, now: datetime) -> list[Trigger]:
    """What is heard of it."""
    match effect:
        case SetTrait(name, value):
            if not merging.tell_traits(lead, {name: value}, now):
                return []
        case SetTag(tag, add):
            lead.tags = sorted((set(lead.tags) - {tag}) | ({tag} if add else set()))
    return [Trigger(topics.LEAD)]
