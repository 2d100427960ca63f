"""Who may enter a flow, and when again."""

import pytest

from nurture.domain import topics
from nurture.domain.calendar import Span
from nurture.domain.enrolment import BY_HAND, Entry, Run, Trigger, may_enter
from tests.support.domain import ALWAYS_TRUE, DAY, NEVER_TRUE, NOW, facts, lead

FORM = Trigger(topics.touch("form_submitted"))
BECAME_LEAD = Trigger(topics.STAGE, "lead")
HAND = Trigger(BY_HAND)
ON_FORM = frozenset({FORM.topic})


def enters(entry: Entry, *triggers: Trigger, runs: tuple[Run, ...] = ()) -> bool:
    return may_enter(entry, triggers, facts(), runs, NOW)


@pytest.mark.parametrize(
    ("entry", "triggers", "expected"),
    [
        (Entry(ON_FORM), [FORM], True),
        (Entry(ON_FORM), [BECAME_LEAD], False),
        (Entry(ON_FORM), [BECAME_LEAD, FORM], True),
        (Entry(ON_FORM), [], False),
        (Entry(ON_FORM, when=ALWAYS_TRUE), [FORM], True),
        (Entry(ON_FORM, when=NEVER_TRUE), [FORM], False),
        (Entry(frozenset({"stage"})), [BECAME_LEAD], True),
        (Entry(frozenset({"stage"}), stage="lead"), [BECAME_LEAD], True),
        (Entry(frozenset({"stage"}), stage="mql"), [BECAME_LEAD], False),
        (Entry(ON_FORM | {"stage"}, stage="mql"), [FORM], True),
        (Entry(ON_FORM, when=NEVER_TRUE), [HAND], True),
    ],
)
def test_what_brings_a_lead_in(entry: Entry, triggers: list[Trigger], expected: bool) -> None:
    assert enters(entry, *triggers) == expected


@pytest.mark.parametrize("trigger", [FORM, HAND])
@pytest.mark.parametrize(
    ("again", "days_ago", "expected"),
    [
        (None, 999, False),
        (Span(), 0, True),
        (Span(90 * DAY), 89, False),
        (Span(90 * DAY), 90, True),
    ],
)
def test_when_a_lead_may_enter_again(
    trigger: Trigger, again: Span | None, days_ago: int, expected: bool
) -> None:
    runs = (Run(NOW - 500 * DAY, active=False), Run(NOW - days_ago * DAY, active=False))
    assert enters(Entry(ON_FORM, again=again), trigger, runs=runs) == expected


@pytest.mark.parametrize("trigger", [FORM, HAND])
def test_nobody_is_in_a_flow_twice_and_the_erased_in_none(trigger: Trigger) -> None:
    entry = Entry(ON_FORM, again=Span())
    assert not enters(entry, trigger, runs=(Run(NOW - 99 * DAY, active=True),))
    assert not may_enter(entry, [trigger], facts(who=lead(erased=True)), (), NOW)


@pytest.mark.parametrize("active", [True, False])
def test_what_asks_for_something_new_brings_in_also_who_is_in_the_flow_or_was_lately(
    active: bool,
) -> None:
    runs = (Run(NOW, active),)
    assert may_enter(Entry(ON_FORM), [FORM], facts(), runs, NOW, anew=True)
    assert not may_enter(Entry(ON_FORM), [FORM], facts(), runs, NOW)
