"""Simulated handovers, their deadlines, and what answers change, as in nurture.handovers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from nurture.domain import orders, owners, sla, topics
from nurture.domain.calendar import Span
from nurture.domain.effects import CreateTask
from nurture.domain.enrolment import Trigger
from nurture.domain.lifecycle import IMPORT, SALES
from nurture.domain.orders import Sale
from nurture.domain.owners import Load
from nurture.domain.sla import Kind, Pause, State, Team
from nurture.simulation import settling
from nurture.simulation.member import Handed, Member

if TYPE_CHECKING:
    from nurture.simulation.world import World

MEETING = timedelta(days=1)
"""How far ahead a booked meeting is."""


def hand_over(world: World, member: Member, reason: str, flow: str, to: str | None = None) -> None:
    """Give the lead to sales, to the team `to` or the agreement's; one that sales already has stays there."""
    if member.in_hand:
        world.note(member, "enriched", reason, flow)
        return
    member.sales_owned = True
    _open(world, member, Handed(flow, reason, *_given(world, member, to)))
    world.note(member, "handover", reason, flow)
    world.behaviour.handed(world, member, member.handed[-1])


def ask(world: World, member: Member, task: CreateTask, flow: str) -> None:
    """A single thing for sales to do."""
    given = _given(world, member, task.team, task.within)
    _open(world, member, Handed(flow, task.title, *given, step=task.step))
    world.note(member, "task", task.kind, flow, task.step)
    world.behaviour.handed(world, member, member.handed[-1])


def answer(world: World, member: Member, handed: Handed, state: State) -> None:
    """What sales says of a lead. An answer that cannot follow what was said before changes nothing."""
    if not handed.may_become(state):
        return
    world.note(member, str(state), handed.reason, handed.flow, handed.step or "")
    if state in sla.GIVEN_BACK:
        _give_back(world, member, handed, state)
    else:
        _say(world, member, handed, state)
    handed.due_at = sla.due_at(handed.terms, handed.opened_at, _pauses(world, handed))
    heard = [Trigger(topics.SALES), Trigger(topics.STAGE, member.lead.stage)]
    settling.settle(world, member, heard)
    _look(world, member, handed)


def _say(world: World, member: Member, handed: Handed, state: State) -> None:
    until = world.now + MEETING if state is State.BOOKED else None
    if state is State.CONTACTED:
        until = sla.talk_until(handed.state, handed.until, world.now)
    if state in sla.TALKING:
        handed.done.discard(sla.ASKED)
    was_done = handed.state in sla.TALKING
    handed.state, handed.until = state, until
    _resume(handed, world.now)
    is_contact = state is State.CONTACTED or sla.BOOKING in handed.terms.contacted
    if state in sla.TALKING and is_contact:
        handed.contacted_at = handed.contacted_at or world.now
    elif state is State.BOOKED and handed.contacted_at is None:
        handed.state = State.ACCEPTED  # the clock stands still until the meeting
        handed.pauses += (Pause(world.now, handed.until),)
    if state is State.WON:
        # that a lost one was answered in time stays so
        handed.contacted_at = handed.contacted_at or handed.closed_at or world.now
        handed.closed_at = world.now
        promise, number = world.playbook.promise, str(len(member.sold))
        sale = Sale(number, promise.average_revenue, promise.currency, world.now, said=True)
        member.buys(sale, world.playbook.same_sale)
        if again := _won(world, member):
            again.contacted_at = again.contacted_at or world.now
    if handed.step is None:
        _lift(world, member, state)
    elif handed.state in sla.TALKING and not was_done:
        handed.closed_at = world.now
        world.touch(member, "task_done", {"flow": handed.flow, "step": handed.step})


def bought(world: World, member: Member, about: Mapping[str, Any]) -> list[Trigger]:
    """An order makes a customer, and what sales has in hand of who was none yet is won by it."""
    amount, currency = round(orders.amount(about)), orders.currency(about)
    currency = currency or world.playbook.promise.currency
    sale = Sale(str(len(member.sold)), amount, currency, world.now, ordered=True)
    heard = []
    if member.buys(sale, world.playbook.same_sale) and member.in_hand:
        heard = _ordered(world, member, member.in_hand, sale)
    customer = world.playbook.handover.customer_stage
    if world.playbook.lifecycle.lifts(member.lead.stage, customer, IMPORT):
        heard.append(change_stage(world, member, customer))
    return heard


def _ordered(world: World, member: Member, handed: Handed, sale: Sale) -> list[Trigger]:
    """As nurture.handovers.running has it: a customer orders also without sales, which hears of it."""
    since = member.customer_since or handed.opened_at
    if member.lead.stage in world.playbook.customers and since <= handed.opened_at:
        news = orders.of_customer(sale.amount, sale.currency)
        world.note(member, "enriched", news, handed.flow)
        return []
    _won(world, member)
    member.sold[-1] = replace(sale, said=True)
    return [Trigger(topics.SALES)]


def _won(world: World, member: Member) -> Handed | None:
    """What sales has in hand of the lead is won by its sale."""
    handed = member.in_hand
    if handed:
        handed.state, handed.closed_at = State.WON, world.now
        world.note(member, str(State.WON), handed.reason, handed.flow)
    member.sales_owned = False
    return handed


def _resume(handed: Handed, now: datetime) -> None:
    """Whatever the clock stood still for is over, but for the owner's absence."""
    handed.pauses = tuple(
        replace(each, end=now) if each.holds(now) and each.why != sla.OWNER_ABSENT else each
        for each in handed.pauses
    )


