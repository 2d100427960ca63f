"""Moving a simulated lead through its flow, as activities.steps moves a real one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nurture.domain import topics
from nurture.domain.audience import Membership, asked
from nurture.domain.effects import Effect
from nurture.domain.enrolment import NOT_OPEN, Trigger
from nurture.domain.flow import (
    CallWebhook,
    ChangeAudience,
    CreateTask,
    Email,
    Enrol,
    Flow,
    HandOver,
    RefuseMail,
    SendMail,
    SetTag,
    SetTrait,
    advance,
)
from nurture.domain.lead import Facts
from nurture.simulation import sales, settling
from nurture.simulation.member import Member, Run

if TYPE_CHECKING:
    from nurture.simulation.world import World

COMPETE = ("frequency_cap", "priority", "send_window")
"""What a mail waits for while it still means to go as soon as it may."""


def move_on(world: World, member: Member, run: Run) -> None:
    """Until the lead has to wait or the flow is over."""
    flow = world.playbook.flows[run.flow]
    while run.ended is None:
        move = advance(flow, run.cursor, _facts(world, member, run, flow), world.now)
        told = _carry_out(world, member, run, move.effect) if move.effect else None
        world.shares.leave(run)
        if done := told or move.done:
            run.ended, run.wake_at, run.listens = done, None, frozenset()
            world.note(member, "left", done, run.flow)
            settling.look_again(world, member, run)
            return
        if move.why and move.why != run.held:
            world.note(member, "held", move.why, run.flow, run.cursor.step or "")
        if move.cursor.step and move.cursor.step != run.cursor.step:
            world.note(member, "at", move.cursor.step, run.flow, move.cursor.step)
        run.cursor, run.wake_at = move.cursor, move.wake_at
        run.listens, run.held = move.listens, move.why
        world.shares.enter(run)
        if move.wake_at:
            world.sleep(member, run, move.wake_at)
            return


def _facts(world: World, member: Member, run: Run, flow: Flow) -> Facts:
    """Before a mail with when its sender has room, and with the mails that compete under a cap."""
    facts = member.facts(world.now, _rivals(world, member, run) if flow.mail.cap else ())
    if not isinstance(flow.steps.get(run.cursor.step or ""), Email):
        return facts
    turn = world.shares.turn(run, world.now)
    return replace(facts, standing=replace(facts.standing, turn=turn))


def _rivals(world: World, member: Member, run: Run) -> tuple[int, ...]:
    """The priorities of other flows' mails that wait for their turn."""
    others = [each for each in member.runs if each is not run and each.ended is None]
    return tuple(
        world.playbook.flows[each.flow].mail.priority for each in others if each.held in COMPETE
    )


def _carry_out(world: World, member: Member, run: Run, effect: Effect) -> str | None:
    """Why the run ends, where that is not what its move says."""
    heard: list[Trigger] = []
    match effect:
        case SendMail(step, template):
            member.sent.append(world.now)
            world.shares.send(run, world.now)
            world.note(member, "mail", template, run.flow, step)
            world.behaviour.mailed(world, member, run, effect)
            return None
        case RefuseMail(step, template, reason):
            world.note(member, "refused", f"{template}: {reason}", run.flow, step)
            return None
        case CallWebhook(step, endpoint):
            world.note(member, "told", endpoint, run.flow, step)
            return None
        case Enrol(flow):
            if any(earlier.active for earlier in member.runs_of(flow)):
                return None
            if not world.playbook.admits(flow, world.now):
                return NOT_OPEN
            settling.begin(world, member, flow)
            return None
        case ChangeAudience(audience, add):
            known = member.lists.get(audience, Membership(member.lead.id))
            member.lists[audience] = asked(known, add, member.on_list.get(audience, False))
        case HandOver(reason, team):
            sales.hand_over(world, member, reason, run.flow, team)
            heard.append(Trigger(topics.SALES))
        case CreateTask() as task:
            sales.ask(world, member, task, run.flow)
        case SetTrait() | SetTag():
            heard += _set(member, effect)
    settling.settle(world, member, heard)
    return None


def _set(member: Member, effect: SetTrait | SetTag) -> list[Trigger]:
    """What is heard of it."""
    match effect:
        case SetTrait(name, value):
            if not member.say({name: value}):
                return []
        case SetTag(tag, add):
            tags = member.lead.tags - {tag} | (frozenset({tag}) if add else frozenset())
            member.lead = replace(member.lead, tags=tags)
    return [Trigger(topics.LEAD)]
