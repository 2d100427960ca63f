"""A database restored to an earlier moment does not send again what may have gone out since."""

from datetime import timedelta

from sqlalchemy import delete

from nurture.domain.calendar import Span
from nurture.domain.effects import HandOver
from nurture.domain.flow import Cursor, Email, Flow, Wait
from nurture.domain.restored import doors, may_have_entered, may_have_sent
from nurture.domain.steps import Act, Branch, Goto, Split, WaitFor
from nurture.store import enrolments
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import EnrolmentRow, MessageRow, WakeupRow
from nurture.upkeep.restoring import REASON, Restoring
from tests.support.domain import DAY, HOUR, NOW, when
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.world import OneBook, World, consenting


def flow(**steps: object) -> Flow:
    return Flow("f", "F", steps, next(iter(steps)))  # type: ignore[arg-type]


LINE = flow(
    a=Email("hello", next="w"),
    w=Wait(Span(3 * DAY), next="b"),
    b=Email("guide", next="v"),
    v=Wait(Span(3 * DAY), next="c"),
    c=Email("last"),
)


def passed(book: Flow, step: str, within: timedelta) -> set[str]:
    return set(may_have_sent(book, Cursor(step, NOW), NOW + within))


def test_only_mails_whose_time_has_come_may_have_gone_out() -> None:
    assert passed(LINE, "w", 2 * DAY) == set()
    assert passed(LINE, "w", 4 * DAY) == {"b"}
    assert passed(LINE, "w", 7 * DAY) == {"b", "c"}


def test_any_answer_and_any_condition_may_have_led_on() -> None:
    fork = flow(
        q=WaitFor(Span(5 * DAY), touch="clicked", then="yes", otherwise="no"),
        yes=Email("hello"),
        no=Branch(((when(lambda f: False), "x"),), "y"),
        x=Email("guide"),
        y=Email("last"),
    )
    assert passed(fork, "q", HOUR) == {"yes"}
    assert passed(fork, "q", 6 * DAY) == {"yes", "x", "y"}


def entered(flows: dict[str, Flow], within: timedelta, recycle_to: str | None = None) -> object:
    """Where who stands at the beginning of flow `a` may have come to, and after how long."""
    ways = doors(flows["a"], Cursor(flows["a"].first, NOW), NOW + within, recycle_to)
    found = may_have_entered(ways, flows, NOW + within, recycle_to)
    return {name: at - NOW for name, at in found.items()}


def test_flows_that_lead_into_each_other_were_entered_once_and_as_early_as_can_be() -> None:
    flows = {
        "a": flow(w=Wait(Span(2 * DAY), next="on"), on=Goto("b")),
        "b": flow(
            s=Split(((1, "w"), (1, "back"))),
            w=Wait(Span(DAY), next="on"),
            back=Goto("a"),
            on=Goto("c"),
        ),
        "c": flow(m=Email("hello", next="on"), on=Goto("b")),
    }
    assert entered(flows, DAY) == {}
    assert entered(flows, 2 * DAY) == {"b": 2 * DAY, "a": 2 * DAY}
    assert entered(flows, 9 * DAY) == {"b": 2 * DAY, "a": 2 * DAY, "c": 3 * DAY}


def test_whom_a_flow_handed_over_sales_may_have_given_back() -> None:
    flows = {
        "a": flow(m=Email("hello", next="sales"), sales=Act(HandOver("is warm"))),
        "b": flow(m=Email("guide")),
    }
    assert entered(flows, DAY) == {}
    assert entered(flows, DAY, recycle_to="b") == {"b": timedelta()}
    assert entered(flows, DAY, recycle_to="gone") == {}


async def test_two_flows_that_lead_into_one_leave_its_mail_unknown_once(db: Database) -> None:
    goes_on = {name: Flow(name, name, {"on": Goto("win-back")}, "on") for name in ("a", "b")}
    sender_of = {**PLAYBOOK.sender_of, "a": "courses", "b": "courses"}
    book = playbook(flows={**PLAYBOOK.flows, **goes_on}, sender_of=sender_of)
    world = World(db, OneBook(book))
    async with world.outbox.write() as session:
        session.add(consenting("anna", NOW))
        await session.flush()
        for name in goes_on:
            enrolments.begin(session, book, "anna", name, [], NOW)
    for _ in range(2):
        found = await Restoring(db, world.shelf).doubt(NOW + timedelta(minutes=1))
        assert (found.mails, found.leads) == (1, 1)
    [mail] = await world.rows(MessageRow)
    assert (mail.state, mail.flow, mail.step) == ("unknown", "win-back", "win-back: comeback")


async def test_what_may_have_gone_out_is_unknown_and_what_is_known_stays(db: Database) -> None:
    world = World(db)
    await world.tell("form_submitted")
    restoring = Restoring(db, world.shelf)
    found = await restoring.doubt(NOW + timedelta(minutes=1))
    assert (found.mails, found.leads) == (1, 1)
    [mail] = await world.rows(MessageRow)
    assert (mail.state, mail.reason) == ("unknown", REASON)
    again = await restoring.doubt(NOW + timedelta(minutes=1))
    assert again == found
    assert len(await world.rows(MessageRow)) == 1


async def test_a_mail_to_whom_sales_has_in_hand_may_have_gone_out_once_it_was_given_back(
    db: Database,
) -> None:
    world = World(db)
    await world.tell("form_submitted")
    await world.tell("demo_requested", traits={"occupation": "pro"})
    [handover] = await world.rows(HandoverRow)
    assert handover.closed_at is None
    await Restoring(db, world.shelf).doubt(NOW + timedelta(minutes=1))
    mails = {mail.step: mail.state for mail in await world.rows(MessageRow)}
    assert mails["win-back: comeback"] == "unknown"


async def test_what_began_so_lately_that_no_comparison_looks_at_it_is_woken(db: Database) -> None:
    """Temporal, restored to another moment, may not have it."""
    world = World(db)
    await world.tell("form_submitted")
    await world.tell("demo_requested", traits={"occupation": "pro"})
    runs, [handover] = await world.rows(EnrolmentRow), await world.rows(HandoverRow)
    young = {("handover", handover.id), *(("enrolment", run.id) for run in runs if not run.ended)}
    assert len(young) > 1
    for later, woken in (timedelta(minutes=20), set()), (timedelta(minutes=1), young):
        async with db.write() as session:
            await session.execute(delete(WakeupRow))
        await Restoring(db, world.shelf).doubt(NOW + later)
        rows = await world.rows(WakeupRow)
        assert {(row.kind, row.key) for row in rows} == woken
        assert all(row.claimed_until == NOW + later for row in rows)
