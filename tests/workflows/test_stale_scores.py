"""What a look at a run asks of a lead that waits for its turn to be scored by a changed playbook."""

from dataclasses import replace

from nurture.domain import topics
from nurture.domain.calendar import Span
from nurture.domain.flow import Email, Flow, Wait
from nurture.domain.scoring import EngagementRule
from nurture.playbook import Playbook
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow
from tests.support.domain import DAY, NOW, when
from tests.support.looks import Looks
from tests.support.playbook import PLAYBOOK, SCORING
from tests.support.world import OneBook, World


def _book(points: int, goal: int) -> Playbook:
    """A demo is worth so much, and the flow wants so much of its leads."""
    reached = when(lambda facts: facts.score.total >= goal, topics.SCORE)
    steps = {"rest": Wait(Span(DAY), next="hello"), "hello": Email("hello")}
    demo = EngagementRule("demo", points, "demo_requested")
    return replace(
        PLAYBOOK,
        hash=f"{points} of {goal}",
        scoring=replace(SCORING, engagement=(demo,)),
        flows={**PLAYBOOK.flows, "welcome": Flow("welcome", "Welcome", steps, "rest", reached)},
    )


async def test_points_and_a_goal_changed_together_end_no_run_of_who_is_not_scored_yet(
    db: Database,
) -> None:
    looks = Looks(db, book := OneBook(_book(points=40, goal=60)))
    await looks.world.tell("demo_requested")
    [run] = await looks.world.rows(EnrolmentRow)
    book.book = _book(points=20, goal=30)
    await looks.look(run, NOW, "courses")
    [run] = await looks.world.rows(EnrolmentRow)
    assert (run.ended, run.step, run.wake_at) == (None, "rest", NOW + DAY)


async def test_the_dashboard_tells_of_such_a_run_what_its_look_will_do(db: Database) -> None:
    world = World(db, book := OneBook(_book(points=40, goal=60)))
    lead = await world.tell("demo_requested")
    book.book = _book(points=20, goal=30)
    shown = await world.dashboard.people.show(lead.id, None, NOW)
    assert shown is not None
    assert [(run.mail, run.done) for run in shown.runs] == [("hello", "")]
