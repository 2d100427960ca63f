"""What becomes of a lead when the flow around it is edited."""

from dataclasses import replace
from typing import Any

import pytest

from nurture.domain import edits
from nurture.domain.calendar import Calendar, Span
from nurture.domain.edits import Fate, adopt, fate
from nurture.domain.flow import (
    Branch,
    Cursor,
    Email,
    End,
    Flow,
    Goto,
    InFlight,
    Paused,
    Split,
    Step,
    Wait,
    WaitFor,
)
from tests.support.domain import ALWAYS_TRUE, DAY, HOUR, NOW, When, at, flow

BEFORE = flow(
    {
        "hello": Email("hello", "pause"),
        "pause": Wait(Span(10 * DAY), next="guide"),
        "guide": Email("guide", "answer"),
        "answer": WaitFor(Span(4 * DAY), "clicked", "guide", then="more", otherwise="last"),
        "more": Email("more"),
        "last": Email("last"),
    },
    revision="old",
)
STANDING = at("pause", NOW - 5 * DAY)


def edited(changes: dict[str, Step | None] | None = None, **fields: Any) -> Flow:
    steps = {**BEFORE.steps, **(changes or {})}
    kept = {name: step for name, step in steps.items() if step is not None}
    return replace(BEFORE, steps=kept, revision="new", **fields)


def of(new: Flow | None, cursor: Cursor = STANDING, old: Flow = BEFORE) -> Fate:
    return fate(old, new, cursor, NOW)


def test_a_lead_over_a_shortened_wait_goes_on_now() -> None:
    found = of(edited({"pause": Wait(Span(3 * DAY), next="guide")}))
    assert (found.words, found.step, found.woken) == (
        "goes on now, its wait is over",
        "pause",
        True,
    )


def test_a_lead_within_a_shortened_wait_waits_less_long_and_must_hear_of_it() -> None:
    found = of(edited({"pause": Wait(Span(7 * DAY), next="guide")}))
    assert (found.words, found.woken) == ("waits less long", True)


def test_a_lengthened_wait_wakes_nobody_since_the_rest_is_waited_for_at_the_old_time() -> None:
    found = of(edited({"pause": Wait(Span(20 * DAY), next="guide")}))
    assert found == Fate("stays where it is", "pause")


MONDAYS = Calendar(frozenset({0}))


@pytest.mark.parametrize("in_lead_zone", [False, True])
def test_who_waits_for_the_send_window_goes_on_when_it_no_longer_has_to(in_lead_zone: bool) -> None:
    until = Wait(Span(), MONDAYS, "guide", in_lead_zone)
    old = replace(BEFORE, steps={**BEFORE.steps, "pause": until})
    assert of(edited({"pause": Wait(Span(HOUR), next="guide")}), at("pause", NOW - HOUR), old).woken
    assert not of(edited({"pause": until, "last": None}), at("pause", NOW - HOUR), old).woken


def test_a_deleted_wait_sends_its_leads_to_the_next_step() -> None:
    new = edited({"pause": None, "hello": Email("hello", "guide")})
    assert of(new) == Fate("goes on with guide", "guide", woken=True)
    assert adopt(BEFORE, new, STANDING, NOW) == at("guide", NOW)


def test_of_several_deleted_steps_the_first_that_survives_is_next() -> None:
    new = edited({"pause": None, "guide": None, "answer": None})
    assert of(new).step == "last"


def test_without_any_step_left_behind_it_the_lead_leaves() -> None:
    found = of(edited({"last": None}), at("last"))
    assert (found.ends, found.woken) == (edits.STEP_REMOVED, True)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Branch(((ALWAYS_TRUE, "more"),), "last"), "last"),
        (Split(((1, "more"), (9, "last"))), "more"),
        (Goto("elsewhere"), None),
        (End(), None),
    ],
)
def test_where_a_lead_goes_on_behind_a_deleted_fork(step: Step, expected: str | None) -> None:
    old = replace(BEFORE, steps={**BEFORE.steps, "fork": step})
    assert edits.surviving(old, BEFORE, "fork") == expected


def test_a_step_inserted_before_or_behind_a_lead_leaves_it_where_it_is() -> None:
    new = edited({"extra": Email("extra", "pause"), "later": Email("later", "guide")})
    assert of(new) == Fate("stays where it is", "pause")


def test_a_moved_step_takes_its_leads_along() -> None:
    new = edited({"pause": Wait(Span(10 * DAY), next="last")})
    assert of(new) == Fate("stays where it is", "pause")


def test_a_renamed_step_keeps_its_leads_and_their_time() -> None:
    new = edited({"pause": None, "rest": Wait(Span(10 * DAY))}, was={"pause": "rest"})
    assert of(new).step == "rest"
    assert adopt(BEFORE, new, STANDING, NOW) == Cursor("rest", STANDING.since)
    assert adopt(new, BEFORE, at("rest"), NOW) == at("pause"), "and back, when it is rolled back"


def test_another_goal_is_asked_of_everybody() -> None:
    goal = When(lambda facts, now: False, source="stage == 'sql'")
    found = of(edited(goal=goal))
    assert (found.words, found.woken) == ("stays; goal and exits are asked anew", True)


def test_what_a_lead_waits_for_may_change_under_it() -> None:
    new = edited({"answer": WaitFor(Span(4 * DAY), "page", then="more", otherwise="last")})
    assert of(new, at("answer")).woken
    assert not of(new, at("pause")).woken


