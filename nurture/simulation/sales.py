"""Simulated handovers, their deadlines, and what answers change, as in nurture.handovers and nurture.desk."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from nurture.domain import owners, sla, topics
from nurture.domain.effects import CreateTask
from nurture.domain.enrolment import Trigger
from nurture.domain.lifecycle import SALES
from nurture.domain.owners import Load
from nurture.domain.sla import Kind, Pause, State, Team
from nurture.simulation import settling
from nurture.simulation.member import Handed, Member

if TYPE_CHECKING:
    from nurture.simulation.world import World


def hand_over(world: World, member: Member, reason: str, flow: str) -> None:
    """Give the lead to sales; one that sales already has stays there."""
    if member.in_hand:
        world.note(member, "enriched", reason, flow)
        return
    member.sales_owned = True
    _open(world, member, Handed(flow, reason, *_given(world, member, None)))
    world.note(member, "handover", reason, flow)
    world.behaviour.handed(world, member, member.handed[-1])


def ask(world: World, member: Member, task: CreateTask, flow: str) -> None:
    """A single thing for sales to do."""
    given = _given(world, member, task)
    _open(world, member, Handed(flow, task.title, *given, step=task.step))
    world.note(member, "task", task.kind, flow, task.step)
    world.behaviour.handed(world, member, member.handed[-1])


def answer(world: World, member: Member, handed: Handed, state: State) -> None:
    """What sales says of a lead. An answer that cannot follow what was said before changes nothing."""
    if handed.closed_at or handed.state not in sla.ANSWERS.get(state, frozenset()):
        return
    world.note(member, str(state), handed.reason, handed.flow, handed.step or "")
    heard = [Trigger(topics.SALES)]
    if state in (State.REJECTED, State.LOST):
        _give_back(world, member, handed, state)
    else:
        handed.state = state
        if state in sla.TALKING and handed.contacted_at is None:
            handed.contacted_at = world.now
            _await_outcome(world, member, handed)
        if state is State.WON:
            handed.closed_at, member.sales_owned = world.now, False
        if handed.step is None:
            _lift(world, member, state)
        elif state in sla.TALKING:
            handed.closed_at = world.now
            world.touch(member, "task_done", {"flow": handed.flow, "step": handed.step})
    settling.settle(world, member, [*heard, Trigger(topics.STAGE, member.lead.stage)])


def change_stage(world: World, member: Member, stage: str) -> Trigger:
    member.lead = replace(member.lead, stage=stage)
    world.note(member, "stage", stage)
    return Trigger(topics.STAGE, stage)


def _given(
    world: World, member: Member, task: CreateTask | None
) -> tuple[str, sla.Terms, datetime, datetime]:
    """Owner, terms, when it was opened and when it is due."""
    rule = world.playbook.handover
    team = world.playbook.teams.get(task.team, rule.team) if task else rule.team
    facts = member.facts(world.now)
    name = owners.choose(team.members, team.assignments, _loads(world, team), facts, world.now)
    terms = replace(rule.terms, calendar=team.member(name).calendar or rule.terms.calendar)
    if task and task.within:
        terms = replace(terms, contact_within=task.within, accept_within=None)
    return name, terms, world.now, sla.due_at(terms, world.now, _away(world, name))


def _loads(world: World, team: Team) -> dict[str, Load]:
    since = world.now - world.playbook.promise.period
    given: defaultdict[str, int] = defaultdict(int)
    in_hand: defaultdict[str, int] = defaultdict(int)
    for handed in world.handed:
        if handed.owner in team.owners:
            given[handed.owner] += handed.opened_at >= since
            in_hand[handed.owner] += handed.closed_at is None
    return {name: Load(given[name], in_hand[name]) for name in team.owners}


def _away(world: World, owner: str) -> list[Pause]:
    """The absences of the owner, when they stop the clock."""
    rule = world.playbook.handover
    member = rule.team.member(owner)
    away = member.absent if rule.absence_pauses else ()
    return [Pause(absence.start, absence.end) for absence in away]


def _open(world: World, member: Member, handed: Handed) -> None:
    member.handed.append(handed)
    world.handed.append(handed)
    for deadline in sla.deadlines(handed.terms, world.now, _away(world, handed.owner)):
        world.at(deadline.at, partial(_due, world, member, handed, deadline))


def _await_outcome(world: World, member: Member, handed: Handed) -> None:
    if handed.step is None:
        for deadline in sla.outcome(handed.terms, world.now, _away(world, handed.owner)):
            world.at(deadline.at, partial(_due, world, member, handed, deadline))


def _due(world: World, member: Member, handed: Handed, deadline: sla.Deadline) -> None:
    states = sla.TALKING if deadline.id.startswith(sla.OUTCOME) else sla.RUNNING
    if handed.state not in states or handed.closed_at:
        return
    if deadline.id == "accept" and handed.state is not State.OPEN:
        return
    match deadline.kind:
        case Kind.REMIND:
            world.note(member, "reminded", handed.owner, handed.flow)
        case Kind.ESCALATE:
            world.note(member, "escalated", deadline.to or "", handed.flow)
        case Kind.REASSIGN:
            team = world.playbook.handover.team
            others = [owner for owner in team.members if owner.id != handed.owner]
            handed.owner = owners.choose(
                others or team.members,
                team.assignments,
                _loads(world, team),
                member.facts(world.now),
                world.now,
            )
            world.note(member, "reassigned", handed.owner, handed.flow)
        case Kind.RECYCLE:
            world.note(member, "recycled", handed.reason, handed.flow)
            _give_back(world, member, handed, State.RECYCLED)
            settling.settle(
                world, member, [Trigger(topics.SALES), Trigger(topics.STAGE, member.lead.stage)]
            )


def _give_back(world: World, member: Member, handed: Handed, state: State) -> None:
    handed.state, handed.closed_at = state, world.now
    if handed.step is not None:
        return
    rule = world.playbook.handover
    member.sales_owned = False
    member.cooled_until = world.now + rule.cool_off
    change_stage(world, member, rule.back_stage)
    flow = rule.terms.recycle_to
    if flow and not any(run.active for run in member.runs_of(flow)):
        settling.begin(world, member, flow)


def _lift(world: World, member: Member, state: State) -> None:
    rule, lifecycle = world.playbook.handover, world.playbook.lifecycle
    for stage in [rule.sql_stage] + ([rule.customer_stage] if state is State.WON else []):
        if lifecycle.lifts(member.lead.stage, stage, SALES):
            change_stage(world, member, stage)
