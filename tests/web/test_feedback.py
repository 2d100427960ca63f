"""Providers' webhooks over HTTP: closed without a secret, 401 for a stranger, never a 5xx for bad input."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from nurture.domain.feedback import Kind
from tests.support import providers
from tests.support.providers import TOPIC, Amazon
from tests.support.web import SETTINGS, World, connect

OPEN = SETTINGS.model_copy(
    update={
        "postmark_webhook_secret": SecretStr("pm-secret"),
        "sendgrid_webhook_key": providers.SENDGRID_KEY,
        "mailgun_webhook_key": SecretStr("mg-key"),
        "ses_topics": TOPIC,
        "resend_webhook_secret": SecretStr(providers.SECRET),
        "brevo_webhook_secret": SecretStr("brevo-secret"),
    }
)
PROVIDERS = ("postmark", "sendgrid", "mailgun", "ses", "resend", "brevo")


@pytest.fixture
def world() -> World:
    return World(OPEN)


def _seconds(world: World) -> str:
    return str(int(world.at.timestamp()))


async def test_every_provider_is_heard(client: Any, world: World) -> None:
    world.http = (amazon := Amazon()).http()
    calls = {
        "postmark": providers.postmark({"RecordType": "SpamComplaint", "MessageID": "p"}),
        "sendgrid": providers.sendgrid(
            [{"event": "spamreport", "sg_event_id": "s"}], _seconds(world)
        ),
        "mailgun": providers.mailgun({"event": "complained", "id": "m"}, world.at),
        "ses": amazon.post({"eventType": "Complaint", "mail": {}}, Timestamp=world.at.isoformat()),
        "resend": providers.resend({"type": "email.complained", "data": {}}, world.at),
        "brevo": providers.brevo({"event": "spam"}),
    }
    async with connect(world.app()) as client:
        for name, call in calls.items():
            answer = await client.post(f"/webhooks/{name}", content=call.body, headers=call.headers)
            assert (answer.status_code, answer.json()["taken"]) == (200, 1), name
    assert [(name, event.kind) for name, event in world.feedback.taken] == [
        (name, Kind.COMPLAINED) for name in calls
    ]


async def test_without_its_secret_an_address_is_closed_and_says_which_setting_opens_it() -> None:
    async with connect(World().app()) as client:
        for name in PROVIDERS:
            answer = await client.post(f"/webhooks/{name}", content=b"{}")
            assert answer.status_code == 403
            assert "NURTURE_" in answer.json()["message"]
        assert (await client.post("/webhooks/nobody", content=b"{}")).status_code == 404


async def test_a_stranger_is_refused_and_leaves_nothing(client: Any, world: World) -> None:
    for name in PROVIDERS:
        answer = await client.post(f"/webhooks/{name}", content=b'{"event": "spam"}')
        assert answer.status_code == 401, name
    assert world.intake.refused == []
    assert world.feedback.taken == []


async def test_a_genuine_call_that_cannot_be_read_goes_to_quarantine(
    client: Any, world: World
) -> None:
    call = providers.sendgrid({"not": "a list"}, _seconds(world))
    answer = await client.post("/webhooks/sendgrid", content=call.body, headers=call.headers)
    assert answer.status_code == 400
    [(source, raw, reason)] = world.intake.refused
    assert (source, reason) == ("feedback/sendgrid", "body: must be a list")
    assert raw == '{"not": "a list"}'


async def test_while_amazon_cannot_be_asked_it_may_come_again(world: World) -> None:
    call = Amazon().post({"eventType": "Complaint"}, Timestamp=world.at.isoformat())
    with capture_logs() as logged:
        async with connect(world.app()) as client:
            answer = await client.post("/webhooks/ses", content=call.body, headers=call.headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert [(line["event"], line["route"]) for line in logged] == [
        ("request_put_off", "/webhooks/{provider}")
    ]


@given(
    st.sampled_from(PROVIDERS),
    st.binary(max_size=60) | st.sampled_from([b"{}", b"[]", b"null", b"[[]]", b'{"signature": 1}']),
    st.sampled_from(["", "Basic !!", "Bearer \xe9", "Basic Og=="]),
)
async def test_no_body_and_no_header_makes_it_fall_over(
    provider: str, body: bytes, authorization: str
) -> None:
    headers = {b"authorization": authorization.encode("latin-1")}
    headers |= {
        name: authorization.encode("latin-1")
        for name in (b"svix-id", b"svix-signature", b"x-twilio-email-event-webhook-signature")
    }
    async with connect(World(OPEN).app()) as client:
        answer = await client.post(f"/webhooks/{provider}", content=body, headers=headers)
    assert answer.status_code < 500
