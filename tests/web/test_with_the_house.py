"""The HTTP room with the real use cases and a real database behind it."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from nurture.store import leads
from nurture.store.database import Database
from nurture.store.tables import QuarantineRow
from nurture.tokens import HANDOVER, UNSUBSCRIBE, Tokens
from tests.support.domain import NOW
from tests.support.house import House
from tests.support.playbook import PLAYBOOK
from tests.support.world import World

MANY = [f"t{number}" for number in range(501)]
SERVER = {"authorization": "Bearer token"}
ORDER = {"type": "track", "userId": "u1", "event": "Order Completed", "properties": {"amount": 5}}


@pytest.fixture
def house(db: Database) -> World:
    return World(db)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(["a key that is long enough to sign"])


@pytest.fixture
async def client(house: World) -> AsyncIterator[httpx.AsyncClient]:
    async with House(house).client() as found:
        yield found


async def identify(client, **context):
    body = {"userId": "u1", "traits": {"email": "Anna@Example.org"}, "context": context}
    return await client.post("/v1/identify", headers=SERVER, json=body)


async def test_a_lead_that_was_told_of_can_be_read(client):
    assert (await identify(client)).json()["accepted"] == 1
    found = await client.post("/api/leads/find", headers=SERVER, json={"email": "anna@example.org"})
    assert found.json()["email"] == "anna@example.org"


async def test_a_batch_sent_twice_is_stored_once(client):
    batch = {
        "batch": [{"type": "page", "anonymousId": "a", "messageId": f"m{n}"} for n in range(5)]
    }
    first = await client.post("/v1/batch", headers=SERVER, json=batch)
    again = await client.post("/v1/batch", headers=SERVER, json=batch)
    assert (first.json()["accepted"], again.json()["duplicates"]) == (5, 5)
    assert (await client.get("/api/report", headers=SERVER)).json()["touches"] == 5


async def test_unsubscribing_takes_the_consent_back(client, tokens):
    await identify(client, consent={"categoryPreferences": {"email_marketing": True}})
    lead = (await client.get("/api/leads/u1", headers=SERVER)).json()
    assert lead["consents"] == ["email_marketing"]
    await client.post("/u/" + tokens.sign(UNSUBSCRIBE, [lead["id"], "m1"]))
    assert (await client.get("/api/leads/u1", headers=SERVER)).json()["consents"] == []


@pytest.mark.parametrize("order", [1, -1])
async def test_of_two_categories_of_one_purpose_that_disagree_the_no_counts(client, order):
    said = list({"Email Marketing": False, "email_marketing": True}.items())[::order]
    answer = await identify(client, consent={"categoryPreferences": dict(said)})
    assert answer.json()["accepted"] == 1
    assert (await client.get("/api/leads/u1", headers=SERVER)).json()["consents"] == []


async def test_sales_answers_on_the_page(client, house, tokens):
    await identify(client)
    lead = (await client.get("/api/leads/u1", headers=SERVER)).json()
    async with house.outbox.write() as session:
        row = await leads.lock(session, lead["id"])
        facts = await leads.facts(session, row, NOW)
        handover = await house.handovers.open(session, PLAYBOOK, row, facts, "asked", "test", NOW)
        path = "/h/" + tokens.sign(HANDOVER, [handover.id])
    assert "Accept the lead" in (await client.get(path)).text
    assert "Noted: accepted" in (await client.post(path, data={"state": "accepted"})).text
    twice = await client.post(path, data={"state": "accepted"})
    assert "nothing changed" in twice.text


@pytest.mark.parametrize(
    "message",
    [
        {**ORDER, "properties": {"amount": 1e18, "currency": "x" * 900}},
        {**ORDER, "properties": {"amount": -1}},
        {**ORDER, "properties": {"amount": True, "product": ["a"]}},
        {**ORDER, "event": "Support Case Opened", "properties": {"product": {"a": 1}}},
        {"type": "page", "anonymousId": "a\0\ud83d", "properties": {"k\0": "v\0"}},
        {
            "type": "identify",
            "userId": "u1",
            "traits": {"timezone": "../../etc/passwd", "a": [[{}]]},
        },
        {"type": "identify", "userId": "u1", "traits": {"timezone": "\0/" + "x" * 999, "": 1}},
        {"type": "page", "anonymousId": "a1", "context": {"timezone": "America/Argentina"}},
        {"type": "page", "anonymousId": "a1", "context": {"timezone": "Europe/" + "x" * 300}},
        {"type": "identify", "userId": "u1", "traits": dict.fromkeys(map(str, range(3000)))},
        {"type": "alias", "userId": "u1", "previousId": "u1"},
        {"type": "group", "userId": "u1", "groupId": 0, "traits": {"name": None}},
        {"type": "track", "userId": "😀" * 60, "event": "æøå 😀"},
    ],
)
async def test_strange_messages_are_stored_or_refused(client, message):
    for _ in range(2):
        body = json.dumps({"batch": [message, ORDER]})
        answer = await client.post("/v1/batch", headers=SERVER, content=body)
        assert answer.status_code == 200
    assert (await client.get("/api/report", headers=SERVER)).json()["touches"] >= 1


async def test_traits_beyond_a_leads_limit_are_kept_in_quarantine_and_the_rest_is_taken(
    client, house
):
    many = {"type": "identify", "userId": "u1", "messageId": "m1", "traits": dict.fromkeys(MANY, 1)}
    page = {"type": "page", "userId": "u1", "messageId": "m2"}
    told = await client.post("/v1/batch", headers=SERVER, json={"batch": [many, page]})
    assert told.status_code == 200
    [refused] = told.json()["refused"]
    assert refused["messageId"] == "m1"
    assert "a lead has 500 at most, and with these this one would have 501" in refused["reason"]
    [kept] = await house.rows(QuarantineRow)
    left = json.loads(kept.raw)
    assert (left["type"], left["messageId"], left["userId"]) == ("identify", "m1/traits", "u1")
    assert len(left["traits"]) == 501
