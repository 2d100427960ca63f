"""What SDKs and websites send, and what they are told."""

import base64
import gzip
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from nurture.settings import Settings
from tests.support.web import connect

WK = {"authorization": "Basic " + base64.b64encode(b"wk:").decode()}
SERVER = {"authorization": "Basic " + base64.b64encode(b"secret-key:").decode()}


def track(**more):
    return {"type": "track", "event": "Downloaded", "anonymousId": "a1", "messageId": "m1", **more}


async def test_a_track_call_becomes_a_touch_in_snake_case(client, world):
    answer = await client.post(
        "/v1/track", headers=WK, json=track(event="Video Played", properties={"seconds": 30})
    )
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    [(source, message)] = world.intake.taken
    assert source == "website"
    assert (message.touch, message.properties, message.anonymous_id) == (
        "video_played",
        {"seconds": 30},
        "a1",
    )


async def test_a_conversation_in_a_chat_is_a_touch_of_the_person_who_said_who_it_is(client, world):
    about = {"agent": "Bo", "about": "prices", "minutes": 7}
    calls = [
        {"type": "identify", "userId": "42", "traits": {"email": "anna@firm.example"}},
        {"type": "track", "userId": "42", "event": "Chat Conversation", "properties": about},
    ]
    answer = await client.post("/v1/batch", headers=WK, json={"batch": calls})
    assert answer.status_code == 200
    [(_, who), (_, said)] = world.intake.taken
    assert (who.email, said.user_id) == ("anna@firm.example", "42")
    assert (said.touch, said.properties) == ("chat_conversation", about)


async def test_an_identify_tells_traits_and_a_normalised_address(client, world):
    traits = {
        "email": " Ada@Firm.Example ",
        "firstName": "Ada",
        "company": {"name": "Firm", "plan": "pro"},
    }
    await client.post("/v1/identify", headers=WK, json={"userId": 7, "traits": traits})
    [message] = world.intake.messages
    assert (message.user_id, message.email, message.touch) == ("7", "ada@firm.example", None)
    assert message.traits == {"first_name": "Ada", "company": "Firm", "company_plan": "pro"}


async def test_the_short_paths_of_the_browser_sdk_mean_the_same(client, world):
    for path in ("t", "p", "s", "i", "g", "a"):
        body = {
            "anonymousId": "a",
            "userId": "u",
            "previousId": "old",
            "groupId": "g",
            "event": "Seen",
            "writeKey": "wk",
            "messageId": path,
        }
        answer = await client.post(f"/v1/{path}", content=json.dumps(body))
        assert answer.status_code == 200, path
    touches = {message.message_id: message.touch for message in world.intake.messages}
    assert touches == {"t": "seen", "p": "page", "s": "screen", "i": None, "g": None, "a": None}
    [alias] = [message for message in world.intake.messages if message.message_id == "a"]
    assert (alias.user_id, alias.previous_id) == ("u", "old")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "nonsense"])
async def test_the_content_type_does_not_matter(client, world, kind):
    headers = {**WK, "content-type": kind}
    assert (await client.post("/v1/t", headers=headers, content=json.dumps(track()))).is_success
    assert len(world.intake.taken) == 1


async def test_a_gzipped_batch_is_unpacked(client, world):
    body = gzip.compress(json.dumps({"batch": [track()]}).encode())
    headers = {**WK, "content-encoding": "gzip"}
    assert (await client.post("/v1/batch", headers=headers, content=body)).is_success
    assert len(world.intake.taken) == 1


