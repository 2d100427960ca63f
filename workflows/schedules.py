"""The reports' schedules in Temporal, kept as the playbook in force says."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta, tzinfo

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
)

from activities.contract import Reconcile
from nurture.domain import keys
from nurture.domain.reporting import ReportPlan
from workflows.send_report import SendReport
from workflows.upkeep import Upkeep

_LATE = timedelta(days=7)
"""A report that fell due while Temporal was away this long is still sent, unless the next one is about to be."""

UPKEEP = "upkeep"

UPKEEP_AT = time(4, 20)
"""On the company's clock, when little goes on. Temporal leaves out what the clock leaves out, and where people live
none was put forward past this time in the last ten years (Helsinki's goes from 3:00 to 4:00)."""

_WHOLE_DAY = timedelta(days=1)

_AHEAD = 5 * 366
"""Days for which Temporal is told when clocks are put forward. Each start of a worker tells it anew."""


async def keep_schedules(
    client: Client,
    queue: str,
    plans: Iterable[ReportPlan],
    zone: tzinfo,
    day: timedelta,
    now: datetime,
) -> None:
    """Create, change and delete schedules so that there is one for each plan. `day`: the playbook's."""
    wanted = {keys.report_schedule(plan.id): plan for plan in plans}
    async for found in await client.list_schedules():
        if found.id.startswith(keys.report_schedule("")) and found.id not in wanted:
            await client.get_schedule_handle(found.id).delete()
    for id_, plan in wanted.items():
        schedule = Schedule(
            action=ScheduleActionStartWorkflow(SendReport.run, plan.id, id=id_, task_queue=queue),
            spec=_spec(plan, zone, day, now),
            policy=_reports(plan.interval(day)),
        )
        await _keep(client, id_, schedule)


async def keep_upkeep(client: Client, queue: str, zone: tzinfo) -> None:
    """The nightly comparison."""
    at = ScheduleCalendarSpec(
        hour=[ScheduleRange(UPKEEP_AT.hour)], minute=[ScheduleRange(UPKEEP_AT.minute)]
    )
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(Upkeep.run, Reconcile(), id=UPKEEP, task_queue=queue),
        spec=ScheduleSpec(calendars=[at], time_zone_name=str(zone)),
        policy=SchedulePolicy(catchup_window=_WHOLE_DAY),
    )
    await _keep(client, UPKEEP, schedule)


async def _keep(client: Client, id_: str, schedule: Schedule) -> None:
    try:
        await client.create_schedule(id_, schedule)
    except ScheduleAlreadyRunningError:
        await _update(client.get_schedule_handle(id_), schedule)


async def _update(handle: ScheduleHandle, schedule: Schedule) -> None:
    """Whether it is paused remains: that is the operator's word."""

    def changed(told: object) -> ScheduleUpdate:
        schedule.state = told.description.schedule.state  # type: ignore[attr-defined]
        return ScheduleUpdate(schedule)

    await handle.update(changed)


def _reports(interval: timedelta) -> SchedulePolicy:
    """The next report does not wait until the last one is through: one dead receiver would keep all others from theirs.
    What was missed starts all at once, with the same figures, so only one is made up for, also on a day of 23 hours.
    """
    late = min(_LATE, interval * 0.9)
    return SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=late)


def _spec(plan: ReportPlan, zone: tzinfo, day: timedelta, now: datetime) -> ScheduleSpec:
    if day != _WHOLE_DAY:
        return ScheduleSpec(intervals=[ScheduleIntervalSpec(every=plan.interval(day))])
    when = ScheduleCalendarSpec(
        hour=[ScheduleRange(plan.at.hour)],
        minute=[ScheduleRange(plan.at.minute)],
        day_of_month=[ScheduleRange(1)] if plan.every == "month" else [ScheduleRange(1, 31)],
        day_of_week=[ScheduleRange(1)] if plan.every == "week" else [ScheduleRange(0, 6)],
    )
    gone_on = plan.put_forward(zone, now.astimezone(zone).date(), _AHEAD)
    return ScheduleSpec(calendars=[when, *map(_once, gone_on)], time_zone_name=str(zone))


def _once(at: datetime) -> ScheduleCalendarSpec:
    """Temporal leaves out what the clock leaves out: a report comes when that goes on."""
    return ScheduleCalendarSpec(
        year=[ScheduleRange(at.year)],
        month=[ScheduleRange(at.month)],
        day_of_month=[ScheduleRange(at.day)],
        hour=[ScheduleRange(at.hour)],
        minute=[ScheduleRange(at.minute)],
        second=[ScheduleRange(at.second)],
    )
