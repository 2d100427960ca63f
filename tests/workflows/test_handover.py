"""The agreement runs: told, reminded, escalated, reassigned, recycled, answered."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio.client import WorkflowExecutionStatus

from nurture.domain.errors import Gone, Transient
from nurture.domain.sla import State
from nurture.incoming import Answer
from nurture.ports import Notice
from nurture.store.handover_tables import HandoverEventRow, HandoverRow, NoticeRow
from nurture.store.tables import EnrolmentRow
from tests.support.both import ON_BOTH
from tests.support.domain import DAY, HOUR
from tests.support.temporal import Stage


async def _hand_over(stage: Stage) -> HandoverRow:
    await stage.tell("demo_requested", traits={"occupation": "pro", "first_name": "Anna"})
    await stage.pass_time(HOUR)
    [row] = await stage.world.rows(HandoverRow)
    assert isinstance(row, HandoverRow)
    return row


async def _answer(stage: Stage, row: HandoverRow, state: State, **fields: object) -> None:
    answer = Answer(**{"state": state, "at": await stage.now(), **fields})  # type: ignore[arg-type]
    await stage.world.desk.answer(row.id, answer)


async def test_sales_is_told_who_it_is_why_and_until_when(stage: Stage) -> None:
    row = await _hand_over(stage)
    [notice] = stage.sales.got
    assert notice.type == "lead.handover.created"
    assert notice.data["lead"]["first_name"] == "Anna"
    assert notice.data["handover"]["due_at"] == row.due_at.isoformat()
    assert notice.data["links"]["page"] == f"https://n.example/h/{row.id}"
    assert "Asked for a demo" in str(notice.data["score"]["reasons"])


async def test_a_contact_in_time_ends_every_reminder(stage: Stage) -> None:
    row = await _hand_over(stage)
    await _answer(stage, row, State.CONTACTED, how="call")
    await stage.pass_time(20 * DAY)
    assert stage.sales.heard == ["lead.handover.created"]


@ON_BOTH
async def test_a_forgotten_lead_is_reminded_escalated_reassigned_and_recycled(stage: Stage) -> None:
    await _hand_over(stage)
    await stage.pass_time(10 * DAY)
    assert [heard.removeprefix("lead.handover.") for heard in stage.sales.heard] == [
        "created",
        "reminder",
        "reminder",
        "escalated",
        "escalated",
        "reassigned",
        "recycled",
    ]
    events = await stage.world.rows(HandoverEventRow)
    assert [event.detail for event in events if event.kind == "escalated"] == [
        "Sales lead",
        "Head of sales",
    ]
    [row] = await stage.world.rows(HandoverRow)
    assert (row.state, row.owner) == ("recycled", "Bo")
    assert "win-back" in {run.flow for run in await stage.world.rows(EnrolmentRow)}


async def test_an_answer_after_the_escalation_stops_what_is_left(stage: Stage) -> None:
    row = await _hand_over(stage)
    await stage.pass_time(2 * DAY + HOUR)
    await _answer(stage, row, State.CONTACTED, how="mail")
    await stage.pass_time(10 * DAY)
    heard = [name.removeprefix("lead.handover.") for name in stage.sales.heard]
    assert heard == ["created", "reminder", "reminder", "escalated"]


async def test_a_receiver_down_for_two_days_gets_everything_once_and_in_order(stage: Stage) -> None:
    stage.sales.errors = [Transient("connect") for _ in range(8)]
    await _hand_over(stage)
    await stage.pass_time(6 * DAY)
    ids = [notice.id for notice in stage.sales.got]
    kinds = [name.removeprefix("lead.handover.") for name in stage.sales.heard]
    assert len(set(ids)) == len(ids)
    assert kinds[:4] == ["created", "reminder", "reminder", "escalated"]


async def test_a_receiver_that_is_gone_is_not_called_again_for_that_notice(stage: Stage) -> None:
    stage.sales.errors = [Gone("410")]
    row = await _hand_over(stage)
    [notice] = await stage.world.rows(NoticeRow)
    assert notice.dead_at is not None
    assert (await stage.world.rows(HandoverRow))[0].state == row.state == "open"


async def test_a_rejection_takes_the_lead_back_to_nurture(stage: Stage) -> None:
    row = await _hand_over(stage)
    await _answer(stage, row, State.REJECTED, reason="no budget")
    await stage.pass_time(timedelta(hours=2))
    assert "comeback Anna" in stage.mailer.subjects


@ON_BOTH
async def test_of_two_leads_who_are_one_only_one_is_reminded_of_and_the_other_ends(
    stage: Stage,
) -> None:
    given = []
    for name in ("anna", "ann"):
        lead = await stage.tell("page", email=f"{name}@example.org", user_id=name)
        given.append(await stage.world.desk.open(lead.id, "at the fair", "bo", await stage.now()))
        await stage.pass_time(HOUR)
    kept, over = given
    await stage.tell(None, user_id="anna", previous_id="ann")
    await stage.pass_time(2 * DAY + HOUR)
    heard: dict[str, list[str]] = {kept: [], over: []}
    for notice in stage.sales.got:
        heard[notice.data["handover"]["id"]].append(notice.type.rpartition(".")[2])
    assert heard[kept] == ["created", "reminder", "reminder", "escalated"]
    assert heard[over] == ["created", "recycled"]
    ended = await stage.client.get_workflow_handle(f"handover/{over}").describe()
    assert ended.status is WorkflowExecutionStatus.COMPLETED


class Once:
    """A desk; while it is told that the lead came back, somebody does something."""

    def __init__(self, do: Callable[[], Awaitable[None]]) -> None:
        self._do = do

    async def deliver(self, notice: Notice) -> None:
        if notice.type == "lead.handover.recycled":
            await self._do()


@ON_BOTH
async def test_who_is_erased_during_the_last_word_to_sales_is_erased_there_too(
    stage: Stage,
) -> None:
    async def erase() -> None:
        await stage.world.privacy.erase("anna@example.org", "operator", await stage.now())
        await stage.world.outbox.drain()

    await _hand_over(stage)
    stage.sales.through = Once(erase)
    await stage.pass_time(10 * DAY)
    assert stage.sales.heard[-2:] == ["lead.handover.recycled", "lead.handover.erased"]
