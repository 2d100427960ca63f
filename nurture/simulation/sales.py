"""Simulated handovers, their deadlines, and what answers change, as in nurture.handovers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from nurture.domain import orders, sla, topics
from nurture.domain.effects import CreateTask
from nurture.domain.enrolment import Trigger
from nurture.domain.handover import Handover
from nurture.domain.lifecycle import IMPORT
from nurture.domain.orders import Sale
from nurture.domain.owners import Load
from nurture.domain.sla import Kind, State, Team
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
    _open(world, member, flow, reason, to)
    world.note(member, "handover", reason, flow)
    world.behaviour.handed(world, member, member.handed[-1])


def ask(world: World, member: Member, task: CreateTask, flow: str) -> None:
    """A single thing for sales to do."""
    _open(world, member, flow, task.title, task.team, task)
    world.note(member, "task", task.kind, flow, task.step)
    world.behaviour.handed(world, member, member.handed[-1])


def answer(world: World, member: Member, handed: Handed, state: State) -> None:
    """What sales says of a lead. An answer that cannot follow what was said before changes nothing."""
    if not handed.stands.may_become(state):
        return
    world.note(member, str(state), handed.reason, handed.flow, handed.step or "")
    if state in sla.GIVEN_BACK:
        _give_back(world, member, handed, state)
    else:
        _say(world, member, handed, state)
    heard = [Trigger(topics.SALES), Trigger(topics.STAGE, member.lead.stage)]
    settling.settle(world, member, heard)
    _look(world, member, handed)


def _say(world: World, member: Member, handed: Handed, state: State) -> None:
    before, until = handed.stands, world.now + MEETING if state is State.BOOKED else None
    handed.stands = before.answered(state, world.now, until)
    if state is State.WON:
        promise, number = world.playbook.promise, str(len(member.sold))
        sale = Sale(number, promise.average_revenue, promise.currency, world.now, said=True)
        member.buys(replace(sale, since=before.opened_at), world.playbook.same_sale)
        if again := _won(world, member):
            contacted_at = again.contacted_at or world.now
            again.stands = replace(again.stands, contacted_at=contacted_at)
    for stage in () if handed.step else world.playbook.lifted(member.lead.stage, state):
        change_stage(world, member, stage)
    if handed.stands.fulfils(before):
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
    opened = handed.stands.opened_at
    since = member.customer_since or opened
    if member.lead.stage in world.playbook.customers and since <= opened:
        news = orders.of_customer(sale.amount, sale.currency)
        world.note(member, "enriched", news, handed.flow)
        return []
    _won(world, member)
    return [Trigger(topics.SALES)]


def _won(world: World, member: Member) -> Handed | None:
    """What sales has in hand of the lead is won by its sale."""
    handed = member.in_hand
    if handed:
        handed.stands = handed.stands.ended(State.WON, world.now)
        world.note(member, str(State.WON), handed.reason, handed.flow)
    member.sales_owned = False
    return handed


def change_stage(world: World, member: Member, stage: str) -> Trigger:
    customers = world.playbook.customers
    if stage in customers and member.lead.stage not in customers:
        member.customer_since = world.now
    member.lead = replace(member.lead, stage=stage)
    world.note(member, "stage", stage)
    return Trigger(topics.STAGE, stage)


def _open(
    world: World,
    member: Member,
    flow: str,
    reason: str,
    to: str | None,
    task: CreateTask | None = None,
) -> None:
    rule, team = world.playbook.handover, world.playbook.team(to)
    owner = team.turn(_loads(world, team), member.facts(world.now), world.now)
    terms = rule.given(owner, task.within if task else None)
    stands = Handover(terms, world.now, task is not None, away=rule.away(owner, world.now))
    handed = Handed(flow, reason, team, owner.id, stands, task.step if task else None)
    member.handed.append(handed)
    world.handed.append(handed)
    _look(world, member, handed)


def _loads(world: World, team: Team) -> dict[str, Load]:
    since = world.now - world.playbook.promise.period
    given: defaultdict[str, int] = defaultdict(int)
    in_hand: defaultdict[str, int] = defaultdict(int)
    for handed in world.handed:
        if handed.team.id == team.id:
            given[handed.owner] += handed.stands.opened_at >= since
            in_hand[handed.owner] += handed.state in sla.RUNNING
    return {name: Load(given[name], in_hand[name]) for name in team.owners}


def _look(world: World, member: Member, handed: Handed) -> None:
    """Do what is due, as nurture.handovers.running does, and look again when something next will be."""
    if handed.state not in sla.SALES_OWNED or handed.stands.closed_at:
        return
    due, later = handed.stands.due(world.now)
    for deadline in due:
        _meet(world, member, handed, deadline)
        handed.stands = replace(handed.stands, done=(*handed.stands.done, deadline.id))
        if handed.stands.closed_at:
            return
    if due:
        _look(world, member, handed)  # another owner is away at other times
    elif later:
        world.at(later, partial(_look, world, member, handed))


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
    team, now = handed.team, world.now
    owner = team.turn(_loads(world, team), member.facts(now), now, handed.owner)
    away = world.playbook.handover.away(owner, now)
    handed.owner, handed.stands = owner.id, replace(handed.stands.begun(now), away=away)


def _give_back(world: World, member: Member, handed: Handed, state: State) -> None:
    handed.stands = handed.stands.ended(state, world.now)
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