async def test_a_gzip_bomb_is_refused_without_unpacking_it(client, world):
    bomb = gzip.compress(b" " * 50_000_000)
    headers = {**WK, "content-encoding": "gzip"}
    answer = await client.post("/v1/batch", headers=headers, content=bomb)
    assert (answer.status_code, answer.json()["code"]) == (400, "too_large")


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        ("gzip", b"{}", "bad_gzip"),
        ("gzip", gzip.compress(b'{"batch": []}', mtime=0)[:-4], "bad_gzip"),
        ("br", b"{}", "bad_encoding"),
        ("", b"{", "bad_json"),
        ("", b"", "bad_json"),
        ("", b'{"a": NaN}', "bad_json"),
        ("", b"\xff\xfe", "bad_json"),
        ("", b"[" * 100_000, "bad_json"),
        ("", b"9" * 10_000, "bad_json"),
        ("", b"[]", "invalid"),
        ("", b'{"batch": {}}', "invalid"),
        ("", b" " * 501 * 1024, "too_large"),
    ],
)
async def test_a_body_that_cannot_be_read_gets_400_and_a_reason(client, encoding, body, code):
    headers = {**WK, "content-encoding": encoding}
    answer = await client.post("/v1/batch", headers=headers, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["message"]


async def test_a_body_that_cannot_be_read_is_told_so_also_when_its_key_stood_in_it(client):
    body = b'{"writeKey": "wk", bad'
    answer = await client.post("/v1/t", headers={"content-type": "text/plain"}, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")
    for headers in (WK, {"authorization": "Basic " + base64.b64encode(b"other:").decode()}):
        answer = await client.post("/v1/t", headers=headers, content=body)
        assert answer.status_code == (400 if headers == WK else 401)


async def test_a_message_over_32_kb_is_refused_and_its_neighbour_taken(client, world):
    large = track(messageId="large", properties={"text": "x" * 33 * 1024})
    assert (await client.post("/v1/track", headers=WK, json=large)).status_code == 400
    answer = await client.post("/v1/batch", headers=WK, json={"batch": [large, track()]})
    assert answer.status_code == 200
    assert answer.json()["refused"] == [{"messageId": "large", "reason": "larger than 32 KB"}]
    assert [message.message_id for message in world.intake.messages] == ["m1"]


async def test_a_message_of_32_kb_of_umlauts_counts_bytes_and_not_escapes(client):
    fits = track(properties={"text": "ø" * 15 * 1024})
    body = json.dumps({"batch": [fits]}, ensure_ascii=False).encode()
    assert (await client.post("/v1/batch", headers=WK, content=body)).json()["accepted"] == 1


async def test_more_than_2500_messages_are_refused(client):
    answer = await client.post("/v1/batch", headers=WK, json={"batch": [{}] * 2501})
    assert answer.status_code == 400
    assert "2501" in answer.json()["message"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "track", "event": "X"}, "userId or anonymousId: one of them is needed"),
        (
            {"type": "track", "event": "X", "userId": "", "anonymousId": None},
            "one of them is needed",
        ),
        ({"type": "track", "userId": "u"}, "event:"),
        ({"type": "track", "userId": "u", "event": "!!"}, "event:"),
        ({"type": "jump", "userId": "u"}, "type:"),
        ({"userId": "u"}, "type:"),
        ({"type": "group", "userId": "u"}, "groupId:"),
        ({"type": "alias", "userId": "u"}, "previousId"),
        ({"type": "page", "userId": {"a": 1}}, "userId:"),
        ({"type": "page", "userId": True}, "userId:"),
        ({"type": "page", "userId": "u" * 300}, "userId:"),
        ({"type": "page", "userId": "u", "properties": []}, "properties:"),
        ({"type": "page", "userId": "u", "context": "x"}, "context:"),
        ({"type": "page", "userId": "u", "messageId": "m" * 101}, "messageId:"),
        ({"type": "identify", "userId": "u", "traits": {"email": "nobody"}}, "traits.email:"),
        ({"type": "page", "userId": "u", "timestamp": "yesterday"}, "timestamp:"),
        ({"type": "page", "userId": "u", "timestamp": 17}, "timestamp:"),
        ({"type": "page", "userId": "u", "properties": {"n": 1e300}}, "properties.n:"),
        ("page", "must be an object"),
        (None, "must be an object"),
    ],
)
async def test_an_unusable_message_goes_to_quarantine_and_its_neighbours_go_on(
    client, world, message, reason
):
    answer = await client.post("/v1/batch", headers=WK, json={"batch": [message, track()]})
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 1
    assert reason in answer.json()["refused"][0]["reason"]
    [(source, raw, why)] = world.intake.refused
    assert (source, json.loads(raw)) == ("website", message)
    assert reason in why


