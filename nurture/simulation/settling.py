"""What follows when something about a lead changed, in the order of nurture.reactions.

That module does the same over database rows. Both are compared on random touches in
tests/simulation/test_agreement.py: whoever changes the order in one place is told of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nurture.domain import audience as audiences
from nurture.domain import keys, topics
from nurture.domain.audience import Membership
from nurture.domain.enrolment import Run as Earlier
from nurture.domain.enrolment import Trigger, may_enter, outside, turn
from nurture.domain.flow import Cursor
from nurture.domain.lifecycle import rest
from nurture.domain.settled import settled
from nurture.simulation import sales
from nurture.simulation.member import Member, Run

if TYPE_CHECKING:
    from nurture.simulation.world import World

IMPORT = "import"
_IMPORTED_A_DAY = 864_000


def settle(world: World, member: Member, heard: list[Trigger]) -> None:
    """Persona, score, stage with handover, flows, audiences, wake-ups."""
    due = member.next_score_at is not None and member.next_score_at <= world.now
    member.cooled_until = rest(member.cooled_until, due or bool(heard), world.now)
    heard += _rules(world, member)
    _enter(world, member, [*heard, Trigger(topics.CLOCK)] if due else heard)
    _next_look(world, member, asked=due or bool(heard))
    _audiences(world, member)
    changed = {trigger.topic for trigger in heard}
    for run in member.runs:
        if run.ended is None and run.started_at != world.now and changed & run.listens:
            world.wake(member, run)


def begin(world: World, member: Member, flow: str, start: datetime | None = None) -> None:
    """A new run at the flow's first step. As in nurture.enrolling, its condition has to lapse anew."""
    member.lapsed.discard(flow)
    if outside(world.playbook.entries[flow], member.facts(world.now), world.now):
        member.lapsed.add(flow)
    begins = start or world.now
    ordinal = 1 + sum(run.flow == flow for run in member.runs)
    cursor = Cursor(world.playbook.flows[flow].first, begins, begins)
    run = Run(keys.enrolment_id(member.lead.id, flow, ordinal), flow, cursor, begins, begins)
    member.runs.append(run)
    world.note(member, "entered", flow, flow, at=begins)
    if cursor.step:
        world.note(member, "at", cursor.step, flow, cursor.step, at=begins)
    world.sleep(member, run, begins)


def look_again(world: World, member: Member, run: Run) -> None:
    """As nurture.enrolling does when a run is over."""
    entry = world.playbook.returning.get(run.flow)
    if entry and entry.outlasted(Earlier(run.started_at, active=False), world.now):
        member.next_score_at = world.now
        world.expire(member, world.now)


def _rules(world: World, member: Member) -> Sequence[Trigger]:
    """What is heard of what the rules do with the lead."""
    book, known = world.playbook, member.facts(world.now)
    facts, moves, heard = settled(book, known, member.earned, member.cooled_until, world.now)
    member.lead = replace(member.lead, persona=facts.lead.persona)
    member.score = facts.score
    for move in moves:
        sales.change_stage(world, member, move.stage)
        if book.hands_over(move):
            reason = book.lifecycle.reached(move.stage, member.score.total)
            sales.hand_over(world, member, reason, "score")
    return heard


def _next_look(world: World, member: Member, asked: bool) -> None:
    facts, now = member.facts(world.now), world.now
    returning = world.playbook.returning.items()
    turns = [entry.next_turn(member.runs_of(name), now, asked) for name, entry in returning]
    look = world.playbook.next_look(facts, member.earned, member.cooled_until, now)
    later = min(filter(None, [look, *turns]), default=None)
    if later and later != member.next_score_at:
        world.expire(member, later)
    member.next_score_at = later


def _enter(world: World, member: Member, heard: Sequence[Trigger]) -> None:
    facts = member.facts(world.now)
    for name, entry in world.playbook.entries.items():
        flow = world.playbook.flows[name]
        live = flow.live if world.flows is None else name in world.flows
        if not live or flow.paused:
            continue
        of_flow = member.runs_of(name)
        if of_flow and outside(entry, facts, world.now):
            member.lapsed.add(name)
        if may_enter(entry, heard, facts, of_flow, world.now, name in member.lapsed):
            imported = any(trigger.topic == IMPORT for trigger in heard)
            begin(world, member, name, _turn(world, member, name, imported))


def _turn(world: World, member: Member, flow: str, imported: bool) -> datetime | None:
    """When the lead's turn is, under a cap of entries a day; None: at once."""
    a_day = world.playbook.entries[flow].a_day
    if a_day is None and imported:
        a_day = round(_IMPORTED_A_DAY * (timedelta(days=1) / world.playbook.day))
    if a_day is None:
        return None
    last = world.last_start.get(flow)
    at = turn(a_day, last, world.now, member.lead.id)
    world.last_start[flow] = max(at, last or at)
    return at if at > world.now else None


def _audiences(world: World, member: Member) -> None:
    facts = member.facts(world.now)
    for name, audience in world.playbook.audiences.items():
        known = member.lists.get(name, Membership(member.lead.id))
        wanted = audiences.belongs(audience, facts, known, world.now)
        if wanted == member.on_list.get(name, False):
            continue
        member.on_list[name] = wanted
        if wanted and known.since is None:
            known = replace(known, since=world.now)
            if audience.max_stay:
                world.at(world.now + audience.max_stay, lambda: settle(world, member, []))
        member.lists[name] = known
        world.note(member, "added" if wanted else "removed", name)