def test_a_mail_that_is_renamed_is_still_what_a_lead_behind_it_waits_for() -> None:
    answer = WaitFor(Span(4 * DAY), "clicked", "tips", then="more", otherwise="last")
    steps = {"guide": None, "tips": Email("guide", "answer"), "answer": answer}
    assert of(edited(steps, was={"guide": "tips"}), at("answer")) == Fate(
        "stays where it is", "answer"
    )
    assert of(edited(steps), at("answer")).woken, "of another mail"


@pytest.mark.parametrize(
    ("choice", "words", "ends"),
    [
        (InFlight.FINISH_OLD, "finishes the version it is in", None),
        (InFlight.EXIT, "leaves: the flow has changed", edits.FLOW_CHANGED),
    ],
)
def test_a_flow_chooses_what_becomes_of_those_inside(
    choice: InFlight, words: str, ends: str | None
) -> None:
    found = of(edited(in_flight=choice))
    assert (found.words, found.ends) == (words, ends)
    same = replace(BEFORE, in_flight=choice, title="Other")
    assert of(same).words == "stays where it is", "nothing that concerns it has changed"


def test_a_flow_that_leads_out_does_so_where_a_step_is_another_in_the_place_of_one() -> None:
    old = replace(BEFORE, outline="same")
    new = edited({"last": None, "end": Email("last")}, in_flight=InFlight.EXIT, outline="same")
    assert of(replace(new, was={"last": "end"}), old=old).ends is None
    assert of(new, old=old).ends == edits.FLOW_CHANGED
    longer = {**BEFORE.steps, "date": Email("last")}
    assert of(replace(new, steps=longer), old=old).ends == edits.FLOW_CHANGED


def test_a_flow_that_leads_out_does_so_where_it_leads_to_another_flow_and_the_first_is_gone() -> (
    None
):
    rest = {"pause": Wait(Span(10 * DAY), next="leave")}
    old = replace(BEFORE, outline="same", steps={**rest, "leave": End(edits.FLOW_REMOVED)})
    new = replace(
        BEFORE,
        revision="2",
        outline="same",
        steps={**rest, "leave": Goto("another")},
        in_flight=InFlight.EXIT,
    )
    assert of(new, old=old).ends == edits.FLOW_CHANGED


def test_leads_of_a_flow_that_is_gone_leave() -> None:
    assert of(None).ends == edits.FLOW_REMOVED


@pytest.mark.parametrize(
    ("choice", "inside", "expected"),
    [
        (InFlight.FOLLOW, False, Fate("stays where it is", "pause", woken=True)),
        (InFlight.FINISH_OLD, False, Fate("stays where it is", "pause", woken=True)),
        (
            InFlight.FOLLOW,
            True,
            Fate("leaves: its other run goes on", ends=edits.FLOW_MERGED, woken=True),
        ),
        (
            InFlight.EXIT,
            True,
            Fate("leaves: the flow has changed", ends=edits.FLOW_CHANGED, woken=True),
        ),
    ],
)
def test_leads_of_a_flow_that_is_merged_into_another_come_over_unless_they_are_there(
    choice: InFlight, inside: bool, expected: Fate
) -> None:
    new = replace(edited(in_flight=choice), id="both", origin="launch")
    assert edits.fate_of_joining(BEFORE, new, STANDING, NOW, inside) == expected


def test_a_held_flow_wakes_nobody_and_a_resumed_one_everybody() -> None:
    held = replace(BEFORE, paused=Paused.HOLD)
    assert of(held) == Fate("stands still until the flow goes on", "pause")
    assert of(BEFORE, old=held).woken
    assert of(replace(BEFORE, paused=Paused.SKIP), old=held).woken


def test_who_finishes_an_old_version_goes_on_with_its_flow_too() -> None:
    held = replace(BEFORE, paused=Paused.HOLD)
    new = edited(in_flight=InFlight.FINISH_OLD)
    assert of(replace(new, paused=Paused.HOLD)).words == "stands still until the flow goes on"
    assert of(new, old=held) == Fate("finishes the version it is in", "pause", woken=True)
    assert not of(new).woken


def test_an_old_version_leads_to_a_flow_by_its_name_of_today_and_ends_where_that_is_gone() -> None:
    old = replace(BEFORE, steps={"a": Goto("same"), "b": Goto("before"), "c": Goto("gone")})
    now = flow({}, id="now", formerly=frozenset({"before"}))
    flows = {"same": flow({}, id="same"), "now": now}
    assert edits.steps_among(old, {}, flows) == {
        "a": Goto("same"),
        "b": Goto("now"),
        "c": End(edits.FLOW_REMOVED),
    }


def test_it_leads_to_the_flow_it_meant_also_when_another_has_that_name_by_now() -> None:
    old = replace(BEFORE, steps={"a": Goto("before")})
    then = {"before": flow({}, id="before")}
    now = {
        "now": flow({}, id="now", origin="before"),
        "before": flow({}, id="before", origin="before~2"),
    }
    assert edits.steps_among(old, then, now) == {"a": Goto("now")}


def test_who_is_past_the_last_step_stays_there() -> None:
    assert adopt(BEFORE, edited({"pause": None}), at(None), NOW) == at(None)
