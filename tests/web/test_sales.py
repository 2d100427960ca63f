"""Sales answers a handover on a phone, without JavaScript."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import time_machine

from nurture.tokens import HANDOVER, Tokens


@pytest.fixture
def page(world):
    return "/h/" + world.tokens.sign(HANDOVER, ["h1"])


async def test_the_page_shows_who_why_and_until_when(client, world, page):
    answer = await client.get(page)
    for text in ("Ada Lovelace", "mailto:ada@firm.example", "74 points", "25 Nov 2026, 09:00 UTC"):
        assert text in answer.text
    assert "Looked at “Prices”" in answer.text
    assert world.desk.answers == []


async def test_the_page_needs_nothing_from_anybody_else(client, page):
    answer = await client.get(page)
    assert "<script" not in answer.text
    assert "//" not in answer.text.replace("http-equiv", "")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "no-store" in answer.headers["cache-control"]


async def test_what_the_lead_wrote_cannot_become_markup(client, world, page):
    world.desk.shown = replace(world.desk.shown, lead_name="<script>alert(1)</script>")
    assert "<script" not in (await client.get(page)).text


async def test_accepting_is_noted_and_the_page_shows_what_is_left(client, world, page):
    answer = await client.post(page, data={"state": "accepted"})
    assert "Noted: accepted." in answer.text
    assert "Accept the lead" not in answer.text
    assert 'name="how"' in answer.text
    [said] = world.desk.answers
    assert (said.state, said.at, said.by) == ("accepted", world.at, "Bo")


async def test_a_contact_says_how(client, world, page):
    await client.post(page, data={"state": "contacted", "how": "call"})
    assert world.desk.answers[0].how == "call"
    refused = await client.post(page, data={"state": "contacted"})
    assert refused.status_code == 422
    assert "how:" in refused.text


async def test_a_rejection_carries_its_reason(client, world, page):
    await client.post(page, data={"state": "rejected", "reason": "no-budget"})
    assert world.desk.answers[0].reason == "no-budget"


async def test_an_order_carries_amount_and_currency(client, world, page):
    await client.post(page, data={"state": "won", "amount": " 12 500 ", "currency": "dkk"})
    said = world.desk.answers[0]
    assert (said.amount, said.currency) == (12500, "DKK")


@pytest.mark.parametrize("currency", ["kr", "D K", "DKKK", "ÆØÅ", "12€"])
async def test_a_currency_that_is_none_is_asked_again(client, world, page, currency):
    answer = await client.post(page, data={"state": "won", "amount": "1", "currency": currency})
    assert answer.status_code == 422
    assert "currency: must be three letters" in answer.text
    assert world.desk.answers == []


async def test_every_field_of_the_page_is_there_once(client, world, page):
    meeting = datetime(2026, 12, 1, 9, tzinfo=UTC)
    answers = (*world.desk.shown.answers, "booked", "snoozed")
    world.desk.shown = replace(world.desk.shown, state="booked", until=meeting, answers=answers)
    text = (await client.get(page)).text
    ids = re.findall(r' id="([^"]+)"', text)
    assert sorted(ids) == sorted(set(ids))
    assert text.count("1 Dec 2026") == 1


@pytest.mark.parametrize(
    "amount", ["12.500", "12,5", "-1", "1e3", "٣", "9" * 30, "1000000000000000"]
)
async def test_an_amount_that_could_mean_two_things_or_is_absurd_is_asked_again(
    client, world, page, amount
):
    answer = await client.post(page, data={"state": "won", "amount": amount})
    assert answer.status_code == 422
    assert "amount: must be" in answer.text
    assert world.desk.answers == []


async def test_the_same_answer_twice_is_said_to_be_known(client, world, page):
    await client.post(page, data={"state": "accepted"})
    answer = await client.post(page, data={"state": "accepted"})
    assert answer.status_code == 200
    assert "already noted as accepted" in answer.text
    assert len(world.desk.answers) == 1


async def test_an_answer_that_contradicts_is_refused_with_a_sentence(client, page):
    await client.post(page, data={"state": "rejected", "reason": "no-budget"})
    answer = await client.post(page, data={"state": "won", "amount": "1"})
    assert answer.status_code == 409
    assert "this handover is rejected" in answer.text


@pytest.mark.parametrize("state", ["", "open", "recycled", "nonsense"])
async def test_only_answers_are_taken(client, world, page, state):
    answer = await client.post(page, data={"state": state})
    assert answer.status_code == 422
    assert world.desk.answers == []


async def test_an_altered_forged_or_foreign_link_is_refused(client, world, page):
    token = page.removeprefix("/h/")
    forged = Tokens(["a key of somebody else"]).sign(HANDOVER, ["h1"])
    other = world.tokens.sign("unsubscribe", ["h1"])
    altered = [token[:n] + chr(ord(token[n]) ^ 1) + token[n + 1 :] for n in (0, 5, len(token) // 2)]
    gone = world.tokens.sign(HANDOVER, ["gone"])
    for path in (
        page[:-1],
        *(f"/h/{each}" for each in ("nonsense", forged, other, gone, *altered)),
    ):
        assert (await client.post(path, data={"state": "accepted"})).status_code == 404
    assert world.desk.answers == []


async def test_a_link_expires_after_a_year_and_says_what_to_do(client, world):
    with time_machine.travel(datetime(2020, 1, 1, tzinfo=UTC), tick=False):
        old = world.tokens.sign(HANDOVER, ["h1"])
    assert time.time() > 1_700_000_000
    answer = await client.get(f"/h/{old}", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "expired; ask for the lead to be sent again" in answer.text


async def test_a_dane_answers_in_danish(client, page):
    danish = {"accept-language": "da-DK,da;q=0.9"}
    shown = await client.get(page, headers=danish)
    assert 'lang="da"' in shown.text
    assert "Tag imod leadet" in shown.text
    told = await client.post(page, data={"state": "accepted"}, headers=danish)
    assert "Noteret: taget imod." in told.text
