import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, timedelta

import pytest

from nurture.domain.allowance import Allowance, WarmUp
from nurture.domain.errors import InputError, PlaybookError
from nurture.domain.gate import MailRules
from nurture.domain.sla import State
from nurture.simulation import sales
from nurture.simulation.behaviour import Customs, read_assumptions
from nurture.simulation.cohort import midnight, simulate
from nurture.simulation.forecast import counts, forecast, sentences
from nurture.simulation.people import Person
from nurture.simulation.telling import timeline, words
from nurture.simulation.world import World
from tests.support.domain import DAY, NOW, lead
from tests.support.playbook import PLAYBOOK

START = midnight(date(2026, 3, 2), PLAYBOOK)


def people(number: int) -> list[Person]:
    return [
        Person(
            lead(id=f"lead-{n}", email=f"a{n}@b.dk", stage="visitor", traits={"occupation": "pro"})
        )
        for n in range(number)
    ]


def told(world: World) -> list[str]:
    return [words(event) for event in world.events if event.what != "at"]


def assumed(text: str) -> Customs:
    return Customs(read_assumptions("behaviour.yaml", text))


NOBODY_ACTS = assumed("mails: {open: 0%, click: 0%, reply: 0%, unsubscribe: 0%}")


def test_a_lead_that_does_nothing_gets_the_mails_in_their_time() -> None:
    world = simulate(PLAYBOOK, people(1), START, 30, NOBODY_ACTS)
    assert timeline(world.events, START, UTC)[3:] == [
        "day   0  Mon 02 Mar 09:00  mail hello",
        "day   3  Thu 05 Mar 09:00  mail guide",
        "day   7  Mon 09 Mar 09:00  added to hesitating",
        "day  12  Sat 14 Mar 09:00  mail last",
        "day  12  Sat 14 Mar 09:00  leaves welcome: finished",
    ]


@pytest.mark.parametrize("first", [date(1, 1, 1), date(9999, 12, 1)])
def test_a_day_at_the_end_of_the_calendar_cannot_be_simulated(first: date) -> None:
    with pytest.raises(InputError) as error:
        midnight(first, PLAYBOOK)
    said = f"{first} is too far away to be simulated; years are from 1970 to 8999"
    assert str(error.value) == said


def test_who_clicks_takes_the_other_way_and_meets_sales() -> None:
    everybody = assumed("mails: {open: 100%, click: 100%, reply: 0%, unsubscribe: 0%}\nvisits: 0")
    world = simulate(PLAYBOOK, people(1), START, 30, everybody)
    assert "handover: read the guide" in told(world)
    assert "mail last" not in told(world)


@pytest.mark.parametrize("waits", [True, False])
def test_a_sender_sends_its_share_a_day_and_the_others_wait_for_theirs(waits: bool) -> None:
    warm_up = WarmUp(START, first=4, doubles_every=2 * DAY, until=16)
    sender = replace(PLAYBOOK.senders["courses"], allowance=Allowance(10, warm_up))
    flows = {id: replace(flow, mail=MailRules(waits=waits)) for id, flow in PLAYBOOK.flows.items()}
    book = replace(PLAYBOOK, flows=flows, senders={**PLAYBOOK.senders, "courses": sender})
    world = simulate(book, people(30), START, 8, NOBODY_ACTS)
    mails = [event for event in world.events if event.what == "mail" and event.about == "hello"]
    sent = Counter((mail.at - START) // DAY for mail in mails)
    assert list(sent.values()) == [4, 5, 8, 10, 3]
    assert "waits: daily_limit" in told(world)


def test_the_same_seed_is_the_same_story_and_another_is_not() -> None:
    one, again, other = (simulate(PLAYBOOK, people(30), START, 60, Customs(), s) for s in (1, 1, 2))
    assert one.events == again.events
    assert one.events != other.events


def test_one_more_lead_does_not_change_what_the_others_do() -> None:
    few, more = (simulate(PLAYBOOK, people(n), START, 20, Customs()) for n in (5, 6))
    acts = [
        [(e.at, e.lead, e.about) for e in world.events if e.what == "touch" and e.lead != "lead-5"]
        for world in (few, more)
    ]
    assert acts[0] == acts[1]


def test_a_promise_that_sales_does_not_keep_is_escalated_and_the_lead_given_back() -> None:
    world = World(PLAYBOOK, NOW)
    member = world.arrive(people(1)[0])
    world.touch(member, "demo_requested", {})
    assert member.sales_owned
    world.run(NOW + timedelta(days=8))
    assert [line for line in told(world) if "escalated" in line] == [
        "escalated to Sales lead",
        "escalated to Head of sales",
    ]
    assert not member.sales_owned
    assert member.lead.stage == "lead"
    assert "mail comeback" in told(world)


def test_a_lead_that_is_won_becomes_a_customer_and_leaves_the_flow() -> None:
    world = World(PLAYBOOK, NOW)
    member = world.arrive(people(1)[0])
    world.touch(member, "demo_requested", {})
    sales.answer(world, member, member.handed[0], State.WON)
    world.run(NOW + timedelta(days=1))
    assert member.lead.stage == "customer"
    assert "leaves welcome: goal" in told(world)


def test_the_forecast_counts_what_happened_beside_what_was_promised() -> None:
    world = simulate(PLAYBOOK, people(20), START, 45, Customs())
    found = forecast(world, START, 45, 8)
    assert sum(found.mails) == sum(event.what == "mail" for event in world.events)
    assert (found.capacity, found.promised_sqls, len(found.sqls)) == (24, 20, 2)
    assert sentences(found)[0] == "20 leads, 45 days"
    assert counts(world.events, "welcome")["hello"] == 20


def test_an_assumption_that_is_no_share_is_a_finding_at_its_place() -> None:
    with pytest.raises(
        PlaybookError, match=r'b\.yaml:1:15: "140%" is not a share; from "0%" to "100%"'
    ):
        read_assumptions("b.yaml", "mails: {open: 140%}\n")


def test_rates_of_a_step_go_before_those_of_all_mails() -> None:
    found = assumed("mails: {click: 20%}\nsteps: {guide: {click: 50%}}")
    assert found.rates("welcome", "guide") == {
        "open": 0.4,
        "click": 0.5,
        "reply": 0.01,
        "unsubscribe": 0.004,
    }
    assert found.rates("welcome", "hello")["click"] == 0.2


def test_a_thousand_leads_over_a_quarter_take_seconds() -> None:
    before = time.process_time()
    simulate(PLAYBOOK, people(1000), START, 90, Customs())
    assert time.process_time() - before < 10
