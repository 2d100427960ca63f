"""What holds of every valid flow and every lead, whatever happens to it meanwhile."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.domain import topics
from nurture.domain.calendar import ALWAYS, Calendar, Span
from nurture.domain.flow import (
    Act,
    Branch,
    CallWebhook,
    ChangeAudience,
    Cursor,
    Effect,
    Email,
    End,
    Flow,
    Goto,
    HandOver,
    Move,
    Split,
    Step,
    Wait,
    WaitFor,
    WaitUntil,
    advance,
)
from nurture.domain.gate import FrequencyCap, MailRules
from nurture.domain.lead import Facts
from tests.support.domain import AUCKLAND, BERLIN, COPENHAGEN, DAY, HOUR, When, facts, lead, touch

START = datetime(2026, 10, 22, 10, tzinfo=UTC)
"""Days before the clocks change in Europe."""

spans = st.builds(Span, elapsed=st.timedeltas(0 * DAY, 9 * DAY)) | st.sampled_from(
    [Span(open_time=20 * HOUR), Span(business_days=2), Span()]
)
calendars = st.sampled_from(
    [
        ALWAYS,
        Calendar(zone=BERLIN),
        Calendar(frozenset({0}), zone=AUCKLAND),
        Calendar(frozenset(range(7)), time(22), time(6), COPENHAGEN),
        Calendar(frozenset()),
    ]
)
effects: st.SearchStrategy[Effect] = st.sampled_from(
    [ChangeAudience("a", add=True), HandOver("ripe"), CallWebhook("s", "crm")]
)
hours = st.integers(0, 24 * 20).map(lambda number: START + number * HOUR)


@st.composite
def conditions(draw: st.DrawFn) -> When:
    """Questions about the lead, about time, and ones whose answer never changes."""
    turning = draw(hours)
    tests: list[When] = [
        When(lambda facts, now: True),
        When(lambda facts, now: False),
        When(lambda facts, now: now >= turning, frozenset({topics.CLOCK})),
        When(lambda facts, now: facts.score.total > 10, frozenset({topics.SCORE})),
    ]
    return draw(st.sampled_from(tests))


@st.composite
def steps(draw: st.DrawFn, own: str, later: list[str]) -> Step:
    """Any kind of step that leads only to later ones, so there are no cycles."""

    def to() -> str | None:
        return draw(st.sampled_from([*later, None]))

    touched = draw(st.sampled_from(["clicked", "page", None]))
    build: list[Callable[[], Step]] = [
        lambda: Email(f"mail-{own}", to()),
        lambda: Wait(draw(spans), draw(st.none() | calendars), to(), draw(st.booleans())),
        lambda: WaitUntil(draw(hours), next=to()),
        lambda: WaitUntil(
            trait=draw(st.sampled_from(["date", "word", "missing"])),
            offset=draw(st.timedeltas(-5 * DAY, 5 * DAY)),
            next=to(),
            otherwise=to(),
        ),
        lambda: WaitFor(
            draw(spans),
            touched,
            draw(st.sampled_from(["s0", None])),
            draw(st.none() | conditions()),
            to(),
            to(),
        ),
        lambda: Branch(tuple((draw(conditions()), to()) for _ in range(2)), to()),
        lambda: Split(tuple((draw(st.integers(1, 5)), to()) for _ in range(3))),
        lambda: Act(draw(effects), to()),
        lambda: Goto("other"),
        lambda: End("holdout"),
    ]
    return draw(st.sampled_from(build))()


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    names = [f"s{number}" for number in range(draw(st.integers(0, 8)))]
    built = {name: draw(steps(name, names[i + 1 :])) for i, name in enumerate(names)}
    rules = MailRules(
        about=frozenset({"backup"}),
        window=draw(st.none() | calendars),
        window_in_lead_zone=draw(st.booleans()),
        cap=draw(st.none() | st.builds(FrequencyCap, st.integers(1, 3), st.just(7 * DAY))),
        max_hold=draw(st.timedeltas(0 * DAY, 30 * DAY)),
        priority=draw(st.integers(0, 2)),
    )
    return Flow(
        id="flow",
        title="Any",
        steps=built,
        first=names[0] if names else None,
        goal=draw(st.none() | st.just(When(lambda facts, now: facts.lead.stage == "customer"))),
        exits=draw(st.just(()) | st.tuples(conditions())),
        mail=rules,
        calendar=draw(calendars),
    )


@st.composite
def situations(draw: st.DrawFn) -> Facts:
    """Any lead: held, suppressed, erased, with any touches."""
    did = [
        touch(
            draw(st.sampled_from(["clicked", "page"])),
            draw(hours),
            draw(st.sampled_from([None, "scanner"])),
            draw(st.none() | hours),
            step=draw(st.sampled_from(["s0", "s1"])),
            flow="flow",
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    who = lead(
        zone=draw(st.sampled_from([None, BERLIN, AUCKLAND])),
        stage=draw(st.sampled_from(["lead", "lead", "customer"])),
        erased=draw(st.sampled_from([False, False, False, True])),
        email=draw(st.sampled_from(["a@example.org", "a@example.org", None])),
        traits={"date": "2026-10-30", "word": "soon"},
    )
    base = facts(
        *did,
        who=who,
        sales_owned=draw(st.booleans()),
        open_cases=draw(st.sampled_from([frozenset(), frozenset({"backup"})])),
        sent=tuple(draw(st.lists(hours, max_size=4))),
        waiting=tuple(draw(st.lists(st.integers(0, 3), max_size=3))),
    )
    return replace(base, score=replace(base.score, fit=draw(st.integers(0, 20))))


def walk(flow: Flow, situation: Facts) -> list[tuple[datetime, Move]]:
    """Take the lead through the flow as the workflow does; time goes on only while it sleeps."""
    moves: list[tuple[datetime, Move]] = []
    cursor, now = Cursor(flow.first, START, START), START
    while not moves or moves[-1][1].done is None:
        assert len(moves) < 3000, "stuck"
        move = advance(flow, cursor, situation, now)
        moves.append((now, move))
        cursor, now = move.cursor, move.wake_at or now
    return moves


@given(flows(), situations())
@settings(max_examples=150, deadline=None)
def test_every_path_ends_and_no_step_acts_twice(flow: Flow, situation: Facts) -> None:
    moves = walk(flow, situation)
    awake = [move for _, move in moves if not move.sleeps]
    assert len(awake) <= len(flow.steps) + 1
    acted = [where for where, move in zip(visited(moves), moves, strict=True) if move[1].effect]
    assert len(acted) == len(set(acted))


def visited(moves: list[tuple[datetime, Move]]) -> list[str | None]:
    """The step each move was made from."""
    return [None, *(move.cursor.step for _, move in moves[:-1])]


@given(flows(), situations())
@settings(max_examples=150, deadline=None)
def test_every_move_goes_on_sleeps_into_the_future_or_ends(flow: Flow, situation: Facts) -> None:
    position = Cursor(flow.first, START, START)
    for now, move in walk(flow, situation):
        if move.done:
            assert move.wake_at is None
        elif move.wake_at is not None:
            assert move.wake_at > now
            assert move.cursor == position
            assert move.effect is None
        else:
            assert move.cursor.step != position.step
            assert move.cursor.since == now
        assert move.cursor.entered == START
        position = move.cursor


@given(
    flows(),
    situations(),
    st.sampled_from(["s0", "s1", "s7", "gone", None]),
    hours,
    hours,
    st.none() | hours,
)
@settings(max_examples=150, deadline=None)
def test_any_lead_anywhere_in_any_flow_has_one_next_move(
    flow: Flow,
    situation: Facts,
    step: str | None,
    since: datetime,
    now: datetime,
    entered: datetime | None,
) -> None:
    cursor = Cursor(step, since, entered)
    move = advance(flow, cursor, situation, now)
    assert move == advance(flow, cursor, situation, now)
    assert move.done or move.sleeps or move.cursor.step != step
    assert move.wake_at is None or move.wake_at > now


@given(flows(), situations(), situations(), st.timedeltas(0 * DAY, 20 * DAY))
@settings(max_examples=100, deadline=None)
def test_a_change_on_the_way_never_brings_an_effect_back(
    flow: Flow, before: Facts, after: Facts, turn: timedelta
) -> None:
    cursor, now, acted = Cursor(flow.first, START, START), START, []
    for _ in range(3000):
        step = cursor.step
        move = advance(flow, cursor, before if now < START + turn else after, now)
        acted += [step] if move.effect else []
        cursor, now = move.cursor, move.wake_at or now
        if move.done:
            break
    else:
        raise AssertionError("stuck")
    assert len(acted) == len(set(acted))
