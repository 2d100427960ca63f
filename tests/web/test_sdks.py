"""SDKs that people already use: Segment's Python client for real, the others by what they were seen to send."""

import base64
import gzip
import json
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from segment.analytics.client import Client
from segment.analytics.request import APIError

from tests.support.web import SETTINGS

BASIC = "Basic " + base64.b64encode(b"wk:").decode()
SENT = "2026-11-23T03:28:17.043Z"
AT = datetime(2026, 11, 23, 3, 28, 18, tzinfo=UTC)


SLOW = SETTINGS.model_copy(update={"requests_per_second": 1})


@pytest.mark.parametrize("options", [{}, {"gzip": True}, {"sync_mode": True}])
def test_segments_python_client_works_with_only_the_host_changed(served, options):
    world, host = served
    failures: list[Exception] = []
    client = Client("wk", host=host, on_error=lambda error, _: failures.append(error), **options)
    traits = {
        "email": "Ada@Firm.example",
        "since": date(2026, 1, 2),
        "seen": datetime(2026, 1, 2, 3, 4),
    }
    client.identify("u1", traits)
    client.track(17, "Order Completed", {"amount": 3})
    client.page(anonymous_id="a1", category="Docs", name="Python")
    client.group("u1", "g1", {"name": "Firm"})
    client.alias("old", "u1")
    client.flush()
    client.shutdown() if not options.get("sync_mode") else None
    assert failures == []
    found = {(m.touch, m.user_id, m.anonymous_id, m.previous_id) for m in world.intake.messages}
    assert found == {
        (None, "u1", None, None),
        ("order_completed", "17", None, None),
        ("page", None, "a1", None),
        (None, "u1", None, "old"),
    }
    [identify] = [message for message in world.intake.messages if message.email]
    assert (identify.email, identify.traits["since"]) == ("ada@firm.example", "2026-01-02")


@pytest.mark.parametrize("served", [SLOW], indirect=True)
def test_segments_python_client_comes_back_after_the_time_it_is_told(served):
    world, host = served
    held_back: list[int] = []
    client = Client("wk", host=host, upload_size=1)
    client.track("u1", "First")
    client.track("u1", "Second")

    def refill() -> None:
        held_back.append(len(world.intake.messages))
        world.at += timedelta(seconds=1)

    refilled = threading.Timer(0.5, refill)
    refilled.start()
    client.flush()
    client.shutdown()
    assert held_back == [1]
    assert [message.touch for message in world.intake.messages] == ["first", "second"]


def test_segments_python_client_gives_up_at_once_on_an_unknown_key(served):
    world, host = served
    client = Client("other", host=host, sync_mode=True)
    with pytest.raises(APIError, match="not known"):
        client.track("u1", "Seen")
    assert world.intake.taken == []


async def test_segments_node_client(client, world):
    message = {
        "messageId": "node-next-1795404605306-6a1f",
        "type": "track",
        "userId": "u1",
        "event": "Downloaded",
        "properties": {"asset": "guide"},
        "timestamp": "2026-11-23T03:28:16.542Z",
        "context": {"library": {"name": "@segment/analytics-node", "version": "3.1.0"}},
        "integrations": {},
        "_metadata": {"nodeVersion": "22.0.0", "jsRuntime": "node"},
    }
    body = {"batch": [message], "writeKey": "wk", "sentAt": SENT}
    world.at = AT
    answer = await client.post("/v1/batch", json=body, headers={"authorization": BASIC})
    assert answer.json()["accepted"] == 1
    [taken] = world.intake.messages
    assert (taken.touch, taken.at) == (
        "downloaded",
        datetime(2026, 11, 23, 3, 28, 17, 499000, tzinfo=UTC),
    )


async def test_rudderstacks_node_client_says_form_and_sends_gzipped_json(client, world):
    message = {
        "type": "identify",
        "userId": "u1",
        "traits": {"email": "ada@firm.example"},
        "originalTimestamp": "2026-11-23T03:28:16.043Z",
        "sentAt": SENT,
        "channel": "server",
        "messageId": "n1",
    }
    headers = {
        "authorization": BASIC,
        "content-type": "application/x-www-form-urlencoded",
        "content-encoding": "gzip",
    }
    body = gzip.compress(json.dumps({"batch": [message], "sentAt": SENT}).encode())
    world.at = AT
    assert (await client.post("/v1/batch", content=body, headers=headers)).json()["accepted"] == 1
    assert world.intake.messages[0].at == datetime(2026, 11, 23, 3, 28, 17, tzinfo=UTC)


