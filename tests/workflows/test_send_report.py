"""The figures reach both teams, once each."""

import asyncio
import base64
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from temporalio import activity
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleBackfill,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    WorkflowHandle,
)
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities import queues
from activities.contract import SEND_REPORT, Next, ReportOrder
from nurture.domain import keys
from nurture.domain.errors import Permanent, StartError, Transient, Unknown
from nurture.domain.reporting import ReportPlan
from nurture.store import backlog
from nurture.store.tables import ReportSentRow
from tests.support.domain import DAY, HOUR, NOW
from tests.support.reporting import MONTHLY, reporting_playbook
from tests.support.temporal import Stage, dev_server
from workflows.client import TemporalWaker
from workflows.schedules import keep_schedules
from workflows.send_report import SendReport


async def _send(stage: Stage) -> WorkflowHandle[SendReport, None]:
    stage.book.book = reporting_playbook()
    handle = await stage.client.start_workflow(
        SendReport.run, "monthly", id="report/monthly-1", task_queue=stage.queue
    )
    await handle.result()
    return handle


async def test_each_receiver_gets_the_month_that_is_over_in_its_language(stage: Stage) -> None:
    over = (await stage.now()).replace(day=1) - DAY
    await _send(stage)
    assert [mail.to for mail in stage.mailer.got] == list(MONTHLY.to)
    assert stage.mailer.subjects[0] == f"The month {over:%Y-%m} · Courses A/S"
    assert "SQL'er (marketing)" in stage.mailer.got[0].text
    assert "List-Unsubscribe" not in stage.mailer.got[0].headers
    [notice] = stage.sales.got
    assert notice.type == "report.figures"
    assert notice.data["promises"]["sqls"]["target"] == 20


async def test_who_was_reached_gets_nothing_again_while_the_others_are_tried_again(
    stage: Stage,
) -> None:
    stage.mailer.errors = [Transient("mailbox_busy")]
    stage.sales.errors = [Transient("http_503"), Transient("http_503"), StartError("no address")]
    await _send(stage)
    assert sorted(mail.to for mail in stage.mailer.got) == sorted(MONTHLY.to)
    assert len(stage.sales.got) == 1
    assert {row.state for row in await stage.world.rows(ReportSentRow)} == {"sent"}


async def test_a_receiver_that_asks_for_an_hour_gets_it(stage: Stage) -> None:
    begun = await stage.now()
    stage.sales.errors = [Transient("http_429", "busy", HOUR)]
    await _send(stage)
    assert len(stage.sales.got) == 1
    assert await stage.now() - begun >= HOUR


async def test_what_may_have_gone_out_is_not_repeated_and_what_is_refused_is_kept(
    stage: Stage,
) -> None:
    stage.mailer.errors = [Unknown("cut_off"), Permanent("no such mailbox")]
    await _send(stage)
    states = sorted(row.state for row in await stage.world.rows(ReportSentRow))
    assert (stage.mailer.got, states) == ([], ["failed", "sent", "unknown"])


async def test_temporal_learns_the_name_of_the_report_and_nothing_else(stage: Stage) -> None:
    handle = await _send(stage)
    history = (await handle.fetch_history()).to_json()
    payloads = re.findall(r'"data": "([^"]+)"', history)
    told = b"".join(base64.b64decode(payload) for payload in payloads).decode() + history
    assert '"monthly"' in told
    assert "courses.example" not in told
    assert "Courses A/S" not in told


async def test_a_report_that_the_playbook_no_longer_has_ends(stage: Stage) -> None:
    run = await stage.client.start_workflow(
        SendReport.run, "gone", id="report/gone-1", task_queue=stage.queue
    )
    await run.result()
    assert stage.mailer.got == []


async def test_a_report_that_temporal_lost_is_sent_to_whom_it_still_owes_it_as_it_was_due(
    stage: Stage,
) -> None:
    """Upkeep wakes what is overdue: nobody else knows of it any more."""
    stage.book.book, due = reporting_playbook(), await stage.now() - 40 * DAY
    run = keys.report_run("monthly", int(due.timestamp()))
    [first, *_] = MONTHLY.to
    async with stage.world.db.write() as session:
        for to, state in ((first, "waiting"), ("gone@example.org", "waiting")):
            id_ = keys.report_id("monthly", int(due.timestamp()), to)
            row = ReportSentRow(id=id_, plan="monthly", run=run, state=state, changed_at=due)
            session.add(row)
    waker = TemporalWaker(stage.client, stage.queue)
    await asyncio.gather(*(waker.wake(backlog.REPORT, run) for _ in range(2)))
    await stage.client.get_workflow_handle(keys.report_workflow(run)).result()
    over = due.replace(day=1) - DAY
    assert f"{over:%Y-%m}" in stage.mailer.subjects[0]
    rows = {row.id: row for row in await stage.world.rows(ReportSentRow)}
    gone = rows.pop(keys.report_id("monthly", int(due.timestamp()), "gone@example.org"))
    assert {row.state for row in rows.values()} == {"sent"}
    assert gone.state == "failed"
    assert gone.error == "the playbook does not name this receiver any more"


@pytest.mark.parametrize(("state", "becomes"), [("waiting", "failed"), ("claimed", "unknown")])
async def test_what_is_left_of_a_report_that_the_playbook_no_longer_has_is_given_up(
    stage: Stage, state: str, becomes: str
) -> None:
    begun = await stage.now()
    run = keys.report_run("gone", int(begun.timestamp()))
    async with stage.world.db.write() as session:
        session.add(ReportSentRow(id="r", plan="gone", run=run, state=state, changed_at=begun))
    await TemporalWaker(stage.client, stage.queue).wake(backlog.REPORT, run)
    await stage.client.get_workflow_handle(keys.report_workflow(run)).result()
    assert [row.state for row in await stage.world.rows(ReportSentRow)] == [becomes]


