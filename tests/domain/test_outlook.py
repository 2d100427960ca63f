from dataclasses import replace
from datetime import timedelta

from nurture.domain.effects import HandOver, RefuseMail, SendMail
from nurture.domain.lead import Facts, Standing
from nurture.domain.outlook import Pause, outlook
from nurture.domain.steps import Cursor, Paused
from tests.support.domain import NOW, lead
from tests.support.playbook import WELCOME

DAY = timedelta(days=1)
FACTS = Facts(lead(), standing=Standing(consents=frozenset({"email_marketing"})))


def test_the_next_mail_comes_when_the_wait_is_over() -> None:
    found = outlook(WELCOME, Cursor("wait", NOW, NOW), FACTS, NOW + DAY)
    assert found.effect == SendMail("guide", "guide")
    assert found.at == NOW + 3 * DAY
    assert found.pauses == (Pause("wait", NOW + 3 * DAY),)


def test_a_lead_that_does_nothing_goes_the_way_of_those_who_do_not_answer() -> None:
    found = outlook(WELCOME, Cursor("answer", NOW, NOW), FACTS, NOW)
    assert found.at == NOW + 4 * DAY
    assert type(found.effect).__name__ == "ChangeAudience"


def test_a_mail_that_the_gate_would_refuse_is_told_as_such() -> None:
    nobody = replace(FACTS, standing=Standing())
    found = outlook(WELCOME, Cursor("hello", NOW, NOW), nobody, NOW)
    assert found.effect == RefuseMail("hello", "hello", "no_consent")


def test_what_holds_a_mail_is_the_reason() -> None:
    theirs = replace(FACTS, standing=replace(FACTS.standing, sales_owned=True))
    found = outlook(WELCOME, Cursor("hello", NOW, NOW), theirs, NOW)
    assert found.pauses[0].why == "sales_owned"


def test_in_a_held_flow_nothing_comes() -> None:
    held = replace(WELCOME, paused=Paused.HOLD)
    found = outlook(held, Cursor("wait", NOW, NOW), FACTS, NOW)
    assert (found.effect, found.done) == (None, None)
    assert found.pauses[-1].why == "paused"


def test_the_end_is_told_with_its_reason() -> None:
    assert outlook(WELCOME, Cursor(None, NOW, NOW), FACTS, NOW).done == "finished"


def test_a_handover_is_something_that_comes_next() -> None:
    found = outlook(WELCOME, Cursor("hand-over", NOW, NOW), FACTS, NOW)
    assert found.effect == HandOver("read the guide")
    assert found.at == NOW
