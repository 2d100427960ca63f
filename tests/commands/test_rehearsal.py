"""One scenario in both worlds: simulated, and through the real workflows on the time-skipping server."""

import os
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from commands.rehearsal.rehearsing import rehearse
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.source import read_files
from nurture.simulation.scenarios import Outcome, play, scenarios

FILES = read_files(Path(__file__).parents[2])
FILE = "config/scenarios/one.yaml"
SCENARIOS = int(os.environ.get("NURTURE_REHEARSALS", "2"))
"""`NURTURE_REHEARSALS=100` for a thorough look."""

EVERYTHING = """\
flow: everything
title: Every kind of step
enter: {on: [page, persona], again: always}
exit: ['"gone" in lead.tags']
priority: 5
send_window: {days: mon-fri, hours: "09:00-16:00", timezone: lead, holidays: DK}
steps:
  - email: {default: welcome, student: course-guide}
    id: first
  - wait: 2 business days
  - split:
      - {weight: 1, do: [{tag: {add: left}}]}
      - {weight: 1, do: [{set: {trait: city, value: Aarhus}}]}
      - {weight: 1, holdout: true}
  - wait: {until: window, at_least: 1 day}
  - webhook: crm
  - task: {kind: call, to: advisers, title: Call, within: 3 days}
    then: [{email: alumni-story}]
    else: [{audience: {add: hesitating-leads}}]
  - wait_for: {when: 'touches.count("page", "5 days") >= 2', within: 6 days}
    then: [{audience: {remove: hesitating-leads}}]
  - branch:
      - if: score.total >= 20
        do: [{handover: {reason: far enough}}]
    else: [{goto: win-back}]
  - email: reminder
"""
BUSY: Mapping[str, str] = {
    **FILES,
    "config/flows/everything.yaml": EVERYTHING,
    "config/webhooks.yaml": "crm: {title: CRM, url: 'https://crm.example/hook'}\n",
    "config/senders.yaml": FILES["config/senders.yaml"].replace("mails: 3", "mails: 2"),
}


async def both(scenario: str, files: Mapping[str, str] = BUSY) -> tuple[Outcome, Outcome]:
    files = {**files, FILE: scenario}
    playbook = compile_playbook(files)
    one = scenarios(files)[FILE]
    return play(FILE, one, playbook), await rehearse(FILE, one, playbook, files)


def invent(chance: Random) -> str:
    """A scenario in which a lead does this and that for ten weeks."""
    occupation = chance.choice(["Student", "Working Professional", "Unemployed"])
    zone = chance.choice(["Europe/Copenhagen", "Pacific/Auckland", "America/New_York"])
    acts = []
    for _ in range(9):
        day = chance.randrange(70)
        acts.append(
            chance.choice(
                [
                    f"{{day: {day}, touch: page, properties: {{path: /courses/it}}}}",
                    f"{{day: {day}, touch: demo_requested}}",
                    f"{{day: {day}, touch: support_case_opened, properties: {{product: courses}}}}",
                    f"{{day: {day}, touch: support_case_closed, properties: {{product: courses}}}}",
                    f"{{day: {day}, touch: sales_conversation}}",
                    f"{{day: {day}, says: {{occupation: Student}}}}",
                    f"{{day: {day}, touch: downloaded}}",
                ]
            )
        )
    return (
        f"scenario: invented\nlead: {{email: a@b.dk, occupation: {occupation}, timezone: {zone}}}\n"
        f"days: 80\ndoes: [{', '.join(acts)}]\nexpect: {{day 0: mail welcome}}\n"
    )


@pytest.mark.parametrize("seed", range(SCENARIOS))
async def test_whatever_a_lead_does_both_worlds_tell_the_same(seed: int) -> None:
    simulated, real = await both(invent(Random(seed)))
    assert simulated.disagreement(real) == []
    assert len(simulated.happened) > 15


@pytest.mark.parametrize("file", sorted(scenarios(FILES)))
async def test_our_own_scenarios_hold_on_the_real_workflows(file: str) -> None:
    playbook = compile_playbook(FILES)
    real = await rehearse(file, scenarios(FILES)[file], playbook, FILES)
    assert real.holds, "\n".join(real.difference())