def change_stage(world: World, member: Member, stage: str) -> Trigger:
    customers = world.playbook.customers
    if stage in customers and member.lead.stage not in customers:
        member.customer_since = world.now
    member.lead = replace(member.lead, stage=stage)
    world.note(member, "stage", stage)
    return Trigger(topics.STAGE, stage)


def _given(
    world: World, member: Member, to: str | None, within: Span | None = None
) -> tuple[Team, str, sla.Terms, datetime, datetime]:
    """Team, owner, terms, when it was opened and when it is due; `within` is the deadline of a task."""
    rule = world.playbook.handover
    team = world.playbook.teams.get(to or "", rule.team)
    facts = member.facts(world.now)
    name = owners.choose(team.members, team.assignments, _loads(world, team), facts, world.now)
    terms = replace(rule.terms, calendar=team.member(name).calendar or rule.terms.calendar)
    if within:
        terms = replace(terms, contact_within=within, accept_within=None)
    away = _away(world, team, name, world.now)
    return team, name, terms, world.now, sla.due_at(terms, world.now, away)


def _loads(world: World, team: Team) -> dict[str, Load]:
    since = world.now - world.playbook.promise.period
    given: defaultdict[str, int] = defaultdict(int)
    in_hand: defaultdict[str, int] = defaultdict(int)
    for handed in world.handed:
        if handed.team.id == team.id:
            given[handed.owner] += handed.opened_at >= since
            in_hand[handed.owner] += handed.state in sla.RUNNING
    return {name: Load(given[name], in_hand[name]) for name in team.owners}


def _away(world: World, team: Team, owner: str, since: datetime) -> list[Pause]:
    """The absences of the owner since they got it, when they stop the clock."""
    stops = world.playbook.handover.absence_pauses
    return sla.absences(team.member(owner), since) if stops else []


def _pauses(world: World, handed: Handed) -> list[Pause]:
    since = handed.held_since or handed.opened_at
    return [*handed.pauses, *_away(world, handed.team, handed.owner, since)]


def _open(world: World, member: Member, handed: Handed) -> None:
    member.handed.append(handed)
    world.handed.append(handed)
    _look(world, member, handed)


def _look(world: World, member: Member, handed: Handed) -> None:
    """Do what is due, as nurture.handovers.running does, and look again when something next will be."""
    if handed.state not in sla.SALES_OWNED or handed.closed_at:
        return
    due, later = _due(world, handed)
    for deadline in due:
        _meet(world, member, handed, deadline)
        handed.done.add(deadline.id)
        if handed.closed_at:
            return
    if due:
        _look(world, member, handed)  # another owner is away at other times
    elif later:
        world.at(later, partial(_look, world, member, handed))


def _due(world: World, handed: Handed) -> tuple[list[sla.Deadline], datetime | None]:
    pauses = _pauses(world, handed)
    return sla.due_now(_plan(handed, pauses), frozenset(handed.done), world.now, pauses)


def _plan(handed: Handed, pauses: Sequence[Pause]) -> Sequence[sla.Deadline]:
    """Until the contact what was promised, from then on an outcome."""
    if handed.state in sla.RUNNING:
        accepted = handed.state is not State.OPEN
        return sla.deadlines(handed.terms, handed.opened_at, pauses, accepted)
    talked = [at for at in (handed.contacted_at, handed.until) if at]
    if handed.step or not talked:
        return ()
    return sla.outcome(handed.terms, max(talked), pauses)


def _meet(world: World, member: Member, handed: Handed, deadline: sla.Deadline) -> None:
    match deadline.kind:
        case Kind.REMIND:
            world.note(member, "reminded", handed.owner, handed.flow)
        case Kind.ESCALATE:
            world.note(member, "escalated", deadline.to or "", handed.flow)
        case Kind.REASSIGN:
            _reassign(world, member, handed)
            world.note(member, "reassigned", handed.owner, handed.flow)
        case Kind.RECYCLE:
            world.note(member, "recycled", handed.reason, handed.flow)
            _give_back(world, member, handed, State.RECYCLED)
            heard = [Trigger(topics.SALES)]
            if handed.step is None:
                heard.append(Trigger(topics.STAGE, member.lead.stage))
            settling.settle(world, member, heard)


def _reassign(world: World, member: Member, handed: Handed) -> None:
    team = handed.team
    others = [owner for owner in team.members if owner.id != handed.owner] or team.members
    facts, loads = member.facts(world.now), _loads(world, team)
    begun = (pause for pause in _pauses(world, handed) if pause.start <= world.now)
    handed.pauses, handed.held_since = tuple(begun), world.now
    handed.owner = owners.choose(others, team.assignments, loads, facts, world.now)


def _give_back(world: World, member: Member, handed: Handed, state: State) -> None:
    handed.state, handed.closed_at = state, world.now
    if handed.step is not None:
        return
    member.sales_owned = False
    back = world.playbook.back_from(member.lead.stage)
    if back is None:
        return
    rule = world.playbook.handover
    member.cooled_until = world.now + rule.cool_off
    if back != member.lead.stage:
        change_stage(world, member, back)
    flow = rule.terms.recycle_to
    if flow is None or any(run.active for run in member.runs_of(flow)):
        return
    if world.playbook.admits(flow, world.now):
        settling.begin(world, member, flow)


def _lift(world: World, member: Member, state: State) -> None:
    rule, lifecycle = world.playbook.handover, world.playbook.lifecycle
    for stage in [rule.sql_stage] + ([rule.customer_stage] if state is State.WON else []):
        if lifecycle.lifts(member.lead.stage, stage, SALES):
            change_stage(world, member, stage)