@pytest.mark.parametrize(
    ("event", "properties", "reason"),
    [
        ("Support Case Opened", {}, "properties.product: must be the product's name"),
        ("Support Case Closed", {"product": 7}, "properties.product:"),
        ("Order Completed", {"amount": "40000"}, "properties.amount: must be a number from 0 to 9"),
        (
            "Order Completed",
            {"amount": 5, "currency": "Danske kroner"},
            "properties.currency: must be three letters such as DKK",
        ),
        (
            "Order Completed",
            {"subtotal": 90, "revenue": None},
            "properties.amount: is needed, or total, or revenue",
        ),
        ("Order Completed", {"total": -1}, "properties.amount:"),
        ("Order Completed", {"amount": True}, "properties.amount:"),
        ("Order Completed", {"amount": 1e16}, "properties.amount:"),
        (
            "Unsubscribed",
            {},
            "event: Unsubscribed takes no consent back; identify with context.consent does",
        ),
    ],
)
async def test_what_means_something_for_the_business_is_not_taken_without_its_meaning(
    client, world, event, properties, reason
):
    message = track(event=event, properties=properties)
    answer = await client.post("/v1/track", headers=SERVER, json=message)
    assert (answer.status_code, reason in answer.json()["message"]) == (400, True)
    assert len(world.intake.refused) == 1
    assert (await client.post("/v1/track", headers=WK, json=message)).status_code == 200


async def test_what_is_kept_of_an_unusable_message_is_whole_in_any_script(client, world):
    message = {"type": "track", "userId": "u", "event": "", "properties": {"text": "ж" * 16_000}}
    await client.post("/v1/batch", headers=WK, json={"batch": [message]})
    [(_, raw, _)] = world.intake.refused
    assert len(raw) < 20_000
    assert json.loads(raw) == message


async def test_however_many_reasons_a_batch_is_refused_for_they_are_written_at_once(client, world):
    batch = [{**track(), "messageId": f"m{n}", "properties": {f"k{n}": 1e300}} for n in range(50)]
    await client.post("/v1/batch", headers=WK, json={"batch": batch})
    assert (len(world.intake.refused), world.intake.written) == (50, 1)