async def test_clicks_answers_of_sales_and_an_unsubscription_are_the_same_in_both() -> None:
    simulated, real = await both(
        "scenario: s\nlead: {email: a@b.dk, occupation: Working Professional, specialization: IT Management}\n"
        "days: 60\n"
        "does:\n"
        "  - {day: 8, touch: clicked, of: course-guide}\n"
        "  - {day: 20, touch: demo_requested}\n"
        "  - {day: 21, touch: demo_requested}\n"
        "  - {day: 22, sales: accepted}\n"
        "  - {day: 23, sales: booked}\n"
        "  - {day: 30, sales: lost}\n"
        "  - {day: 31, sales: won}\n"
        "  - {day: 45, unsubscribes: email_marketing}\n"
        "  - {day: 46, unsubscribes: tracking}\n"
        "  - {day: 47, touch: clicked, of: course-guide}\n"
        "expect: {day 0: mail welcome}\n",
        FILES,
    )
    assert simulated.disagreement(real) == []
    assert "day 47: does clicked" not in real.happened
    assert {"day 30: sales says lost", "day 31: sales says won"} <= set(real.happened)
    assert "day 22: sales says accepted" in real.happened


async def test_a_lead_that_sales_lets_lie_comes_back_in_both() -> None:
    simulated, real = await both(
        "scenario: s\nlead: {email: a@b.dk, occupation: Working Professional, specialization: IT Management}\n"
        "days: 40\n"
        "does: [{day: 8, touch: clicked, of: course-guide}, {day: 9, touch: demo_requested}]\n"
        "expect: {day 0: mail welcome}\n",
        FILES,
    )
    assert simulated.disagreement(real) == []
    assert any("given back" in line for line in real.happened)
    assert any("enters win-back" in line for line in real.happened)


async def test_a_senders_share_of_the_day_is_the_same_in_both() -> None:
    hasty = (
        "flow: hasty\ntitle: Two mails at once\nenter: {on: by_hand}\n"
        "steps: [{email: welcome}, {email: course-guide}]\n"
    )
    senders = FILES["config/senders.yaml"].replace("    reply_to", "    a_day: 1\n    reply_to")
    files = {**FILES, "config/senders.yaml": senders, "config/flows/hasty.yaml": hasty}
    simulated, real = await both(
        "scenario: s\nlead: {email: a@b.dk}\nflow: hasty\ndays: 3\n"
        'expect: {day 0: [mail welcome, "waits: daily_limit"], day 1: mail course-guide}\n',
        files,
    )
    assert simulated.disagreement(real) == []
    assert simulated.holds, simulated.difference()


async def test_a_run_that_ends_at_the_moment_of_a_look_has_ended_in_both() -> None:
    again = (
        "flow: again\ntitle: Two days, again after two\nenter:\n  on: condition\n"
        '  when: touches.since("form_submitted") < 1 || touches.since("form_submitted") >= 2\n'
        "  again: when it lapsed\nsteps:\n"
    )
    steps = "".join(f"  - {{wait: 2h, id: part-{number}}}\n" for number in range(24))
    simulated, real = await both(
        "scenario: s\nlead: {email: a@b.dk}\nflow: again\ndays: 3\n"
        "expect: {day 0: [becomes lead, enters again], day 2: enters again}\n",
        {**FILES, "config/flows/again.yaml": again + steps},
    )
    assert simulated.disagreement(real) == []
    assert simulated.holds, simulated.difference()


async def test_a_draft_can_be_rehearsed_alone() -> None:
    files = {
        **BUSY,
        "config/flows/everything.yaml": EVERYTHING.replace("title:", "live: false\ntitle:", 1),
    }
    simulated, real = await both(
        "scenario: s\nlead: {email: a@b.dk}\nflow: everything\ndays: 20\n"
        "expect: {day 0: mail welcome}\n",
        files,
    )
    assert simulated.disagreement(real) == []
    assert {line for line in real.happened if "enters" in line} == {"day 0: enters everything"}


async def test_what_nobody_could_do_is_told_beside_the_rest_in_both() -> None:
    scenario = (
        "scenario: s\nlead: {email: a@b.dk}\ndays: 5\n"
        "does: [{day: 1, sales: accepted}]\nexpect: {day 0: mail welcome}\n"
    )
    simulated, real = await both(scenario)
    assert simulated.disagreement(real) == []
    told = ["  day 0: mail welcome", "+ day 1: cannot be: sales has nothing to answer"]
    assert (simulated.difference(), real.difference()) == (told, told)
