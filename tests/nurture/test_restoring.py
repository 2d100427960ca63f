"""A database restored to an earlier moment does not send again what may have gone out since."""

from datetime import timedelta

from nurture.domain.calendar import Span
from nurture.domain.flow import Cursor, Email, Flow, Wait
from nurture.domain.restored import may_have_sent
from nurture.domain.steps import Branch, WaitFor
from nurture.restoring import REASON, Restoring
from nurture.store.database import Database
from nurture.store.tables import MessageRow
from tests.support.domain import DAY, HOUR, NOW, when
from tests.support.world import World


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