async def test_a_single_unusable_message_is_answered_with_400_and_kept(client, world):
    answer = await client.post("/v1/track", headers=WK, json={"anonymousId": "a"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unusable_message")
    assert len(world.intake.refused) == 1


async def test_a_thousand_bad_messages_of_one_kind_share_few_rows(client, world):
    batch = [{"type": "track", "messageId": f"m{n}"} for n in range(1000)]
    await client.post("/v1/batch", headers=WK, json={"batch": batch})
    assert len(world.intake.refused) < 5
    kept = [message for _, raw, _ in world.intake.refused for message in json.loads(raw)]
    assert kept == batch


async def test_a_batch_sent_twice_counts_once(client, world):
    body = {"batch": [track(), track(messageId="m2")]}
    await client.post("/v1/batch", headers=WK, json=body)
    answer = await client.post("/v1/batch", headers=WK, json=body)
    assert (answer.json()["accepted"], answer.json()["duplicates"]) == (0, 2)


async def test_a_message_without_an_id_but_with_a_time_counts_once_too(client, world):
    message = {"anonymousId": "a", "event": "X", "timestamp": "2026-11-23T10:00:00Z"}
    for _ in range(2):
        await client.post("/v1/track", headers=WK, json=message)
        world.at += timedelta(seconds=5)
    assert len(world.intake.taken) == 1


async def test_two_equal_messages_without_id_and_time_count_twice(client, world):
    message = {"type": "track", "anonymousId": "a", "event": "X"}
    await client.post("/v1/batch", headers=WK, json={"batch": [message, message]})
    assert len(world.intake.taken) == 2


async def test_a_slow_client_clock_is_corrected(client, world):
    world.at = datetime(2026, 11, 23, 12, 0, 31, tzinfo=UTC)
    await client.post(
        "/v1/batch",
        headers=WK,
        json={
            "batch": [track(timestamp="2026-11-23T10:00:00")],
            "sentAt": "2026-11-23T11:00:30+01:00",
        },
    )
    assert world.intake.messages[0].at == datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)


async def test_without_sent_at_only_a_trusted_source_is_believed_about_the_time(client, world):
    for headers, name in ((WK, "b"), (SERVER, "s")):
        message = track(messageId=name, timestamp="2026-01-02T03:04:05.678901+00:00")
        await client.post("/v1/track", headers=headers, json=message)
    browser, server = world.intake.messages
    assert browser.at == world.at
    assert server.at == datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.mark.parametrize(
    "time", ["1970-01-01", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59Z"]
)
async def test_an_impossible_time_is_refused(client, world, time):
    answer = await client.post("/v1/track", headers=SERVER, json=track(timestamp=time))
    assert answer.status_code == 400
    assert "timestamp" in answer.json()["message"]


async def test_nothing_happens_in_the_future(client, world):
    soon = (world.at + timedelta(minutes=4)).isoformat()
    await client.post("/v1/track", headers=SERVER, json=track(timestamp=soon))
    assert world.intake.messages[0].at == world.at
    late = (world.at + timedelta(minutes=6)).isoformat()
    refused = await client.post("/v1/track", headers=SERVER, json=track(timestamp=late))
    assert "future" in refused.json()["message"]


async def test_what_a_batch_says_once_stands_under_what_each_message_says(client, world):
    body = {
        "context": {"timezone": "Europe/Copenhagen", "page": {"path": "/shared"}},
        "batch": [
            {"type": "page", "anonymousId": "a", "messageId": "1"},
            {
                "type": "page",
                "anonymousId": "a",
                "messageId": "2",
                "context": {"page": {"path": "/own"}},
            },
        ],
    }
    await client.post("/v1/batch", headers=WK, json=body)
    assert [message.properties["path"] for message in world.intake.messages] == ["/shared", "/own"]
    assert {message.traits["timezone"] for message in world.intake.messages} == {
        "Europe/Copenhagen"
    }


async def test_a_page_knows_its_path_its_campaign_and_the_ad_that_led_there(client, world):
    context = {
        "page": {"url": "https://shop.example/pricing?gclid=abc", "search": "?gclid=abc"},
        "campaign": {"name": "autumn", "source": "li"},
    }
    await client.post("/v1/page", headers=WK, json={"anonymousId": "a", "context": context})
    seen = world.intake.messages[0].properties
    assert (seen["path"], seen["utm_campaign"], seen["utm_source"], seen["gclid"]) == (
        "/pricing",
        "autumn",
        "li",
        "abc",
    )


@pytest.mark.parametrize("key", [WK, SERVER])
async def test_a_websites_or_a_shops_clicked_event_is_not_a_click_in_a_mail(client, world, key):
    await client.post("/v1/track", headers=key, json=track(event="Clicked"))
    assert world.intake.messages[0].touch == "track_clicked"


@pytest.mark.parametrize("key", [WK, SERVER])
@pytest.mark.parametrize("said", ["no", "false", 0, None, "off"])
async def test_a_consent_that_is_neither_true_nor_false_is_refused_and_not_lost(
    client, world, key, said
):
    context = {"consent": {"categoryPreferences": {"Advertising": said, "Functional": "?"}}}
    answer = await client.post(
        "/v1/identify", headers=key, json={"userId": "u", "context": context}
    )
    reason = "context.consent.categoryPreferences.Advertising: must be true or false"
    assert (answer.status_code, answer.json()["message"]) == (400, reason)
    assert world.intake.refused[0][2] == reason


async def test_only_a_server_key_is_trusted_with_consent(client, world):
    context = {"consent": {"categoryPreferences": {"email_marketing": True, "Advertising": False}}}
    body = {"type": "identify", "userId": "u", "context": context}
    await client.post("/v1/identify", headers=WK, json={**body, "messageId": "1"})
    await client.post("/v1/identify", headers=SERVER, json={**body, "messageId": "2"})
    await client.post("/v1/identify", headers={"authorization": "Bearer token"}, json=body)
    assert [message.trusted for message in world.intake.messages] == [False, True, True]
    assert [source for source, _ in world.intake.taken] == ["website", "crm", "api"]
    told = {(record.purpose, record.granted) for record in world.intake.messages[1].consents}
    assert told == {("email_marketing", True), ("ad_audiences", False)}


async def test_a_secret_key_without_a_name_is_not_told_as_the_source(world):
    world.settings = Settings(server_keys=SecretStr("sk_live_9f2c41d0aa"))
    key = "Basic " + base64.b64encode(b"sk_live_9f2c41d0aa:").decode()
    async with connect(world.app()) as client:
        body = {"type": "identify", "userId": "u"}
        await client.post("/v1/identify", headers={"authorization": key}, json=body)
    [(source, _)] = world.intake.taken
    assert re.fullmatch("server-[0-9a-f]{6}", source)


async def test_nul_and_half_characters_are_replaced_so_that_every_database_keeps_them(
    client, world
):
    body = rb'{"anonymousId":"a","event":"X","properties":{"t":"a\u0000b\ud83dc\ud83d\ude00"}}'
    assert (await client.post("/v1/track", headers=WK, content=body)).is_success
    assert world.intake.messages[0].properties == {"t": "a\ufffdb\ufffdc\U0001f600"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic " + base64.b64encode(b"other:").decode()},
        {"authorization": "Basic ???"},
        {"authorization": "Bearer wrong"},
    ],
)
async def test_an_unknown_write_key_gets_401(client, world, headers):
    answer = await client.post("/v1/track", headers=headers, json=track())
    assert (answer.status_code, answer.json()["code"]) == (401, "unknown_write_key")
    assert world.intake.taken == []


@pytest.mark.parametrize("user", [b"wk:", b"wk"])
async def test_the_colon_of_the_write_key_may_be_missing(client, user):
    headers = {"authorization": "Basic " + base64.b64encode(user).decode()}
    assert (await client.post("/v1/track", headers=headers, json=track())).is_success


async def test_a_beacon_names_its_write_key_in_the_address(client, world):
    body = json.dumps({"batch": [track()]})
    answer = await client.post(
        "/beacon/v1/batch?writeKey=wk", content=body, headers={"content-type": "text/plain"}
    )
    assert answer.is_success
    assert len(world.intake.taken) == 1


async def test_an_unknown_call_is_not_found(client):
    answer = await client.post("/v1/jump", headers=WK, json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path", ["/v1/track", "/v1/b", "/beacon/v1/batch", "/forms/x", "/sourceConfig/"]
)
async def test_a_preflight_is_answered_for_what_browsers_call(client, path):
    asked = "anonymousid,authorization,content-type,sentat,x-retry-count"
    answer = await client.options(
        path,
        headers={
            "origin": "https://shop.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": asked,
        },
    )
    assert answer.is_success
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert set(asked.split(",")) <= set(allowed)


@pytest.mark.parametrize("content", [b"{", b"{}", b" " * 600_000])
async def test_errors_can_be_read_across_origins_too(client, content):
    answer = await client.post("/v1/batch", content=content)
    assert 400 <= answer.status_code < 500
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_a_fault_of_ours_can_be_read_across_origins_too_and_is_as_safe_as_any_answer(
    world, accept
):
    async def broken(*_args):
        raise OSError("no disk")

    world.intake.take = broken
    client = connect(world.app())
    client._transport.raise_app_exceptions = False
    told = {"mail": "ada@firm.example"}
    for path in ("/v1/track", "/forms/whitepaper"):
        body = track() if path == "/v1/track" else told
        answer = await client.post(path, headers={**WK, "accept": accept}, json=body)
        assert answer.status_code == 500
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "strict-transport-security" in answer.headers
        assert "disk" not in answer.text


async def test_figures_cannot_be_read_across_origins(client):
    answer = await client.get("/api/report", headers={"authorization": "Bearer token"})
    assert "access-control-allow-origin" not in answer.headers


async def test_who_sends_too_fast_waits_and_others_do_not(world):
    more = {"requests_per_second": 2, "write_keys": "website:wk, website:new"}
    world.settings = world.settings.model_copy(update=more)
    async with connect(world.app()) as client:
        answers = [await client.post("/v1/track", headers=WK, json=track()) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        shown = answers[-1].headers["access-control-expose-headers"]
        assert "retry-after" in shown  # or no page could read it
        assert answers[2].headers["retry-after"] == "1"
        assert (await client.post("/v1/track", headers=SERVER, json=track())).is_success
        assert (await client.post("/v1/track?writeKey=new", json=track())).is_success
        world.at += timedelta(seconds=1)
        assert (await client.post("/v1/track", headers=WK, json=track())).is_success


async def test_the_browser_sdk_learns_to_report_here(client):
    answer = await client.get("/v1/projects/wk/settings")
    segment = answer.json()["integrations"]["Segment.io"]
    assert (segment["apiHost"], segment["protocol"], segment["apiKey"]) == (
        "m.example/v1",
        "https",
        "wk",
    )
    assert (await client.get("/v1/projects/other/settings")).status_code == 404


async def test_rudderstacks_sdk_learns_that_its_source_is_enabled(client):
    answer = await client.get("/sourceConfig/", params={"writeKey": "wk", "p": "npm", "v": "3"})
    assert answer.json()["source"]["enabled"] is True
    assert answer.json()["source"]["destinations"] == []
    assert (await client.get("/sourceConfig/", params={"writeKey": "x"})).status_code == 404


async def test_the_snippet_is_under_two_kilobytes_and_may_be_loaded_from_anywhere(client):
    answer = await client.get("/n.js")
    assert len(answer.content) < 2000
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
