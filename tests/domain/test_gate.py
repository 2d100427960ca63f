"""May this lead get this mail now?"""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain import topics
from nurture.domain.calendar import Calendar
from nurture.domain.gate import FrequencyCap, Hold, MailRules, Refuse, Send, ask
from nurture.domain.lead import Lead
from tests.support.domain import AUCKLAND, BERLIN, COPENHAGEN, DAY, HOUR, NOW, facts, lead, local

EVERYTHING_AGAINST_IT: dict[str, Any] = {
    "who": lead(erased=True, email=None),
    "suppressed": "bounced",
    "soft_bounces": 5,
    "declined": frozenset({"email_marketing", "email_marketing/news"}),
    "consents": frozenset({"tracking"}),
    "sales_owned": True,
    "talks_until": NOW + DAY,
    "open_cases": frozenset({"backup"}),
    "paused_until": NOW + DAY,
    "sender_paused": True,
    "turn": NOW + DAY,
    "sent": (NOW - HOUR,),
}
STRICT = MailRules(
    about=frozenset({"backup"}),
    subscription="news",
    window=Calendar(frozenset({6})),
    cap=FrequencyCap(1, DAY),
)


PUT_RIGHT: list[tuple[dict[str, Any], Refuse | str]] = [
    ({}, Refuse("erased")),
    ({"who": lead(email=None)}, Refuse("no_address")),
    ({"who": lead()}, Refuse("bounced")),
    ({"suppressed": None}, Refuse("soft_bounces")),
    ({"soft_bounces": 4}, Refuse("unsubscribed")),
    ({"declined": frozenset({"email_marketing/news"})}, Refuse("no_consent")),
    ({"consents": frozenset({"email_marketing"})}, Refuse("subscription_declined")),
    ({"declined": frozenset({"email_marketing/tips"})}, "sales_owned"),
    ({"sales_owned": False}, "sales_conversation"),
    ({"talks_until": NOW}, "open_case"),
    ({"open_cases": frozenset({"mail"})}, "paused_by_lead"),
    ({"paused_until": NOW}, "frequency_cap"),
    ({"sent": ()}, "sender_paused"),
    ({"sender_paused": False}, "daily_limit"),
    ({"turn": NOW}, "send_window"),
]
"""One thing after the other is put right; what the gate says then."""


@pytest.mark.parametrize(("put_right", "verdict"), PUT_RIGHT)
def test_the_gravest_reason_speaks_first(put_right: dict[str, Any], verdict: Refuse | str) -> None:
    known = dict(EVERYTHING_AGAINST_IT)
    for better, _ in PUT_RIGHT[: 1 + [each for each, _ in PUT_RIGHT].index(put_right)]:
        known |= better
    answer = ask(STRICT, facts(**known), NOW, waiting_since=NOW)
    if isinstance(verdict, Refuse):
        assert answer == verdict
    else:
        assert isinstance(answer, Hold)
        assert answer.reason == verdict


@given(
    st.fixed_dictionaries(
        {},
        optional={key: st.just(value) for key, value in EVERYTHING_AGAINST_IT.items()},
    ),
    st.booleans(),
)
def test_a_mail_goes_out_only_when_nothing_at_all_is_against_it(
    against: dict[str, Any], waits: bool
) -> None:
    rules = replace(STRICT, window=None, waits=waits)
    answer = ask(rules, facts(**against), NOW, waiting_since=NOW)
    assert (answer == Send()) == (not against)
    for key in against:
        rest = {name: value for name, value in against.items() if name != key}
        fewer = ask(rules, facts(**rest), NOW, waiting_since=NOW)
        assert not (isinstance(answer, Hold) and isinstance(fewer, Refuse)), "less is never graver"


def test_a_flow_that_skips_waits_for_the_hour_and_its_sender_but_not_for_the_lead() -> None:
    skips = MailRules(waits=False, window=Calendar(frozenset({6})))
    assert ask(skips, facts(sales_owned=True), NOW, NOW) == Refuse("sales_owned")
    assert isinstance(ask(skips, facts(), NOW, NOW), Hold)
    assert isinstance(ask(skips, facts(sender_paused=True), NOW, NOW), Hold)
    assert ask(skips, facts(turn=NOW + DAY), NOW, NOW) == Hold("daily_limit", NOW + DAY)
    assert ask(skips, facts(turn=NOW + DAY, sales_owned=True), NOW, NOW) == Refuse("sales_owned")


