"""Decisions, mails, webhooks and ads each have their own queue, and each mail goes out on its sender's."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from activities import queues
from embedded.temporal import FAIR, UNDIVIDED
from nurture.domain.calendar import Span
from nurture.domain.flow import Email, Flow, Wait
from nurture.domain.keys import enrolment_workflow
from nurture.playbook import Playbook, Sender
from nurture.store import enrolments
from nurture.store.tables import EnrolmentRow
from tests.support.domain import DAY, HOUR
from tests.support.playbook import PLAYBOOK, WELCOME, playbook
from tests.support.temporal import Stage, dev_server
from tests.support.waiting import until
from tests.support.world import consenting
from workflows.worker import Workers

MANY = 40


def _book(flow: Flow) -> Playbook:
    return playbook(flows={**PLAYBOOK.flows, "welcome": flow})


async def _looks(stage: Stage, workflow_id: str) -> list[str]:
    """On which queue each look of that workflow was, without the stage's own name."""
    history = await stage.client.get_workflow_handle(workflow_id).fetch_history()
    scheduled = (
        event.activity_task_scheduled_event_attributes
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    )
    return [each.task_queue.name.removeprefix(stage.queue) for each in scheduled]


async def test_a_mail_and_the_wait_before_it_cost_one_look_on_the_senders_queue(
    stage: Stage,
) -> None:
    await stage.tell("form_submitted")
    await stage.pass_time(9 * DAY)
    [run] = await stage.world.rows(EnrolmentRow)
    looks = await _looks(stage, enrolment_workflow(run.id))
    assert len(stage.mailer.got) == 2
    assert looks == [".mail.courses", ".mail.courses", ""]


async def test_a_run_that_begins_with_a_wait_is_looked_at_where_decisions_are_made(
    stage: Stage,
) -> None:
    steps = {"rest": Wait(Span(DAY), next="mail"), "mail": Email("hello")}
    stage.book.book = _book(Flow("welcome", "Welcome", steps, "rest"))
    await stage.tell("form_submitted")
    await stage.pass_time(2 * DAY)
    [run] = await stage.world.rows(EnrolmentRow)
    assert await _looks(stage, enrolment_workflow(run.id)) == ["", ".mail.courses"]


