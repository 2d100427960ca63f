"""Forms of the playbook, filled in by people, scripts and robots."""

from dataclasses import replace
from datetime import timedelta

import pytest

PERSON = {"mail": "Ada@Firm.Example", "first": "Ada", "job": "CTO", "newsletter": "on"}


async def test_a_filled_in_form_is_a_touch_with_traits_and_consent(client, world):
    answer = await client.post("/forms/whitepaper", data=PERSON)
    assert answer.status_code == 200
    [(source, message)] = world.intake.taken
    assert (source, message.touch, message.email) == (
        "form/whitepaper",
        "form_submitted",
        "ada@firm.example",
    )
    assert message.properties["form"] == "whitepaper"
    assert message.traits == {"first_name": "Ada", "occupation": "CTO"}
    assert message.trusted


async def test_a_ticked_box_is_kept_with_the_wording_that_was_shown(client, world):
    await client.post("/forms/whitepaper", data=PERSON)
    [record] = world.intake.messages[0].consents
    assert (record.purpose, record.granted) == ("email_marketing", True)
    assert record.wording == world.form.wording["newsletter"]
    assert record.source == "form/whitepaper"


@pytest.mark.parametrize(
    "box", [{}, {"newsletter": ""}, {"newsletter": False}, {"newsletter": "off"}]
)
async def test_a_box_that_is_not_ticked_says_nothing(client, world, box):
    await client.post("/forms/whitepaper", json={"mail": "ada@firm.example", **box})
    assert world.intake.messages[0].consents == ()


async def test_the_browsers_history_joins_by_an_untrusted_word(client, world):
    await client.post("/forms/whitepaper", data={**PERSON, "anonymous_id": "a1"})
    told, linked = world.intake.messages
    assert (told.anonymous_id, told.trusted) == (None, True)
    assert (linked.anonymous_id, linked.email, linked.trusted) == ("a1", "ada@firm.example", False)


async def test_the_snippets_cookie_names_the_visitor_too(client, world):
    await client.post("/forms/whitepaper", data=PERSON, headers={"cookie": "nurture_id=a2"})
    assert world.intake.messages[1].anonymous_id == "a2"


@pytest.mark.parametrize(
    "odd", [{"referer": "http://["}, {"cookie": r'nurture_id="\000a"'}, {"origin": "http://["}]
)
async def test_a_header_that_makes_no_sense_loses_no_form(client, world, odd):
    answer = await client.post("/forms/whitepaper", data=PERSON, headers=odd)
    assert answer.status_code == 200
    assert "\x00" not in repr(world.intake.messages)
    assert world.intake.messages[0].email == "ada@firm.example"


async def test_a_script_gets_json_and_a_browser_a_page(client):
    answer = await client.post("/forms/whitepaper", json={"mail": "ada@firm.example"})
    assert answer.json() == {"success": True}
    page = await client.post("/forms/whitepaper", data=PERSON, headers={"accept": "text/html"})
    assert "Thank you" in page.text


async def test_the_page_behind_a_form_speaks_danish_and_names_the_mail_that_asks(client, world):
    world.form = replace(world.form, double_opt_in=True)
    danish = {"accept": "text/html", "accept-language": "da"}
    page = await client.post("/forms/whitepaper", data=PERSON, headers=danish)
    assert "<h1>Tak</h1>" in page.text
    assert "Se i din indbakke" in page.text


async def test_a_browser_is_sent_on_to_the_forms_own_page(client, world):
    world.form = replace(world.form, redirect="https://shop.example/thanks")
    answer = await client.post("/forms/whitepaper", data=PERSON)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://shop.example/thanks")


async def test_a_multipart_form_is_read_and_files_are_not(client, world):
    answer = await client.post(
        "/forms/whitepaper", data=PERSON, files={"mail": (None, "bo@firm.example")}
    )
    assert answer.is_success
    assert world.intake.messages[0].email == "bo@firm.example"
    refused = await client.post("/forms/whitepaper", files={"cv": ("cv.pdf", b"%PDF")})
    assert refused.status_code == 400


async def test_a_robot_is_thanked_and_kept_apart(client, world):
    answer = await client.post(
        "/forms/whitepaper", data={**PERSON, "website": "http://spam.example"}
    )
    assert answer.is_success
    assert world.intake.taken == []
    assert "honeypot" in world.intake.refused[0][2]


