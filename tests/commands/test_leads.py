from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from commands.csv_rows import Row, read
from commands.demo.leads import ARRIVAL_DAYS, COLUMNS, VISIT_DAYS, Lead, Planned, lead, plan, story
from nurture.domain.errors import InputError

EXAMPLE = Path(__file__).parents[2] / "examples" / "education-leads.csv"

VALUES = {
    **dict.fromkeys(COLUMNS, ""),
    "Lead Number": "660553",
    "Lead Origin": "Landing Page Submission",
    "Lead Source": "Google",
    "Do Not Email": "No",
    "Converted": "1",
    "TotalVisits": "3",
    "Total Time Spent on Website": "540",
    "Page Views Per Visit": "2.33",
    "Specialization": "Finance Management",
    "City": "Select",
}


def messages(**values: str) -> list[dict[str, Any]]:
    return [dict(each.message) for each in story(lead({**VALUES, **values}))]


def identify(told: list[dict[str, Any]]) -> dict[str, Any]:
    [found] = [message for message in told if message["type"] == "identify"]
    return found


def events(told: list[dict[str, Any]]) -> Counter[str]:
    return Counter(message.get("event", message["type"]) for message in told)


def example() -> list[Lead]:
    return [lead(row.values) for row in read(EXAMPLE, COLUMNS)[1] if isinstance(row, Row)]


def test_visits_become_page_views_and_minutes() -> None:
    told = messages()
    assert events(told)["page"] == 6
    minutes = [m["properties"]["minutes"] for m in told if m.get("event") == "Session Ended"]
    assert minutes == [3.0, 3.0, 3.0]


def test_a_lead_is_only_a_browser_until_it_tells_who_it_is() -> None:
    told = messages()
    first = told.index(identify(told))
    assert first > 0
    assert all("userId" not in message for message in told[:first])
    assert {message["anonymousId"] for message in told} == {"browser-660553"}
    assert told[-1]["userId"] == "lead-660553"


def test_what_was_not_answered_is_no_trait() -> None:
    traits = identify(messages())["traits"]
    assert traits["specialization"] == "Finance Management"
    assert traits["email"] == "lead-660553@education.example"
    assert not {"city", "occupation"} & traits.keys()


@pytest.mark.parametrize(("do_not_email", "agrees"), [("No", True), ("Yes", False)])
def test_do_not_email_is_the_consent(do_not_email: str, agrees: bool) -> None:
    told = identify(messages(**{"Do Not Email": do_not_email}))
    purposes = told["context"]["consent"]["categoryPreferences"]
    assert purposes == {"email_marketing": agrees, "ad_audiences": agrees, "tracking": True}


def test_forms_chats_and_downloads_are_told() -> None:
    told = messages(
        **{
            "Lead Source": "Olark Chat",
            "A free copy of Mastering The Interview": "Yes",
            "Last Activity": "Had a Phone Conversation",
        }
    )
    found = events(told)
    for event in ("Form Submitted", "Chat Conversation", "Downloaded", "Sales Conversation"):
        assert found[event] == 1, event


def test_a_lead_that_never_visited_still_says_who_it_is() -> None:
    told = messages(TotalVisits="", **{"Lead Origin": "API", "Page Views Per Visit": ""})
    assert events(told) == {"identify": 1}


def test_the_outcome_stays_out_of_every_message() -> None:
    assert messages(Converted="1") == messages(Converted="0")


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(InputError, match="TotalVisits: must be a number from 0, not 'many'"):
        lead({**VALUES, "TotalVisits": "many"})


def test_the_example_plays_in_six_weeks_the_same_way_every_time() -> None:
    leads = example()
    told = plan(leads)
    assert len(leads) == 500
    assert told == plan(leads)
    assert [each.day for each in told] == sorted(each.day for each in told)
    assert told[0].day >= 0
    assert told[-1].day <= ARRIVAL_DAYS + VISIT_DAYS
    ids = [each.message["messageId"] for each in told]
    assert len(set(ids)) == len(ids)


def test_the_example_keeps_the_share_of_customers() -> None:
    assert sum(each.converted for each in example()) == 198


def test_a_person_is_named_before_what_it_does_as_a_person() -> None:
    def named_first(told: list[Planned]) -> bool:
        kinds = [each.message["type"] for each in told if "userId" in each.message]
        return kinds[0] == "identify"

    assert all(named_first(story(each)) for each in example())