@pytest.mark.parametrize("rules", [{"priority": 10}, {"transactional": True}], ids=str)
async def test_transactional_mails_and_those_of_a_flow_with_a_priority_go_first_on_their_queue(
    stage: Stage, rules: dict[str, Any]
) -> None:
    stage.book.book = _book(replace(WELCOME, mail=replace(WELCOME.mail, **rules)))
    await stage.tell("form_submitted")
    await stage.pass_time(HOUR)
    [run] = await stage.world.rows(EnrolmentRow)
    handle = stage.client.get_workflow_handle(enrolment_workflow(run.id))
    scheduled = [
        event.activity_task_scheduled_event_attributes
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert [each.priority.priority_key for each in scheduled] == [3, 1]


async def test_a_mail_that_follows_a_click_takes_one_look_more(stage: Stage) -> None:
    steps = {**WELCOME.steps, "hand-over": Email("last")}
    stage.book.book = _book(replace(WELCOME, steps=steps))
    await stage.tell("form_submitted")
    await stage.pass_time(3 * DAY + HOUR)
    guide = stage.mailer.got[1]
    await stage.world.click(guide.id, await stage.now())
    await stage.pass_time(HOUR)
    [run] = await stage.world.rows(EnrolmentRow)
    looks = await _looks(stage, enrolment_workflow(run.id))
    assert len(stage.mailer.got) == 3
    assert looks[-2:] == ["", ".mail.courses"]


async def test_a_sender_that_changes_while_a_lead_sleeps_sends_the_mail(stage: Stage) -> None:
    await stage.tell("form_submitted")
    await stage.pass_time(DAY)
    senders = {"news": Sender("news", "News", "news@courses.example")}
    stage.book.book = playbook(senders=senders, sender_of={"welcome": "news", "win-back": "news"})
    await stage.workers.follow({"courses": None, "news": None})
    await stage.pass_time(3 * DAY)
    assert stage.mailer.got[1].sender == "news@courses.example"


async def test_two_mails_in_a_row_take_two_turns_on_the_queue(stage: Stage) -> None:
    steps = {"a": Email("hello", next="b"), "b": Email("guide")}
    stage.book.book = _book(Flow("welcome", "Welcome", steps, "a"))
    await stage.tell("form_submitted")
    await stage.pass_time(DAY)
    [run] = await stage.world.rows(EnrolmentRow)
    assert stage.mailer.subjects == ["hello", "guide"]
    looks = await _looks(stage, enrolment_workflow(run.id))
    assert looks == [".mail.courses", ".mail.courses"]


@pytest.fixture
async def crowd(tmp_path: Path) -> AsyncIterator[Stage]:
    """Many leads at a mail, on Temporal's real server as it is embedded; nobody works yet."""
    environment = await dev_server(None, *FAIR, *UNDIVIDED)
    async with environment, Stage.idle(environment, tmp_path) as stage:
        steps = {"mail": Email("hello", next="rest"), "rest": Wait(Span(DAY))}
        stage.book.book = _book(Flow("welcome", "Welcome", steps, "mail"))
        await _enrol(stage, "welcome", MANY)
        yield stage


async def _enrol(stage: Stage, flow: str, number: int, first: int = 0) -> None:
    """So many leads, at the flow's first mail; `first` is the number of the first of them."""
    now = await stage.now()
    async with stage.world.outbox.write() as session:
        for n in range(first, first + number):
            lead = consenting(f"{flow}-{n}", now)
            session.add(lead)
            await session.flush()
            enrolments.begin(session, stage.book.book, lead.id, flow, [], now)
    await stage.world.outbox.drain()


async def test_a_sender_keeps_its_rate(crowd: Stage) -> None:
    # From the first to the last mail: within it, a busy machine may well send what was held up in one go.
    async with _at_work(crowd) as workers:
        started = time.monotonic()
        await workers.follow({"courses": 10.0})
        await until(lambda: len(crowd.mailer.got) == MANY, 60)
    # 40 at 10 a second, less the second's worth that Temporal lets through at once
    assert time.monotonic() - started > 2.0


async def test_a_crowd_in_a_flow_delays_no_handover(crowd: Stage) -> None:
    await crowd.tell("demo_requested", email="eva@example.org", traits={"occupation": "pro"})
    await crowd.world.outbox.drain()
    async with _at_work(crowd) as workers:
        await workers.follow({"courses": None})
        await until(lambda: crowd.sales.got, 60)
        assert len(crowd.mailer.got) < MANY / 2


async def test_a_crowd_in_one_flow_delays_no_other_flow(crowd: Stage) -> None:
    await _enrol(crowd, "welcome", 3 * MANY, first=MANY)
    await _enrol(crowd, "win-back", 5)
    async with _at_work(crowd) as workers:
        await workers.follow({"courses": None})
        await until(lambda: crowd.mailer.subjects.count("comeback") == 5, 60)
    assert crowd.mailer.subjects.count("hello") < 2 * MANY


async def test_who_serves_one_sender_only_decides_nothing_and_sends_no_other_mail(
    crowd: Stage,
) -> None:
    async with _at_work(crowd, "decisions"), _at_work(crowd, "mail.news") as news:
        await news.follow({"courses": None, "news": None})
        run, *_ = await crowd.world.rows(EnrolmentRow)
        async with asyncio.timeout(60):
            while ".mail.courses" not in await _looks(crowd, enrolment_workflow(run.id)):
                pass
        assert crowd.mailer.got == []
        async with _at_work(crowd, "mail.courses") as courses:
            await courses.follow({"courses": None, "news": None})
            await until(lambda: len(crowd.mailer.got) == MANY, 60)


def _at_work(stage: Stage, *parts: str) -> Workers:
    return Workers(stage.client, stage.queue, stage.activities(), parts or queues.PARTS, False)
