"""A flow leads to another one (`goto`), as it really is and simulated; on both databases."""

from datetime import UTC, datetime

import pytest

from nurture.playbook.compiler import compile_playbook
from nurture.simulation.people import person
from nurture.simulation.world import World
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow
from nurture.upkeep.relay import Relay
from tests.support.domain import DAY, HOUR
from tests.support.looks import FILES, Looks
from tests.support.small import FLOW, LAUNCH

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
MAIL = "  - email: welcome\n"
LEADS_ON = {LAUNCH: FLOW.replace(MAIL, "  - wait: 2 days\n  - goto: next\n")}
NEXT = "config/flows/next.yaml"
NEXT_FLOW = "flow: next\ntitle: Next\nenter: {on: page}\nsteps: [{wait: 1 hour}]\n"


async def _runs(looks: Looks) -> dict[str, list[EnrolmentRow]]:
    rows = sorted(await looks.world.rows(EnrolmentRow), key=lambda row: row.started_at)
    return {flow: [row for row in rows if row.flow == flow] for flow in ("launch", "next")}


async def _relay(looks: Looks, now: datetime) -> None:
    world = looks.world
    await Relay(world.outbox, world.shelf, world.reactions, lambda: now).look()


@pytest.mark.parametrize("word", ["paused: skip", "end: 2026-03-01", "start: 2027-03-01", ""])
async def test_a_goto_leads_nobody_into_a_flow_that_nobody_enters(db: Database, word: str) -> None:
    files = {**LEADS_ON, NEXT: f"{NEXT_FLOW}{word}\n"}
    looks = Looks(db)
    await looks.apply(files, NOW)
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    assert (await looks.look(run, NOW + 3 * DAY)).done
    runs = await _runs(looks)
    entered, ended = (0, "not_open") if word else (1, "moved")
    assert (len(runs["next"]), runs["launch"][0].ended) == (entered, ended)

    playbook = compile_playbook({**FILES, **files})
    simulated = World(playbook, NOW)
    member = simulated.arrive(person({}, playbook, "lead"), "form_submitted")
    simulated.run(NOW + 3 * DAY)
    assert member.runs[0].ended == ended
    assert len(member.runs) == 1 + entered


async def test_who_came_by_a_goto_enters_again_only_once_the_condition_lapsed_since(
    db: Database,
) -> None:
    enter = """enter: {on: page, when: 'lead.country == "DK"', again: when it lapsed}"""
    files = {**LEADS_ON, NEXT: NEXT_FLOW.replace("enter: {on: page}", enter)}
    looks = Looks(db)
    await looks.apply(files, NOW)
    playbook = compile_playbook({**FILES, **files})
    simulated = World(playbook, NOW)
    danish, swedish = {"country": "DK"}, {"country": "SE"}

    await looks.world.tell("page", at=NOW, traits=danish)
    member = simulated.arrive(person(danish, playbook, "lead"), "page")
    [first] = (await _runs(looks))["next"]
    await looks.look(first, NOW)
    await looks.look(first, NOW + 2 * HOUR)
    simulated.run(NOW + 3 * HOUR)
    await looks.world.tell("form_submitted", at=NOW + 3 * HOUR, traits=swedish)
    simulated.tell(member, swedish)
    simulated.touch(member, "form_submitted", {})
    [launch] = (await _runs(looks))["launch"]
    await looks.look(launch, NOW + 3 * HOUR)
    await looks.world.tell("identified", at=NOW + DAY, traits=danish)
    simulated.run(NOW + DAY)
    simulated.tell(member, danish)
    await looks.look(launch, NOW + 3 * DAY)
    second = (await _runs(looks))["next"][-1]
    await looks.look(second, NOW + 3 * DAY)
    await looks.look(second, NOW + 4 * DAY)
    await looks.world.tell("page", at=NOW + 5 * DAY)
    simulated.run(NOW + 5 * DAY)
    simulated.touch(member, "page", {})
    assert [run.flow for run in member.runs] == ["next", "launch", "next"]
    assert len((await _runs(looks))["next"]) == 2, "the country has been DK since the goto"


async def test_who_goes_on_in_a_skipped_flow_is_described_and_listed_but_given_to_nobody(
    db: Database,
) -> None:
    steps = (
        "  - wait: 2 days\n  - tag: {add: hot}\n  - set: {trait: country, value: DK}\n"
        "  - handover: {reason: finished}\n  - email: welcome\n"
    )
    files = {LAUNCH: FLOW.replace(MAIL, steps)}
    looks = Looks(db)
    await looks.apply(files, NOW)
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    await looks.apply({LAUNCH: files[LAUNCH] + "paused: skip\n"}, NOW + DAY)
    assert (await looks.look(run, NOW + 3 * DAY)).done
    lead = await looks.lead()
    assert (lead.tags, lead.traits["country"], lead.sales_owned) == (["hot"], "DK", False)
    assert await looks.ledger() == [("welcome", "refused")]


async def test_a_run_that_outlasts_again_is_followed_by_the_next_if_the_condition_still_holds(
    db: Database,
) -> None:
    enter = """enter: {on: condition, when: 'lead.country == "DK"', again: after 10 days}"""
    flow = FLOW.replace("enter: {on: form_submitted}", enter)
    files = {LAUNCH: flow.replace(MAIL, "  - wait: 20 days\n")}
    looks = Looks(db)
    await looks.apply(files, NOW)
    playbook = compile_playbook({**FILES, **files})
    simulated = World(playbook, NOW)
    danish, at = {"country": "DK"}, NOW + 20 * DAY

    await looks.world.tell("page", at=NOW, traits=danish)
    member = simulated.arrive(person(danish, playbook, "lead"), "page")
    [run] = (await _runs(looks))["launch"]
    await looks.look(run, NOW)
    await _relay(looks, NOW + 10 * DAY)  # again is over, but the run is not
    assert (await looks.look(run, at)).done
    await _relay(looks, at)
    simulated.run(at + HOUR)
    began = [row.started_at for row in (await _runs(looks))["launch"]]
    assert began == [run.started_at for run in member.runs] == [NOW, at]
