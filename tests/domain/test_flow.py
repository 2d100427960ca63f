"""One decision of a flow at a time, as a marketer would tell it."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from nurture.domain import topics
from nurture.domain.calendar import Calendar, Span
from nurture.domain.flow import (
    Act,
    Branch,
    CallWebhook,
    ChangeAudience,
    Cursor,
    Email,
    End,
    Enrol,
    Flow,
    Goto,
    RefuseMail,
    SendMail,
    Split,
    Wait,
    WaitFor,
    WaitUntil,
    advance,
    listens,
)
from nurture.domain.gate import FrequencyCap, MailRules
from tests.support.domain import (
    ALWAYS_TRUE,
    AUCKLAND,
    BERLIN,
    COPENHAGEN,
    DAY,
    HOUR,
    NEVER_TRUE,
    NOW,
    When,
    at,
    facts,
    flow,
    lead,
    local,
    touch,
    when,
)

BRIEF = flow({"hello": Email("hello", next="wait"), "wait": Wait(Span(3 * DAY))})
AWAITS_CLICK = flow(
    {
        "guide": Email("guide", next="answer"),
        "answer": WaitFor(Span(4 * DAY), "clicked", "guide", then="thanks", otherwise="again"),
        "thanks": Email("thanks"),
        "again": Email("again"),
    }
)
ENTERED = NOW - DAY
WAITING = Cursor("answer", NOW, ENTERED)


def click(step: str = "guide", on: datetime = NOW + HOUR, **changes: Any) -> Any:
    return touch("clicked", on, **{"step": step, "flow": "welcome", **changes})


def wakes_at(flow: Flow, cursor: Cursor, **changes: Any) -> datetime | None:
    return advance(flow, cursor, facts(**changes), cursor.since).wake_at


def test_a_mail_is_sent_and_the_lead_moves_on() -> None:
    move = advance(BRIEF, at("hello"), facts(), NOW)
    assert move.effect == SendMail("hello", "hello")
    assert move.cursor == at("wait", NOW)
    assert not move.sleeps


def test_a_refused_mail_is_named_with_its_reason_and_the_lead_moves_on() -> None:
    move = advance(BRIEF, at("hello"), facts(consents=frozenset()), NOW)
    assert move.effect == RefuseMail("hello", "hello", "no_consent")
    assert move.cursor.step == "wait"


def test_a_held_mail_waits_for_what_holds_it() -> None:
    move = advance(BRIEF, at("hello"), facts(sales_owned=True), NOW)
    assert move.effect is None
    assert move.cursor == at("hello")
    assert move.wake_at == NOW + 30 * DAY
    assert {topics.SALES, topics.CONSENT} <= move.listens


def test_a_held_mail_goes_out_once_nothing_holds_it() -> None:
    move = advance(BRIEF, at("hello"), facts(), NOW + 29 * DAY)
    assert move.effect == SendMail("hello", "hello")


def test_a_mail_held_too_long_is_refused_for_what_held_it() -> None:
    move = advance(BRIEF, at("hello"), facts(sales_owned=True), NOW + 30 * DAY)
    assert move.effect == RefuseMail("hello", "hello", "sales_owned")


def test_a_mail_held_by_the_cap_goes_out_when_the_cap_has_room() -> None:
    capped = flow({"hello": Email("hello")}, mail=MailRules(cap=FrequencyCap(1, 7 * DAY)))
    busy = facts(sent=(NOW - 2 * DAY,))
    held = advance(capped, at("hello"), busy, NOW)
    assert held.wake_at == NOW + 5 * DAY
    assert advance(capped, held.cursor, busy, NOW + 5 * DAY).effect == SendMail("hello", "hello")


def test_a_wait_sleeps_until_its_time_and_then_moves_on() -> None:
    assert wakes_at(BRIEF, at("wait")) == NOW + 3 * DAY
    move = advance(BRIEF, at("wait"), facts(), NOW + 3 * DAY)
    assert move.cursor == at(None, NOW + 3 * DAY)
    assert advance(BRIEF, move.cursor, facts(), NOW + 3 * DAY).done == "finished"


def test_a_wait_that_was_shortened_is_over_now_for_those_who_waited_long_enough() -> None:
    shorter = flow({"wait": Wait(Span(1 * DAY), next="hello"), "hello": Email("hello")})
    assert advance(shorter, at("wait"), facts(), NOW + 2 * DAY).cursor.step == "hello"


def test_a_wait_that_was_lengthened_goes_on_for_the_rest() -> None:
    longer = flow({"wait": Wait(Span(9 * DAY))})
    assert advance(longer, at("wait"), facts(), NOW + 4 * DAY).wake_at == NOW + 9 * DAY


def test_a_lead_whose_step_was_removed_leaves_the_flow() -> None:
    assert advance(BRIEF, at("gone"), facts(), NOW).done == "step_removed"


@pytest.mark.parametrize(
    ("window", "zone", "since", "opening"),
    [
        (Calendar(frozenset({0}), zone=BERLIN), BERLIN, "2026-10-24 12:00", "2026-10-26 09:00"),
        (
            Calendar(opens=time(8), closes=time(12), zone=AUCKLAND),
            AUCKLAND,
            "2026-10-02 13:00",
            "2026-10-05 08:00",
        ),
    ],
)
def test_a_wait_for_a_window_ends_at_its_local_opening(
    window: Calendar, zone: Any, since: str, opening: str
) -> None:
    waiting = flow({"wait": Wait(Span(), window)})
    assert wakes_at(waiting, at("wait", local(zone, since))) == local(zone, opening)


def test_a_window_in_the_leads_zone_opens_when_its_clock_says_so() -> None:
    window = Calendar(opens=time(8), zone=COPENHAGEN)
    waiting = flow({"wait": Wait(Span(), window, window_in_lead_zone=True)})
    since = at("wait", local(COPENHAGEN, "2026-03-04 06:00"))
    assert wakes_at(waiting, since, who=lead(zone=AUCKLAND)) == local(AUCKLAND, "2026-03-05 08:00")
    assert wakes_at(waiting, since, who=lead()) == local(COPENHAGEN, "2026-03-04 08:00")


def test_a_window_that_never_opens_holds_nobody() -> None:
    waiting = flow({"wait": Wait(Span(), Calendar(frozenset()), next="end")})
    assert advance(waiting, at("wait"), facts(), NOW).cursor.step == "end"


UNTIL_RENEWAL = flow(
    {"wait": WaitUntil(trait="renews_on", offset=-7 * DAY, next="offer", otherwise="ask")},
    calendar=Calendar(zone=COPENHAGEN),
)


@pytest.mark.parametrize(
    ("told", "zone", "moment"),
    [
        ("2026-04-02", None, local(COPENHAGEN, "2026-03-26 00:00")),
        ("2026-04-02", AUCKLAND, local(AUCKLAND, "2026-03-26 00:00")),
        ("2026-04-02T09:00", None, local(COPENHAGEN, "2026-03-26 09:00")),
        ("2026-04-02T09:00:00Z", AUCKLAND, datetime(2026, 3, 26, 9, tzinfo=UTC)),
    ],
)
def test_a_wait_until_a_date_of_the_lead_ends_the_offset_before_it(
    told: str, zone: Any, moment: datetime
) -> None:
    who = lead(traits={"renews_on": told}, zone=zone)
    move = advance(UNTIL_RENEWAL, at("wait"), facts(who=who), NOW)
    assert move.wake_at == moment
    assert topics.LEAD in move.listens
    assert advance(UNTIL_RENEWAL, at("wait"), facts(who=who), moment).cursor.step == "offer"


@pytest.mark.parametrize("told", [None, "", "soon", 5, "0001-01-01", "9999-99-99"])
def test_a_lead_without_a_usable_date_takes_the_other_way(told: Any) -> None:
    who = lead(traits={"renews_on": told}, zone=AUCKLAND)
    move = advance(UNTIL_RENEWAL, at("wait"), facts(who=who), NOW)
    assert move.cursor.step == "ask"


def test_a_date_that_has_passed_moves_the_lead_on_at_once() -> None:
    until = flow({"wait": WaitUntil(date=NOW - DAY, next="end")})
    assert advance(until, at("wait"), facts(), NOW).cursor.step == "end"


def test_a_click_ends_the_wait() -> None:
    move = advance(AWAITS_CLICK, WAITING, facts(click()), NOW + HOUR)
    assert move.cursor == Cursor("thanks", NOW + HOUR, ENTERED)


def test_a_click_made_before_the_wait_began_ends_it_at_once() -> None:
    quick = click(on=NOW - HOUR)
    assert advance(AWAITS_CLICK, WAITING, facts(quick), NOW).cursor.step == "thanks"


@pytest.mark.parametrize(
    "other",
    [
        click(step="hello"),
        click(flow="another-flow"),
        click(on=ENTERED - HOUR),
        touch("clicked", NOW + HOUR, machine="scanner", step="guide", flow="welcome"),
        touch("opened", NOW + HOUR, step="guide", flow="welcome"),
        touch("clicked", NOW + HOUR),
    ],
    ids=["other mail", "other flow", "earlier run", "machine", "open", "no mail"],
)
def test_what_is_not_a_persons_click_in_that_mail_of_this_run_ends_nothing(other: Any) -> None:
    move = advance(AWAITS_CLICK, WAITING, facts(other), NOW + 2 * HOUR)
    assert move.cursor == WAITING
    assert move.wake_at == NOW + 4 * DAY
    assert topics.touch("clicked") in move.listens


def test_without_a_click_the_wait_gives_up_in_time() -> None:
    assert advance(AWAITS_CLICK, WAITING, facts(), NOW + 4 * DAY).cursor.step == "again"


def test_a_click_that_is_seen_only_after_the_deadline_still_counts() -> None:
    late = advance(AWAITS_CLICK, WAITING, facts(click()), NOW + 9 * DAY)
    assert late.cursor.step == "thanks"


AWAITS_VISIT = flow({"visit": WaitFor(Span(4 * DAY), "page", then="thanks", otherwise="again")})


@pytest.mark.parametrize(
    ("happened", "heard", "answers"),
    [
        (NOW + HOUR, NOW + HOUR, True),
        (NOW - timedelta(seconds=5), NOW + timedelta(seconds=1), True),
        (NOW + timedelta(seconds=5), NOW - timedelta(seconds=1), False),
        (NOW - HOUR, NOW - HOUR, False),
        (ENTERED - HOUR, NOW + HOUR, False),
        (NOW, NOW, False),
    ],
    ids=["after", "slow clock", "fast clock", "before", "old, imported now", "what led here"],
)
def test_a_visit_counts_by_when_it_was_heard_of_whatever_the_browsers_clock_says(
    happened: datetime, heard: datetime, answers: bool
) -> None:
    visit = facts(touch("page", happened, known_at=heard))
    move = advance(AWAITS_VISIT, Cursor("visit", NOW, ENTERED), visit, NOW + 2 * HOUR)
    assert (move.cursor.step == "thanks") == answers


def test_a_wait_for_a_task_ends_when_sales_did_it_or_it_is_overdue() -> None:
    calling = flow(
        {
            "done?": WaitFor(Span(2 * DAY), "task_done", "call", then="thanks", otherwise="remind"),
        }
    )
    done = facts(touch("task_done", NOW + HOUR, flow="welcome", step="call"))
    assert advance(calling, at("done?"), done, NOW + HOUR).cursor.step == "thanks"
    assert advance(calling, at("done?"), facts(), NOW + 2 * DAY).cursor.step == "remind"


def test_a_wait_for_a_condition_listens_to_what_can_change_it() -> None:
    rich = when(lambda facts: facts.score.total >= 40, topics.SCORE)
    waiting = flow({"ripe": WaitFor(Span(4 * DAY), when=rich, then="thanks")})
    move = advance(waiting, at("ripe"), facts(), NOW)
    assert move.wake_at == NOW + 4 * DAY
    assert move.listens == {topics.SCORE}


def test_a_condition_on_the_clock_is_looked_at_again_and_again() -> None:
    turns = When(lambda facts, now: now >= NOW + 10 * DAY, frozenset({topics.CLOCK}))
    waiting = flow({"ripe": WaitFor(Span(100 * DAY), when=turns, then="thanks")})
    cursor, now, looks = at("ripe"), NOW, 0
    while (move := advance(waiting, cursor, facts(), now)).wake_at:
        now, looks = move.wake_at, looks + 1
    assert move.cursor.step == "thanks"
    assert NOW + 10 * DAY <= now <= NOW + 11 * DAY
    assert looks <= 100


def test_even_the_shortest_wait_for_the_clock_comes_to_an_end() -> None:
    never = When(lambda facts, now: False, frozenset({topics.CLOCK}))
    waiting = flow({"ripe": WaitFor(Span(timedelta(microseconds=1)), when=never, otherwise="no")})
    move = advance(waiting, at("ripe"), facts(), NOW)
    assert move.wake_at == NOW + timedelta(microseconds=1)


def test_a_branch_takes_the_first_arm_that_holds() -> None:
    choosing = flow({"choose": Branch(((NEVER_TRUE, "a"), (ALWAYS_TRUE, "b")), "c")})
    assert advance(choosing, at("choose"), facts(), NOW).cursor.step == "b"
    none = flow({"choose": Branch(((NEVER_TRUE, "a"),), "c")})
    assert advance(none, at("choose"), facts(), NOW).cursor.step == "c"


def arm_of(splitting: Flow, who: str) -> str | None:
    return advance(splitting, at("split"), facts(who=lead(id=who)), NOW).cursor.step


def test_a_split_is_weighted_and_each_lead_keeps_its_arm() -> None:
    splitting = flow({"split": Split(((70, "a"), (20, "b"), (10, None)))})
    arms = [arm_of(splitting, f"lead-{number}") for number in range(4000)]
    assert arms == [arm_of(splitting, f"lead-{number}") for number in range(4000)]
    shares = [arms.count(arm) / len(arms) for arm in ("a", "b", None)]
    assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.03)


@pytest.mark.parametrize(
    ("one", "other", "move"),
    [
        ((1, 1), (2, 2), 0),
        ((50, 50), (1, 1), 0),
        ((6, 3, 1), (60, 30, 10), 0),
        ((1, 1), (6, 4), 100),
    ],
)
def test_the_same_shares_in_other_words_move_nobody_and_others_leave_most_where_they_were(
    one: tuple[int, ...], other: tuple[int, ...], move: int
) -> None:
    def dealt(weights: tuple[int, ...]) -> list[str | None]:
        splitting = flow({"split": Split(tuple(zip(weights, "abc", strict=False)))})
        return [arm_of(splitting, f"lead-{number}") for number in range(1000)]

    moved = sum(before != after for before, after in zip(dealt(one), dealt(other), strict=True))
    assert moved == pytest.approx(move, rel=0.3)


def test_two_splits_deal_the_leads_independently() -> None:
    one = flow({"split": Split(((1, "a"), (1, "b")))})
    two = flow({"split": Split(((1, "a"), (1, "b")))}, id="other")
    names = [f"lead-{number}" for number in range(1000)]
    same = sum(arm_of(one, name) == arm_of(two, name) for name in names)
    assert 430 < same < 570


def test_a_holdout_ends_under_its_own_name() -> None:
    holding = flow({"split": Split(((1, "none"),)), "none": End("holdout")})
    move = advance(holding, at("split"), facts(), NOW)
    assert advance(holding, move.cursor, facts(), NOW).done == "holdout"


@pytest.mark.parametrize("effect", [ChangeAudience("hot", add=True), CallWebhook("call", "crm")])
def test_an_act_happens_once_and_the_lead_moves_on(effect: Any) -> None:
    acting = flow({"act": Act(effect, next="rest"), "rest": Wait(Span(DAY))})
    move = advance(acting, at("act"), facts(), NOW)
    assert move.effect == effect
    assert advance(acting, move.cursor, facts(), NOW).effect is None


def test_going_to_another_flow_leaves_this_one() -> None:
    move = advance(flow({"go": Goto("win-back")}), at("go"), facts(), NOW)
    assert (move.effect, move.done) == (Enrol("win-back"), "moved")


@pytest.mark.parametrize("step", ["hello", "wait", None, "gone"])
def test_the_goal_ends_the_flow_wherever_the_lead_stands(step: str | None) -> None:
    reached = flow(dict(BRIEF.steps), goal=ALWAYS_TRUE, exits=(ALWAYS_TRUE,))
    move = advance(reached, at(step), facts(), NOW)
    assert (move.done, move.effect) == ("goal", None)


def test_an_exit_ends_the_flow_and_erasure_comes_before_everything() -> None:
    leaving = flow(dict(BRIEF.steps), exits=(NEVER_TRUE, ALWAYS_TRUE))
    assert advance(leaving, at("hello"), facts(), NOW).done == "exit"
    gone = facts(who=lead(erased=True))
    assert advance(flow({}, goal=ALWAYS_TRUE), at(None), gone, NOW).done == "erased"


def test_everyone_asleep_listens_to_what_can_end_the_flow() -> None:
    bought = when(lambda facts: False, topics.STAGE)
    ending = flow(
        {**AWAITS_CLICK.steps, "rest": Wait(Span(DAY))},
        goal=bought,
        exits=(when(lambda facts: False, topics.CASES),),
    )
    assert listens(ending) == {topics.STAGE, topics.CASES}
    for step in ("answer", "rest"):
        assert listens(ending) <= advance(ending, at(step), facts(), NOW).listens
    held = advance(ending, at("guide"), facts(sales_owned=True), NOW)
    assert listens(ending) <= held.listens


def test_a_flow_without_steps_is_finished_at_once() -> None:
    assert advance(flow({}), at(None), facts(), NOW).done == "finished"