BROWSER = {
    "timestamp": "2026-11-23T03:28:16.043Z",
    "integrations": {},
    "event": "Clicked Pricing",
    "type": "track",
    "properties": {"a": 1},
    "context": {
        "page": {
            "path": "/",
            "referrer": "",
            "search": "",
            "title": "Home",
            "url": "https://shop.example/",
        },
        "userAgent": "Mozilla/5.0",
        "locale": "en-US",
        "library": {"name": "analytics.js", "version": "next-1.84.3"},
        "campaign": {"source": "li", "medium": "cpc", "name": "c1"},
        "timezone": "UTC",
    },
    "messageId": "ajs-next-1795404654220-1",
    "userId": "u1",
    "anonymousId": "b1",
    "writeKey": "wk",
    "sentAt": SENT,
    "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []},
}


async def test_segments_browser_client_one_by_one(client, world):
    headers = {
        "content-type": "text/plain",
        "authorization": BASIC,
        "origin": "https://shop.example",
    }
    answer = await client.post("/v1/t", content=json.dumps(BROWSER), headers=headers)
    assert answer.json()["success"] is True
    [taken] = world.intake.messages
    assert (taken.touch, taken.user_id, taken.anonymous_id) == ("clicked_pricing", "u1", "b1")


async def test_segments_browser_client_in_batches(client, world):
    message = {key: value for key, value in BROWSER.items() if key != "sentAt"}
    body = {"writeKey": "wk", "batch": [message], "sentAt": SENT}
    world.at = AT
    answer = await client.post(
        "/v1/b", content=json.dumps(body), headers={"content-type": "text/plain"}
    )
    assert answer.json()["accepted"] == 1
    assert world.intake.messages[0].at == datetime(2026, 11, 23, 3, 28, 17, tzinfo=UTC)


async def test_an_alias_may_arrive_before_what_it_explains(client, world):
    alias = {
        "type": "alias",
        "previousId": "b1",
        "userId": "u1",
        "messageId": "2",
        "writeKey": "wk",
    }
    await client.post("/v1/a", content=json.dumps(alias))
    await client.post("/v1/t", content=json.dumps(BROWSER))
    assert [message.previous_id for message in world.intake.messages] == ["b1", None]


RUDDER = {
    "type": "identify",
    "channel": "web",
    "userId": "",
    "anonymousId": "b1",
    "context": {
        "traits": {"email": "ada@firm.example", "firstName": "Ada"},
        "page": {"path": "/", "url": "https://shop.example/", "referrer": "$direct"},
        "timezone": "GMT+0000",
    },
    "originalTimestamp": "2026-11-23T03:28:16.043Z",
    "sentAt": SENT,
    "messageId": "r1",
    "event": None,
    "properties": None,
    "integrations": {"All": True},
}


async def test_rudderstacks_browser_client_keeps_traits_in_the_context(client, world):
    headers = {
        "authorization": BASIC,
        "content-type": "application/json;charset=UTF-8",
        "anonymousid": base64.b64encode(b"b1").decode(),
        "sentat": SENT,
    }
    answer = await client.post("/v1/identify", content=json.dumps(RUDDER), headers=headers)
    assert answer.json()["accepted"] == 1
    [taken] = world.intake.messages
    assert (taken.user_id, taken.anonymous_id, taken.email) == (None, "b1", "ada@firm.example")
    assert taken.traits == {"first_name": "Ada"}


async def test_rudderstacks_beacon_has_no_headers_at_all(client, world):
    body = json.dumps({"batch": [RUDDER], "sentAt": SENT})
    answer = await client.post(
        "/beacon/v1/batch?writeKey=wk", content=body, headers={"content-type": "text/plain"}
    )
    assert answer.json()["accepted"] == 1
    assert world.intake.messages[0].anonymous_id == "b1"