@pytest.mark.parametrize("second", [1, 59])
async def test_a_second_click_on_the_button_is_one_submission(client, world, second):
    """Also where a minute of the clock begins between the two."""
    world.at = world.at.replace(second=second)
    for _ in range(2):
        await client.post("/forms/whitepaper", data=PERSON)
        world.at += timedelta(seconds=2)
    assert len(world.intake.taken) == 1
    world.at += timedelta(minutes=1)
    await client.post("/forms/whitepaper", data=PERSON)
    assert len(world.intake.taken) == 2


async def test_two_visitors_who_answer_alike_are_two(client, world):
    world.form = replace(world.form, fields={"vote": "vote"})
    world.at = world.at.replace(second=1)
    for who in ("a1", "a2", "a2"):
        cookie = {"cookie": f"nurture_id={who}"}
        await client.post("/forms/whitepaper", data={"vote": "yes"}, headers=cookie)
    assert [message.anonymous_id for message in world.intake.messages] == ["a1", "a2"]


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"mail": "ada@firm.example", "topics": ["backup", "", "cloud"]}},
        {
            "files": [
                ("mail", (None, "ada@firm.example")),
                ("topics", (None, "backup")),
                ("topics", (None, "cloud")),
            ]
        },
        {"json": {"mail": "ada@firm.example", "topics": ["backup", "cloud"]}},
    ],
)
async def test_boxes_of_one_name_are_all_kept_where_the_trait_is_a_list(client, world, sent):
    world.form = replace(world.form, fields={"mail": "email", "topics": "topics"})
    answer = await client.post("/forms/whitepaper", **sent)
    assert answer.status_code == 200
    assert world.intake.messages[0].traits == {"topics": ["backup", "cloud"]}


async def test_a_box_behind_a_hidden_field_of_its_name_outweighs_it(client, world):
    twice = {**PERSON, "newsletter": ["0", "1"], "job": ["none", "CTO"]}
    await client.post("/forms/whitepaper", data=twice)
    [message] = world.intake.messages
    assert (message.traits["occupation"], len(message.consents)) == ("CTO", 1)


async def test_a_list_of_anything_but_texts_is_refused_with_the_fields_name(client, world):
    world.form = replace(world.form, fields={"mail": "email", "topics": "topics"})
    body = {"mail": "ada@firm.example", "topics": [["backup"]]}
    answer = await client.post("/forms/whitepaper", json=body)
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "topics: must be a text or a number",
    )


async def test_fields_that_the_playbook_does_not_declare_are_not_kept(client, world):
    await client.post("/forms/whitepaper", data={**PERSON, "ssn": "1234"})
    assert "1234" not in repr(world.intake.messages)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "mail: is needed"),
        ({"mail": "nobody"}, "mail: is not an e-mail address"),
        ({"mail": ["a@b.example"]}, "mail: must be a text"),
        ({"mail": "a@b.example", "first": "x" * 1001}, "first: longer than 1000"),
        ([1], "must be an object"),
    ],
)
async def test_what_is_wrong_is_said_with_the_fields_name(client, world, body, problem):
    answer = await client.post("/forms/whitepaper", json=body)
    assert answer.status_code == 400
    assert problem in answer.json()["message"]
    assert world.intake.taken == []


async def test_a_person_gets_the_problem_as_a_page(client):
    headers = {"accept": "text/html"}
    answer = await client.post("/forms/whitepaper", data={"mail": "nobody"}, headers=headers)
    assert answer.status_code == 400
    assert "is not an e-mail address" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


async def test_an_unknown_form_and_a_huge_one_are_refused(client):
    assert (await client.post("/forms/other", data=PERSON)).status_code == 404
    huge = await client.post("/forms/whitepaper", data={"mail": "x" * 70_000})
    assert huge.status_code == 413


async def test_with_double_opt_in_a_ticked_box_is_only_asked_for(client, world):
    world.form = replace(world.form, double_opt_in=True)
    await client.post("/forms/whitepaper", data=PERSON)
    [message] = world.intake.messages
    [record] = message.requests
    assert message.consents == ()
    assert (record.purpose, record.wording) == ("email_marketing", world.form.wording["newsletter"])
