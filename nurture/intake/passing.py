"""Touches that pass by: of leads we know, that say nothing new of them, and from which nothing follows but points.

By far the most touches are such. They are told apart before anything is written, a whole batch in a few
statements on plain rows; whatever else a message says takes the long way through nurture.intake.taking.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain import scoring, topics
from nurture.domain.consent import TRACKING
from nurture.domain.lead import Score
from nurture.incoming import Incoming
from nurture.playbook import Playbook
from nurture.store import glances, merging, points, touches
from nurture.store.glances import Glance
from nurture.store.touches import Made


@dataclass(frozen=True, slots=True)
class Passed:
    """Leads as they are after what they did, the touches, and the ids of the messages that told them."""

    glances: Sequence[Glance]
    made: Sequence[Made]
    messages: Set[str]


async def sift(
    session: AsyncSession,
    playbook: Playbook,
    known: Mapping[str, Glance],
    theirs: Mapping[str, Sequence[Incoming]],
    source: str,
    now: datetime,
) -> Passed:
    """Of these messages by lead, the leads for whom all of theirs pass by. Writes nothing."""
    quiet = {
        lead_id: messages
        for lead_id, messages in theirs.items()
        if _nothing_new(playbook, known[lead_id], messages)
    }
    rules = playbook.scoring
    earned = await points.living(
        session, rules, playbook.scored_by, {id_: known[id_] for id_ in quiet}, now
    )
    passed: list[Glance] = []
    made: list[Made] = []
    told: set[str] = set()
    for lead_id, messages in quiet.items():
        glance = known[lead_id]
        own = [_made(playbook, lead_id, source, message) for message in messages]
        every = [*earned[lead_id], *(entry for each in own for entry in each.earned)]
        entries = scoring.living(rules, every, now)
        if _only_points(playbook, glance, entries, own, now):
            passed.append(glance)
            made += own
            told.update(message.message_id for message in messages)
    return Passed(passed, made, told)


async def keep(session: AsyncSession, passed: Passed, source: str, now: datetime) -> None:
    """Write the touches, and what they changed of their leads."""
    await touches.store_all(session, passed.made, source, now)
    await glances.write(session, passed.glances)


def _nothing_new(playbook: Playbook, glance: Glance, messages: Sequence[Incoming]) -> bool:
    """Whether the messages say nothing of the lead that we do not know, and all of it is as its last look
    under this playbook left it. A trait or an address told again is only newer; what happened before all else says
    where the lead came from. Of who took `tracking` back not every touch is kept, so none pass by."""
    if glance.scored_by != playbook.scored_by or glance.cooled_until or TRACKING in glance.declined:
        return False
    began = glance.first_touch_at
    if began and any(message.at <= began for message in messages):
        return False
    for message in messages:
        if message.email == glance.email and message.email:
            merging.tell_address(glance, message.email, message.at, message.trusted)
    return not any(
        (message.email and message.email != glance.email)
        or message.traits.keys() - glance.traits_at.keys()
        or (message.traits and merging.tell_traits(glance, message.traits, message.at))
        for message in messages
    )


def _made(playbook: Playbook, lead_id: str, source: str, message: Incoming) -> Made:
    return touches.made(
        playbook.scoring, lead_id, touches.make(source, message, message.properties)
    )


def _only_points(
    playbook: Playbook,
    glance: Glance,
    entries: Sequence[scoring.Entry],
    made: Sequence[Made],
    now: datetime,
) -> bool:
    """Count them; whether nothing else follows."""
    heard = {topics.CLOCK, *(topics.touch(each.touch.name) for each in made)}
    score = scoring.scored(playbook.scoring, glance.fit, entries, now)
    changed = score != Score(glance.fit, glance.engagement, glance.grade)
    if changed:
        heard.add(topics.SCORE)
    if (
        heard & playbook.follows
        or heard & glance.listens
        or (playbook.opening and glance.due and glance.due <= now)
        or _moves(playbook, glance, score, changed, now)
    ):
        return False
    glance.engagement, glance.grade = score.engagement, score.grade
    glance.next_score_at = playbook.next_plain_look(glance.traits, entries, now)
    glance.tally = points.tally(playbook.scoring, entries, now)
    for each in made:
        touches.first(glance, each.touch)
    return True


def _moves(playbook: Playbook, glance: Glance, score: Score, changed: bool, now: datetime) -> bool:
    """Whether the score moves the lead to another stage, or into a flow."""
    if not (changed or playbook.anytime):
        return False
    facts = glance.facts(score)
    if any(when(facts, now) for when in playbook.anytime):
        return True
    lifecycle = playbook.lifecycle
    return changed and (
        lifecycle.qualified(facts, now) != glance.stage or lifecycle.faded(facts, now) is not None
    )
