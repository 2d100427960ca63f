"""The playbook is edited while leads are inside: real workflows, real YAML, virtual time."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from embedded.skipping import skipping_server
from nurture.store.database import Database
from nurture.store.tables import CallRow, EnrolmentRow, MessageRow, WakeupRow
from nurture.store.wakeups import SPACING
from nurture.versions.shelf import Shelf
from tests.support.domain import COPENHAGEN, DAY, HOUR
from tests.support.small import FLOW, LAUNCH, SMALL
from tests.support.temporal import Stage
from tests.support.world import OneBook, World

BODY = SMALL["templates/email/welcome/body.mjml"]
FILES = {
    **SMALL,
    "templates/email/second/subject.txt": "Second",
    "templates/email/second/body.mjml": BODY,
    "templates/email/third/subject.txt": "Third",
    "templates/email/third/body.mjml": BODY,
}
STEPS = """\
  - wait: 10 days
    id: rest
  - email: second
  - wait: 10 days
    id: after
  - email: third
"""


class Live:
    """A stage whose playbook is files that are applied, and a relay that looks every hour."""

    def __init__(self, stage: Stage, shelf: Shelf) -> None:
        self.stage, self.shelf = stage, shelf

    async def edit(
        self, steps: str = STEPS, head: str = "", name: str = "launch", **mails: str
    ) -> None:
        flow = FLOW.replace("steps:\n  - email: welcome\n", f"{head}steps:\n{steps}")
        flow = flow.replace("flow: launch", f"flow: {name}")
        subjects = {f"templates/email/{mail}/subject.txt": text for mail, text in mails.items()}
        await self.shelf.apply({**FILES, LAUNCH: flow, **subjects}, "ida", await self.stage.now())

    async def enter(self) -> None:
        await self.stage.tell("form_submitted")

    async def days(self, number: int) -> None:
        await self.stage.pass_time(number * DAY)
        await self.relay()

    async def relay(self) -> None:
        await self.stage.world.outbox.relay(await self.stage.now())
        await self.stage.pass_time(HOUR)

    @property
    def mails(self) -> list[str]:
        return self.stage.mailer.subjects

    async def run(self) -> EnrolmentRow:
        [row] = await self.stage.world.rows(EnrolmentRow)
        assert isinstance(row, EnrolmentRow)
        return row


@pytest.fixture
async def live(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Live]:
    environment = await skipping_server()
    db = Database(f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path)}")
    shelf = Shelf(db)
    async with environment:
        stage = Stage(environment, db)
        stage.world = World(db, cast(OneBook, shelf))
        stage.world.outbox._waker = stage.waker  # as the stage does with its own world
        live = Live(stage, shelf)
        await live.edit()
        async with stage.working(["us"]):
            await live.enter()
            yield live
            await stage.world.outbox.drain()
    await db.close()


async def test_a_shortened_wait_lets_those_over_it_go_on_now(live: Live) -> None:
    await live.days(4)
    await live.edit(STEPS.replace("10 days\n    id: rest", "3 days\n    id: rest"))
    await live.relay()
    assert live.mails == ["Second"]


async def test_a_lengthened_wait_is_waited_to_its_new_end(live: Live) -> None:
    await live.days(4)
    await live.edit(STEPS.replace("10 days\n    id: rest", "20 days\n    id: rest"))
    await live.days(10)
    assert live.mails == []
    await live.days(7)
    assert live.mails == ["Second"]


async def test_the_step_that_a_lead_stands_in_may_be_deleted(live: Live) -> None:
    await live.days(4)
    await live.edit("  - email: second\n  - wait: 10 days\n    id: after\n  - email: third\n")
    await live.relay()
    assert live.mails == ["Second"]
    assert (await live.run()).step == "after"


async def test_with_nothing_left_behind_it_the_lead_leaves_with_the_reason(live: Live) -> None:
    await live.days(4)
    await live.edit("  - tag: {add: other}\n")
    await live.relay()
    assert (await live.run()).ended == "step_removed"


async def test_steps_inserted_before_are_not_taken_and_those_behind_are(live: Live) -> None:
    await live.days(4)
    before, behind = "  - tag: {add: before}\n", "  - tag: {add: behind}\n"
    await live.edit(before + STEPS.replace("  - email: second\n", f"{behind}  - email: second\n"))
    await live.days(10)
    lead = await live.stage.world.lead("anna@example.org")
    assert (lead.tags, live.mails) == (["behind"], ["Second"])


async def test_a_renamed_step_keeps_its_lead_and_its_time(live: Live) -> None:
    await live.days(4)
    await live.edit(STEPS.replace("id: rest", "id: pause\n    was: rest"))
    await live.days(5)
    assert live.mails == []
    await live.days(2)
    assert live.mails == ["Second"]


async def test_new_words_reach_only_mails_that_are_not_sent_yet(live: Live) -> None:
    await live.days(11)
    await live.edit(second="Second, better", third="Third, better")
    await live.days(11)
    assert live.mails == ["Second", "Third, better"]


async def test_a_mail_that_was_sent_is_not_sent_again_where_its_step_moved_to(live: Live) -> None:
    await live.days(11)
    moved = "  - wait: 10 days\n    id: after\n  - email: second\n  - email: third\n"
    await live.edit(moved)
    await live.days(11)
    assert live.mails == ["Second", "Third"]


async def test_who_may_finish_the_old_version_does(live: Live) -> None:
    await live.days(4)
    await live.edit("  - email: third\n", head="in_flight: finish_old\n", second="New words")
    await live.days(7)
    await live.days(11)
    assert live.mails == ["Second", "Third"], "its steps, and its words"
    assert (await live.run()).ended == "finished"


async def test_who_finishes_an_old_version_leaves_where_it_leads_to_a_flow_that_is_gone(
    live: Live,
) -> None:
    steps = "  - wait: 10 days\n    id: rest\n  - goto: win-back\n"
    other = FLOW.replace("flow: launch", "flow: win-back").replace("form_submitted", "by_hand")
    launch = FLOW.replace("  - email: welcome\n", steps)
    files = {**FILES, LAUNCH: launch, "config/flows/win-back.yaml": other}
    await live.shelf.apply(files, "ida", await live.stage.now())
    bo = await live.stage.tell("form_submitted", email="bo@example.org")
    await live.days(4)
    await live.edit(STEPS, head="in_flight: finish_old\n")
    await live.days(7)
    runs = await live.stage.world.rows(EnrolmentRow)
    assert [run.ended for run in runs if run.lead_id == bo.id] == ["flow_removed"]


async def test_leads_may_be_led_out_by_an_edit(live: Live) -> None:
    await live.days(4)
    await live.edit("  - email: third\n", head="in_flight: exit\n")
    await live.relay()
    assert ((await live.run()).ended, live.mails) == ("flow_changed", [])


async def test_a_new_goal_ends_the_runs_that_have_reached_it(live: Live) -> None:
    await live.days(4)
    await live.edit(head="goal: stage == 'lead'\n")
    await live.relay()
    assert (await live.run()).ended == "goal"


async def test_a_held_flow_stands_still_and_goes_on_where_it_was(live: Live) -> None:
    await live.edit(head="paused: hold\n")
    await live.days(15)
    assert live.mails == []
    await live.edit()
    await live.relay()
    assert live.mails == ["Second"], "what fell due meanwhile goes out when the flow goes on"


async def test_what_falls_due_while_a_flow_skips_never_goes_out(live: Live) -> None:
    await live.edit(head="paused: skip\n")
    await live.days(15)
    await live.edit()
    await live.days(10)
    assert live.mails == ["Third"]
    rows = await live.stage.world.rows(MessageRow)
    assert ("second", "refused", "paused") in {(r.step, r.state, r.reason) for r in rows}


async def test_under_the_cap_the_flow_with_priority_goes_first_and_the_other_says_why(
    live: Live,
) -> None:
    await live.days(9)
    senders = SMALL["config/senders.yaml"] + "cap: {mails: 1, within: 4 days}\n"
    other = FLOW.replace("flow: launch", "flow: urgent\npriority: 5").replace(
        "on: form_submitted", "on: page"
    )
    steps = other.replace("email: welcome", "email: third")
    flow = FLOW.replace("  - email: welcome\n", STEPS)
    files = {**FILES, LAUNCH: flow, "config/senders.yaml": senders, "config/flows/u.yaml": steps}
    await live.shelf.apply(files, "ida", await live.stage.now())
    await live.stage.tell("page")
    await live.stage.pass_time(HOUR)
    await live.days(2)
    assert live.mails == ["Third"], "the second has to wait: one mail in four days"
    held = [row.held for row in await live.stage.world.rows(EnrolmentRow) if row.ended is None]
    assert held == ["frequency_cap"]
    await live.days(3)
    assert live.mails == ["Third", "Second"]


async def test_of_many_whose_mails_fell_due_in_a_held_flow_no_burst_goes_out(live: Live) -> None:
    for number in range(7):
        await live.stage.tell("form_submitted", email=f"l{number}@example.org")
    await live.edit(head="paused: hold\n")
    await live.days(15)
    resumed = await live.stage.now()
    await live.edit()
    waking = await live.stage.world.rows(WakeupRow)
    turns = sorted((row.claimed_until - resumed) / SPACING for row in waking)
    assert [round(turn) for turn in turns] == list(range(8)), "one after another"
    await live.relay()
    await live.relay()
    assert live.mails == ["Second"] * 8


async def test_a_lead_waits_for_what_its_step_now_waits_for(live: Live) -> None:
    ask = "  - wait_for: {touch: %s, within: 20 days}\n    id: ask\n    then: [{email: second}]\n"
    await live.edit(ask % "clicked" + STEPS.replace("email: second", "email: welcome"))
    await live.stage.tell("form_submitted", email="bo@example.org")
    await live.days(2)
    await live.edit(ask % "page" + STEPS.replace("email: second", "email: welcome"))
    await live.relay()
    await live.stage.tell("page", email="bo@example.org")
    await live.days(1)
    assert live.mails == ["Second"]


async def test_a_renamed_flow_keeps_its_leads_and_their_time(live: Live) -> None:
    await live.days(4)
    await live.edit(name="start", head="was: launch\n")
    await live.days(7)
    run = await live.run()
    assert (live.mails, run.flow, run.step) == (["Second"], "start", "after")


async def test_leads_of_a_flow_that_is_gone_leave_it(live: Live) -> None:
    await live.days(4)
    await live.edit(name="other")
    await live.relay()
    assert ((await live.run()).ended, live.mails) == ("flow_removed", [])


async def test_who_may_enter_changes_nothing_for_those_inside(live: Live) -> None:
    await live.days(4)
    await live.edit(head="live: false\n")
    await live.stage.tell("form_submitted", email="bo@example.org")
    await live.days(7)
    assert live.mails == ["Second"]


async def test_a_new_send_window_holds_from_the_next_look_on(live: Live) -> None:
    await live.days(4)
    day = (await live.stage.now() + 9 * DAY).astimezone(COPENHAGEN).strftime("%a").lower()
    await live.edit(head=f'send_window: {{days: {day}, hours: "00:00-24:00"}}\n')
    await live.days(7)
    assert live.mails == []
    assert (await live.run()).held == "send_window"
    await live.days(3)
    assert live.mails == ["Second"]


async def test_a_webhook_step_leaves_a_call_to_be_delivered(live: Live) -> None:
    await live.days(4)
    hooks = {"config/webhooks.yaml": "crm: {title: CRM, url: 'https://crm.example/hook'}\n"}
    flow = FLOW.replace("  - email: welcome\n", "  - webhook: crm\n  - email: second\n")
    files = {
        **FILES,
        **hooks,
        LAUNCH: flow.replace("steps:\n", "steps:\n  - wait: 1 day\n    id: rest\n"),
    }
    await live.shelf.apply(files, "ida", await live.stage.now())
    await live.relay()
    [call] = await live.stage.world.rows(CallRow)
    assert (call.endpoint, call.data["step"], live.mails) == ("crm", "tell-crm", ["Second"])


async def test_a_rollback_is_an_edit_like_any_other(live: Live) -> None:
    await live.days(4)
    await live.edit(STEPS.replace("10 days\n    id: rest", "30 days\n    id: rest"))
    await live.shelf.rollback("bo", await live.stage.now())
    await live.days(7)
    assert live.mails == ["Second"]


async def test_many_who_go_on_come_one_after_another(live: Live) -> None:
    for number in range(8):
        await live.stage.tell("form_submitted", email=f"l{number}@example.org")
    await live.days(4)
    await live.edit(STEPS.replace("10 days\n    id: rest", "3 days\n    id: rest"))
    assert live.mails == [], "nobody moves before its turn"
    await live.relay()
    await live.relay()
    assert live.mails == ["Second"] * 9
