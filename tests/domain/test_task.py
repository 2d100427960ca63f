import json
from datetime import UTC, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.domain.lead import Touch
from nurture.domain.scoring import Reason
from nurture.domain.story import clean, sentence
from nurture.domain.task import MailSent, task_data
from tests.support.domain import DAY, HOUR, NOW, lead, touch
from tests.support.sales import PAGE, task


def test_sales_learns_who_it_is() -> None:
    assert task_data(task())["lead"] == {
        "id": "lead-soren",
        "name": "Søren Ærø 🚀",
        "first_name": "Søren",
        "last_name": "Ærø 🚀",
        "email": "soren@firma.dk",
        "phone": "+4520123456",
        "company": "Bæk & Co <A/S>",
        "country": "DK",
        "title": "",
        "persona": "IT manager",
        "stage": "mql",
    }


def test_the_score_comes_with_its_reasons_in_plain_language() -> None:
    score = task_data(task())["score"]
    assert score["total"] == 82
    assert score["reasons"] == [
        {"points": 40, "text": "Asked for a demo, last on 3 March"},
        {"points": 30, "text": "Works as IT manager"},
    ]


def test_the_timeline_tells_what_they_did_newest_first_and_repetitions_once() -> None:
    lines = [line["text"] for line in task_data(task())["timeline"]]
    assert lines == [
        "Looked at “Priser” (/priser), 2 times",
        "Clicked https://firma.example/guide in the mail “Velkommen”",
        "Asked for a demo of “Backup”",
    ]


def test_what_a_machine_did_is_not_told() -> None:
    only = task_data(task(touches=[touch("clicked", machine="link scanner", message="m1")]))
    assert only["timeline"] == []
    assert only["mails"][0]["text"] == "“Velkommen”, not opened so far"


def test_each_mail_tells_whether_it_was_opened_or_clicked() -> None:
    assert [line["text"] for line in task_data(task())["mails"]] == ["“Velkommen”, clicked"]


def test_the_due_time_is_for_programs_and_on_the_clocks_of_sales_for_people() -> None:
    handover = task_data(task())["handover"]
    assert handover["due_at"] == "2026-03-06T10:00:00+00:00"
    assert handover["due"] == "Friday 6 March 2026 at 11:00 CET"


def test_the_opening_is_about_the_most_telling_thing_they_did() -> None:
    assert task_data(task())["opening"] == (
        "Hi Søren, this is Anna. You asked us for a demo of “Backup” on 2 March. When would suit you?"
    )


def test_the_opening_of_a_silent_lead_asks() -> None:
    opening = task_data(task(touches=[]))["opening"]
    assert opening == "Hi Søren, this is Anna. What are you looking for at the moment?"


def test_an_opening_never_speaks_of_a_thing_it_does_not_know() -> None:
    opening = task_data(task(touches=[touch("downloaded"), touch("form_submitted", NOW - DAY)]))[
        "opening"
    ]
    assert "You filled in our form on 3 March." in opening


def test_the_answers_lead_to_one_page() -> None:
    assert task_data(task())["links"] == {
        "page": PAGE,
        "accepted": f"{PAGE}#accepted",
        "contacted": f"{PAGE}#contacted",
        "rejected": f"{PAGE}#rejected",
    }


def test_a_single_task_is_titled_by_what_is_asked() -> None:
    assert task_data(task(kind="task", reason="Call Søren"))["handover"]["title"] == "Call Søren"


def test_a_handover_is_titled_by_the_lead() -> None:
    title = task_data(task())["handover"]["title"]
    assert title == "Contact Søren Ærø 🚀 (Bæk & Co <A/S>)"


def test_a_lead_without_a_name_goes_by_its_address() -> None:
    assert task_data(task(lead=lead()))["lead"]["name"] == "anna@example.org"
    assert task_data(task(lead=lead(email=None)))["lead"]["name"] == "a visitor"


