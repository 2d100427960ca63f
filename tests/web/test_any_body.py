"""Whatever is sent, the answer is never our fault."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.tokens import HANDOVER
from tests.support.web import World, connect
from tests.web.test_crm import signed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("half \ud83d"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "userId",
    "anonymousId",
    "previousId",
    "groupId",
    "event",
    "name",
    "properties",
    "traits",
    "messageId",
    "timestamp",
    "originalTimestamp",
    "sentAt",
    "writeKey",
]
KINDS = st.sampled_from(["identify", "track", "page", "screen", "group", "alias"])
CONTEXTS = st.dictionaries(
    st.sampled_from(["page", "campaign", "traits", "consent", "timezone"]),
    JSON
    | st.dictionaries(st.sampled_from(["url", "search", "categoryPreferences", "email"]), JSON),
)
MESSAGES = st.fixed_dictionaries(
    {"type": KINDS},
    optional={
        **dict.fromkeys(FIELDS, JSON),
        "context": CONTEXTS | JSON,
        "userId": st.text(min_size=1, max_size=9),
        "timestamp": st.datetimes().map(str) | st.text(),
        "sentAt": st.datetimes().map(str),
    },
)
BATCHES = st.fixed_dictionaries(
    {"batch": st.lists(MESSAGES | JSON, max_size=4)}, optional={"context": JSON, "sentAt": JSON}
)
PATHS = st.sampled_from(["/v1/track", "/v1/p", "/v1/batch", "/v1/b", "/v1/identify"])
KEY = {"authorization": "Bearer token"}
ANSWERS = ["accepted", "contacted", "booked", "snoozed", "rejected", "won", "lost", "", "unheard"]
TOLD = ["handover", "lead", "email", "by", "at", "how", "amount", "currency", "until", "reason"]
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from([f"handover.{each}" for each in ANSWERS]) | JSON,
        "data": st.dictionaries(st.sampled_from(TOLD), JSON | st.just("h1")) | JSON,
    }
)


def post(world: World, path: str, body: bytes, **headers: str):
    async def send():
        async with connect(world.app()) as client:
            return await client.post(path, content=body, headers={**KEY, **headers})

    return asyncio.run(send())


@settings(max_examples=40, deadline=None)
@given(PATHS, BATCHES | MESSAGES | JSON)
def test_any_json_is_taken_or_refused_with_a_reason(path, body):
    world = World()
    answer = post(world, path, json.dumps(body).encode())
    assert answer.status_code in (200, 400)
    assert answer.json().get("success") or answer.json()["message"]


@settings(max_examples=40, deadline=None)
@given(st.lists(MESSAGES | JSON, max_size=5))
def test_every_message_of_a_batch_is_accounted_for(batch):
    world = World()
    told = post(world, "/v1/batch", json.dumps({"batch": batch}).encode())
    if told.status_code == 200:
        report = told.json()
        assert report["accepted"] + report["duplicates"] + len(report["refused"]) == len(batch)


@settings(max_examples=40, deadline=None)
@given(st.lists(MESSAGES | JSON, max_size=5))
def test_what_is_taken_can_be_kept_by_every_database(batch):
    world = World()
    post(world, "/v1/batch", json.dumps({"batch": batch}).encode())
    for message in world.intake.messages:
        assert message.anonymous_id or message.user_id or message.email
        assert message.at <= world.at
        kept = json.dumps([message.properties, message.traits, message.user_id], allow_nan=False)
        assert "\\u0000" not in kept
        json.loads(kept.encode()).__repr__().encode()
    for _, raw, reason in world.intake.refused:
        assert "\0" not in raw + reason
        assert json.loads(raw) is not ...


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["/forms/whitepaper", "/api/leads/find", "/api/handovers/h1/answers"]),
    st.dictionaries(st.sampled_from(["mail", "first", "state", "how", "amount", "email"]), JSON)
    | JSON,
)
def test_any_json_to_a_form_or_the_api_is_answered(path, body):
    assert post(World(), path, json.dumps(body).encode()).status_code < 500


@settings(max_examples=40, deadline=None)
@given(EVENTS | JSON)
def test_any_event_that_a_crm_signed_is_answered(event):
    world = World()
    call = signed(world, json.dumps(event))
    answer = post(world, "/webhooks/crm", call["content"].encode(), **call["headers"])
    assert answer.status_code < 500
    assert answer.json()["message"]


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            "",
        ]
    ),
    st.sampled_from(["", "gzip", "br"]),
)
@pytest.mark.parametrize("path", ["/v1/batch", "/v1/track", "/forms/whitepaper", "handover"])
def test_any_bytes_are_answered(path, body, kind, encoding):
    world = World()
    path = "/h/" + world.tokens.sign(HANDOVER, ["h1"]) if path == "handover" else path
    headers = {"content-type": kind, "content-encoding": encoding}
    assert post(world, path, body, **headers).status_code < 500