def test_a_lead_that_asked_for_a_break_gets_its_mail_afterwards() -> None:
    until = NOW + 20 * DAY
    held = ask(MailRules(), facts(paused_until=until), NOW, waiting_since=NOW)
    assert held == Hold("paused_by_lead", until)
    assert ask(MailRules(), facts(paused_until=until), until, waiting_since=NOW) == Send()


def test_nothing_against_it_sends() -> None:
    assert ask(MailRules(), facts(), NOW, waiting_since=NOW) == Send()


def test_a_flow_may_ask_for_another_consent_on_top_of_that_to_mails() -> None:
    rules = MailRules(purpose="tracking")
    for consents in ({"tracking"}, {"email_marketing"}):
        assert ask(rules, facts(consents=frozenset(consents)), NOW, NOW) == Refuse("no_consent")
    both = frozenset({"email_marketing", "tracking"})
    assert ask(rules, facts(consents=both), NOW, NOW) == Send()


@pytest.mark.parametrize("purpose", ["email_marketing", "ad_audiences", "tracking"])
def test_who_unsubscribed_gets_mails_of_no_flow_whatever_it_asks_for(purpose: str) -> None:
    left = facts(
        consents=frozenset({"ad_audiences", "tracking"}), declined=frozenset({"email_marketing"})
    )
    assert ask(MailRules(purpose=purpose), left, NOW, NOW) == Refuse("unsubscribed")
    no_tips = facts(declined=frozenset({"email_marketing/tips"}))
    tips = MailRules(purpose=purpose, subscription="tips")
    assert ask(tips, no_tips, NOW, NOW) == Refuse("subscription_declined")


@pytest.mark.parametrize(
    ("standing", "topic"),
    [
        ({"sales_owned": True}, topics.SALES),
        ({"open_cases": frozenset({"backup"})}, topics.CASES),
        ({"open_cases": frozenset({"Backup"})}, topics.CASES),
    ],
)
def test_what_has_no_known_end_is_listened_to_until_the_mail_has_lost_its_moment(
    standing: dict[str, Any], topic: str
) -> None:
    rules = MailRules(about=frozenset({"backup"}), max_hold=9 * DAY)
    held = ask(rules, facts(**standing), NOW + DAY, waiting_since=NOW)
    assert isinstance(held, Hold)
    assert held == Hold(held.reason, NOW + 9 * DAY, frozenset({topic}))
    late = ask(rules, facts(**standing), NOW + 9 * DAY, waiting_since=NOW)
    assert late == Refuse(held.reason)
    assert ask(rules, facts(), NOW + 9 * DAY, waiting_since=NOW) == Send()


def test_a_hold_with_a_known_end_lasts_no_longer_than_the_mails_moment() -> None:
    sunday = Calendar(frozenset({6}))
    held = ask(MailRules(window=sunday, max_hold=DAY), facts(), NOW, waiting_since=NOW)
    assert isinstance(held, Hold)
    assert held.until == NOW + DAY


@pytest.mark.parametrize(
    ("ages", "free_in"),
    [
        ([], None),
        ([1], None),
        ([1, 3], 4),
        ([1, 3, 6], 4),
        ([1, 3, 6, 6.5], 4),
        ([1, 7], None),
        ([6.5, 6.75], 0.25),
    ],
)
def test_two_mails_a_week_are_two_in_any_seven_days(
    ages: list[float], free_in: float | None
) -> None:
    rules = MailRules(cap=FrequencyCap(2, 7 * DAY))
    sent = tuple(NOW - age * DAY for age in ages)
    answer = ask(rules, facts(sent=sent), NOW, waiting_since=NOW)
    if free_in is None:
        assert answer == Send()
    else:
        assert answer == Hold("frequency_cap", NOW + free_in * DAY)


@given(
    st.integers(1, 4),
    st.lists(st.timedeltas(0 * DAY, 30 * DAY), min_size=1, max_size=15),
)
def test_no_lead_ever_gets_more_mails_than_the_cap_allows(
    mails: int, turns: list[timedelta]
) -> None:
    rules = MailRules(cap=FrequencyCap(mails, 7 * DAY), max_hold=999 * DAY)
    sent: list[datetime] = []
    for turn in sorted(turns):
        now = max([NOW + turn, *sent])
        while (answer := ask(rules, facts(sent=tuple(sent)), now, now)) != Send():
            assert isinstance(answer, Hold)
            assert answer.until is not None
            assert answer.until > now
            now = answer.until
        sent.append(now)
    for at in sent:
        assert sum(at - 7 * DAY < other <= at for other in sent) <= mails