@pytest.mark.parametrize(("every", "month"), [("month", "2026-10"), ("week", ""), ("day", "")])
def test_a_monthly_report_is_about_the_month_before_on_the_companys_clock(
    every: str, month: str
) -> None:
    plan = ReportPlan("figures", "Figures", every)  # type: ignore[arg-type]
    new_month = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    assert plan.month(new_month, ZoneInfo("Europe/Copenhagen")) == month


@pytest.mark.parametrize(
    ("every", "at", "zone", "comes"),
    [
        ("day", time(2, 30), "Europe/Copenhagen", [(2026, 3, 29, 3), (2027, 3, 28, 3)]),
        ("day", time(3), "Europe/Copenhagen", []),
        ("day", time(0, 30), "Africa/Cairo", [(2026, 4, 24, 1), (2027, 4, 30, 1)]),
        ("week", time(2, 30), "Europe/Copenhagen", []),
        ("month", time(2, 30), "Europe/Copenhagen", []),
    ],
)
def test_a_report_whose_time_the_clock_leaves_out_comes_when_that_goes_on(
    every: str, at: time, zone: str, comes: list[tuple[int, ...]]
) -> None:
    plan = ReportPlan("figures", "Figures", every, at)  # type: ignore[arg-type]
    found = list(plan.put_forward(ZoneInfo(zone), date(2026, 3, 1), 2 * 365))
    assert [moment.replace(tzinfo=None) for moment in found] == [datetime(*each) for each in comes]


async def test_schedules_follow_the_playbook(tmp_path: Path) -> None:
    environment = await dev_server()
    async with environment:
        client, zone = environment.client, ZoneInfo("Europe/Copenhagen")
        queue, weekly = f"q-{uuid4().hex}", ReportPlan("weekly", "The week", "week")
        daily = ReportPlan("daily", "The day", "day")
        await _schedule_of_an_older_release(client, "report/weekly", queue)
        await keep_schedules(client, queue, [MONTHLY, weekly, daily], zone, DAY, NOW)
        for plan, days in ((MONTHLY, 28), (weekly, 7), (daily, 23 / 24)):
            policy = await _policy(client, f"report/{plan.id}")
            assert (
                policy.overlap == ScheduleOverlapPolicy.ALLOW_ALL
            )  # who is down delays no next one
            assert policy.catchup_window < days * DAY  # what an outage held up comes once
        first = await _next(client, "report/monthly")
        assert (first.day, first.hour, first.minute) == (1, 8, 0)
        assert (await _next(client, "report/weekly")).weekday() == 0
        await keep_schedules(client, queue, [weekly], zone, timedelta(seconds=10), NOW)
        due = await _next(client, "report/weekly")
        assert due - datetime.now(UTC) < timedelta(seconds=71)
        with pytest.raises(RPCError, match="not found"):
            await client.get_schedule_handle("report/monthly").describe()


@pytest.mark.parametrize("put_forward", [False, True])
async def test_a_report_that_is_made_up_for_is_known_by_when_it_was_due(put_forward: bool) -> None:
    """So a Temporal that is older than the database after a restore sends none again. Also where the clock went from
    2:00 to 3:00 that night."""
    orders = asyncio.Queue[tuple[ReportOrder, str | None]]()

    @activity.defn(name=SEND_REPORT)
    async def send(order: ReportOrder) -> Next:
        orders.put_nowait((order, activity.info().workflow_id))
        return Next(done=True)

    queue, zone, begun = "reports", ZoneInfo("Europe/Copenhagen"), datetime.now(UTC) - 400 * DAY
    due = datetime.now(zone).replace(hour=12, minute=0, second=0, microsecond=0) - 2 * DAY
    daily = ReportPlan("daily", "The day", "day", at=due.time())
    if put_forward:
        daily = replace(daily, at=time(2, 30))
        due = next(daily.put_forward(zone, begun.date(), 399))
    environment = await dev_server()
    async with environment:
        client = environment.client
        await keep_schedules(client, queue, [daily], zone, DAY, begun)
        webhooks = queues.named(queue, queues.WEBHOOKS)
        async with (
            Worker(client, task_queue=queue, workflows=[SendReport]),
            Worker(client, task_queue=webhooks, activities=[send]),
        ):
            missed = ScheduleBackfill(due - 4 * HOUR, due + 4 * HOUR)
            await client.get_schedule_handle("report/daily").backfill(missed)
            order, workflow = await asyncio.wait_for(orders.get(), 30)
    assert order == ReportOrder("daily", at := int(due.timestamp()))
    assert workflow == keys.report_workflow(keys.report_run("daily", at)), "upkeep begins no second"


async def _next(client: Client, id_: str) -> datetime:
    """On the company's clock."""
    told = await client.get_schedule_handle(id_).describe()
    return told.info.next_action_times[0].astimezone(ZoneInfo("Europe/Copenhagen"))


async def _schedule_of_an_older_release(client: Client, id_: str, queue: str) -> None:
    action = ScheduleActionStartWorkflow(SendReport.run, "weekly", id=id_, task_queue=queue)
    await client.create_schedule(id_, Schedule(action=action, spec=ScheduleSpec()))


async def _policy(client: Client, id_: str) -> SchedulePolicy:
    told = await client.get_schedule_handle(id_).describe()
    return told.schedule.policy
