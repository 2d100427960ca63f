"""Carrying out what a flow's step decided, in the step's own transaction. Mails are sent in steps.py."""

from datetime import datetime
from typing import assert_never

from sqlalchemy.ext.asyncio import AsyncSession

from nurture import calls
from nurture.domain import topics
from nurture.domain.enrolment import Trigger
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
from nurture.handovers import Handovers
from nurture.playbook import Playbook
from nurture.postroom import Postroom
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
    ) -> None:
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
                await self._enrol(session, playbook, lead, flow, now, run.flow)
                return
            case CallWebhook() as call:
                await calls.ask(session, playbook.flows[run.flow], run, lead, call, now)
                return
            case SendMail() | RefuseMail():
                raise AssertionError("mails are handled where they are sent")
            case _:
                assert_never(effect)
        await self._reactions.settle(session, playbook, lead, heard, now)

    async def _enrol(
        self,
        session: AsyncSession,
        playbook: Playbook,
        lead: LeadRow,
        flow: str,
        now: datetime,
        origin: str,
    ) -> None:
        runs = await enrolments.of_lead(session, lead.id)
        if not any(run.active for run in enrolments.runs_of(runs, playbook.flows[flow])):
            enrolments.begin(session, playbook, lead.id, flow, runs, now, f"moved from {origin}")


def _set(lead: LeadRow, effect: SetTrait | SetTag, now: datetime) -> list[Trigger]:
    """What is heard of it."""
    match effect:
        case SetTrait(name, value):
            if not merging.tell_traits(lead, {name: value}, now):
                return []
        case SetTag(tag, add):
            lead.tags = sorted((set(lead.tags) - {tag}) | ({tag} if add else set()))
    return [Trigger(topics.LEAD)]