def test_the_mail_of_the_more_important_flow_goes_first() -> None:
    cap = FrequencyCap(1, 7 * DAY)
    waiting = facts(waiting=(5,))
    assert ask(MailRules(cap=cap, priority=9), waiting, NOW, NOW) == Send()
    assert ask(MailRules(cap=cap, priority=5), waiting, NOW, NOW) == Send()
    yields = ask(MailRules(cap=cap, priority=1), waiting, NOW, NOW)
    assert yields == Hold("priority", NOW + 7 * DAY)
    roomy = MailRules(cap=FrequencyCap(2, 7 * DAY), priority=1)
    assert ask(roomy, waiting, NOW, NOW) == Send()


def test_a_full_cap_frees_for_the_lesser_flow_only_after_the_greater_ones_turn() -> None:
    rules = MailRules(cap=FrequencyCap(2, 7 * DAY), priority=1)
    sent = (NOW - 5 * DAY, NOW - 3 * DAY)
    alone = ask(rules, facts(sent=sent), NOW, NOW)
    behind = ask(rules, facts(sent=sent, waiting=(5,)), NOW, NOW)
    assert alone == Hold("frequency_cap", NOW + 2 * DAY)
    assert behind == Hold("frequency_cap", NOW + 4 * DAY)


MORNINGS = Calendar(opens=time(8), closes=time(12), zone=COPENHAGEN)


@pytest.mark.parametrize(
    ("who", "rules", "now", "opens"),
    [
        (
            lead(zone=AUCKLAND),
            MailRules(window=MORNINGS, window_in_lead_zone=True),
            local(AUCKLAND, "2026-10-02 13:00"),
            local(AUCKLAND, "2026-10-05 08:00"),
        ),
        (
            lead(zone=BERLIN),
            MailRules(window=Calendar(frozenset({0})), window_in_lead_zone=True),
            local(BERLIN, "2026-10-24 12:00"),
            local(BERLIN, "2026-10-26 09:00"),
        ),
        (
            lead(zone=AUCKLAND),
            MailRules(window=MORNINGS),
            local(COPENHAGEN, "2026-10-05 07:00"),
            local(COPENHAGEN, "2026-10-05 08:00"),
        ),
        (
            lead(zone=None),
            MailRules(window=MORNINGS, window_in_lead_zone=True),
            local(COPENHAGEN, "2026-10-05 07:00"),
            local(COPENHAGEN, "2026-10-05 08:00"),
        ),
    ],
    ids=["Auckland", "Berlin", "the window's own zone", "zone not known"],
)
def test_mails_wait_for_the_window_to_open(
    who: Lead, rules: MailRules, now: datetime, opens: datetime
) -> None:
    assert ask(rules, facts(who=who), now, waiting_since=now) == Hold("send_window", opens)
    assert ask(rules, facts(who=who), opens, waiting_since=now) == Send()


def test_a_window_that_never_opens_refuses_the_mail_in_the_end() -> None:
    rules = MailRules(window=Calendar(frozenset()), max_hold=DAY)
    assert ask(rules, facts(), NOW, NOW) == Hold("send_window", NOW + DAY)
    assert ask(rules, facts(), NOW + DAY, NOW) == Refuse("send_window")


def test_a_transactional_mail_needs_no_consent_and_waits_only_for_its_window() -> None:
    against = {**EVERYTHING_AGAINST_IT, "who": lead(), "suppressed": None, "soft_bounces": 0}
    against["sender_paused"] = False
    answer = ask(replace(STRICT, transactional=True), facts(**against), NOW, waiting_since=NOW)
    assert isinstance(answer, Hold)
    assert answer.reason == "send_window"
    anytime = MailRules(transactional=True, cap=FrequencyCap(1, DAY))
    assert ask(anytime, facts(**against), NOW, waiting_since=NOW) == Send()


@pytest.mark.parametrize(
    ("known", "reason"),
    [({"who": lead(erased=True)}, "erased"), ({"suppressed": "hard_bounce"}, "hard_bounce")],
)
def test_not_even_a_transactional_mail_goes_to_the_erased_or_bounced(
    known: dict[str, Any], reason: str
) -> None:
    rules = MailRules(transactional=True)
    assert ask(rules, facts(**known), NOW, waiting_since=NOW) == Refuse(reason)