def test_an_escalation_tells_whom_it_goes_to() -> None:
    assert task_data(task(told="Head of sales"))["handover"]["told"] == "Head of sales"


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (touch("page", path="/priser"), "Looked at “/priser”"),
        (touch("page"), "Looked"),
        (touch("demo_requested", form="demo", path="/demo"), "Asked for a demo"),
        (touch("form_submitted", form="whitepaper"), "Filled in the form “whitepaper”"),
        (touch("form_submitted"), "Filled in the form"),
        (touch("downloaded", title="Backup guide"), "Downloaded “Backup guide”"),
        (touch("order_completed", total=1200, currency="DKK"), "Ordered for 1200 DKK"),
        (touch("order_completed"), "Ordered"),
        (touch("support_case_opened", product="Backup"), "Opened a support case on “Backup”"),
        (touch("sales_conversation"), "Talked to sales"),
        (touch("opened", message="x", template="welcome"), "Opened the mail “welcome”"),
        (touch("trial_started", title="Pro"), "Trial started “Pro”"),
        (touch("trial_started", title={"nested": 1}), "Trial started"),
    ],
)
def test_a_touch_reads_as_a_sentence(done: Touch, told: str) -> None:
    assert sentence(done, {}) == told


def test_a_line_that_is_too_long_is_cut_between_letters() -> None:
    cut = clean("ø🚀" * 100)
    assert cut.endswith("…")
    assert len(cut.encode()) <= 160


def test_control_characters_and_line_breaks_become_blanks() -> None:
    assert clean(" a\r\nb\x00c\u2028d ") == "a b c d"


anything = st.text(max_size=400) | st.integers() | st.none() | st.just('"\\' * 300)
touches = st.builds(
    Touch,
    id=st.uuids().map(str),
    name=st.sampled_from(["page", "clicked", "form_submitted", "order_completed", "odd_thing"])
    | st.text(max_size=300),
    at=st.integers(0, 10_000).map(lambda hours: NOW - hours * HOUR),
    properties=st.dictionaries(
        st.sampled_from(["title", "path", "url", "message", "total", "currency"]), anything
    ),
)


@settings(max_examples=50)
@given(
    st.lists(touches, max_size=60),
    st.dictionaries(
        st.sampled_from(["first_name", "last_name", "company", "phone", "country", "title"]),
        anything,
    ),
    st.lists(st.text(max_size=400), max_size=30),
)
def test_a_task_stays_below_20_kb_whatever_the_lead_did(
    done: list[Touch], traits: dict[str, object], titles: list[str]
) -> None:
    data = task_data(
        task(
            lead=lead(traits=traits),
            touches=done,
            mails=[MailSent(str(n), text, NOW - n * DAY) for n, text in enumerate(titles)],
            reasons=[Reason(text, text, 1, NOW) for text in titles],
            reason="\\" * 1000,
        )
    )
    assert len(json.dumps(data, ensure_ascii=False).encode()) < 20_000


def test_the_fullest_task_stays_below_20_kb() -> None:
    long = '"\\' * 300
    data = task_data(
        task(
            lead=lead(
                email="a" * 300,
                traits=dict.fromkeys(
                    ("first_name", "last_name", "company", "phone", "country", "title"), long
                ),
            ),
            persona=long,
            owner=long,
            told=long,
            reason=long,
            touches=[
                touch("page", NOW - n * HOUR, title=f"{n} {long}", path=long) for n in range(50)
            ],
            mails=[MailSent(str(n), long, NOW) for n in range(50)],
            reasons=[Reason(str(n), long, n, NOW) for n in range(50)],
        )
    )
    assert len(json.dumps(data, ensure_ascii=False).encode()) < 20_000


def test_the_same_facts_make_the_same_task() -> None:
    same = task(touches=[touch("page", NOW - timedelta(minutes=n)) for n in range(3)])
    assert task_data(same) == task_data(same)
    assert task_data(task(zone=UTC))["handover"]["due"].endswith("10:00 UTC")
