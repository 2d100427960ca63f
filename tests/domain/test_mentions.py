"""What of a text that was put aside is about a person, and what about others."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.mentions import Names

ANNA = Names(["anna@blåbær.dk", "7", "CRM-77"])


@pytest.mark.parametrize(
    "told",
    [
        {"traits": {"email": "ANNA@blåbær.dk "}},
        {"userId": 7},
        {"userId": "crm-77"},
        {"properties": {"note": "mail me, anna@blåbær.dk, please"}},
        {"properties": {"list": ["x", ["anna@blåbær.dk."]]}},
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_message_that_names_the_person_is_theirs(told: object, ascii_only: bool) -> None:
    raw = json.dumps(told, ensure_ascii=ascii_only)
    assert ANNA.split(raw) == (raw, "")


@pytest.mark.parametrize(
    "told",
    [
        {"properties": {"price": 77, "label": "7 days", "ok": True}},
        {"traits": {"email": "joanna@blåbær.dk"}},
        {"traits": {"email": "anna@blåbær.dk.example"}},
        {"userId": "crm-771"},
        "",
        None,
    ],
)
def test_one_that_only_resembles_it_is_not(told: object) -> None:
    raw = json.dumps(told)
    assert ANNA.split(raw) == ("", raw)


def test_of_messages_that_share_a_row_only_the_persons_own_are_theirs() -> None:
    own, other = {"userId": 7, "type": "track"}, {"userId": 8, "type": "track"}
    theirs, rest = ANNA.split(json.dumps([own, other, own]))
    assert (json.loads(theirs), json.loads(rest)) == ([own, own], [other])


def test_what_was_cut_or_is_no_json_is_searched_as_text() -> None:
    cut = '[{"userId":"CRM-77","type":"tr'
    assert ANNA.split(cut) == (cut, "")
    assert ANNA.split('{"userId":"CRM-771","pri') == ("", '{"userId":"CRM-771","pri')
    russian = '[{"userId":"Анна-7","type":"tr'
    assert Names(["анна-7"]).split(russian) == (russian, "")
    bounce = "Final-Recipient: rfc822; anna@blåbær.dk\nStatus: 5.1.1"
    assert ANNA.split(bounce) == (bounce, "")


def test_what_is_nested_too_deeply_to_be_used_is_looked_through_all_the_same() -> None:
    raw = "[" * 600 + '"crm-77"' + "]" * 600
    theirs, rest = ANNA.split(raw)
    assert (json.loads(theirs), rest) == (json.loads(raw), "")


@given(st.text(min_size=1).filter(str.strip), st.booleans())
def test_however_a_name_is_written_one_of_the_hints_stands_in_it(
    name: str, ascii_only: bool
) -> None:
    raw = json.dumps({"userId": name}, ensure_ascii=ascii_only)
    names = Names([name])
    assert names.split(raw).theirs
    assert any(hint.lower() in raw.lower() for hint in names.hints())
