"""Amazon SES through SNS: only Amazon is believed, and only Amazon is ever called."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from nurture.delivery.feedback.providers import open_providers
from nurture.delivery.feedback.reading import Forged
from nurture.delivery.feedback.ses import Ses
from nurture.delivery.feedback.sns import Sns
from nurture.domain.errors import StartError, Transient
from nurture.domain.feedback import Kind
from nurture.settings import Settings
from tests.support.domain import NOW
from tests.support.providers import CONFIRM, TOPIC, Amazon, Call

MAIL = "0b9f3d52-8f0e-5d6c-9a52-2f6f7e1f4a10"
ABOUT = {
    "messageId": "0100017a-ses",
    "destination": ["anna@example.org"],
    "tags": {"mail": [MAIL], "ses:operation": ["SendEmail"]},
}
BOUNCE = {
    "eventType": "Bounce",
    "mail": ABOUT,
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "timestamp": "2026-03-04T09:59:00.000Z",
        "bouncedRecipients": [
            {"emailAddress": "anna@example.org", "diagnosticCode": "smtp; 550 5.1.1 unknown"}
        ],
    },
}


def _for_good(status: str, said: str) -> Any:
    """What Amazon calls a permanent bounce."""
    told = {
        "bounceType": "Permanent",
        "bouncedRecipients": [{"status": status, "diagnosticCode": said}],
    }
    return {"eventType": "Bounce", "mail": ABOUT, "bounce": told}


async def _hear(amazon: Amazon, call: Call, at: datetime = NOW) -> Any:
    async with amazon.http() as http:
        return await Ses(Sns(http, [TOPIC])).hear(call.headers, call.body, at)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_signed_bounce_is_heard(version: str) -> None:
    amazon = Amazon()
    [event] = await _hear(amazon, amazon.post(BOUNCE, version))
    assert (event.kind, event.to) == (Kind.HARD_BOUNCE, "anna@example.org")
    assert {MAIL, "0100017a-ses"} <= set(event.mails)
    assert event.reason == "General: smtp; 550 5.1.1 unknown"


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"eventType": "Delivery", "mail": ABOUT, "delivery": {}}, Kind.DELIVERED),
        ({"notificationType": "Complaint", "mail": ABOUT, "complaint": {}}, Kind.COMPLAINED),
        (
            {"eventType": "Bounce", "mail": ABOUT, "bounce": {"bounceType": "Transient"}},
            Kind.SOFT_BOUNCE,
        ),
        (_for_good("5.2.2", "smtp; 552 mailbox full"), Kind.SOFT_BOUNCE),
        (_for_good("5.0.0", "smtp; 550 5.7.1 policy"), Kind.SOFT_BOUNCE),
        (_for_good("5.0.0", "smtp; 550 no such user"), Kind.HARD_BOUNCE),
        ({"eventType": "DeliveryDelay", "mail": ABOUT}, Kind.DEFERRED),
    ],
)
async def test_events_and_older_notifications_are_read(told: Any, kind: Kind) -> None:
    amazon = Amazon()
    [event] = await _hear(amazon, amazon.post(told))
    assert event.kind is kind


async def test_a_report_of_no_spam_is_no_complaint() -> None:
    amazon, told = Amazon(), {"eventType": "Complaint", "mail": ABOUT}
    told["complaint"] = {"complaintFeedbackType": "not-spam"}
    assert await _hear(amazon, amazon.post(told)) == []


async def test_a_subscription_is_confirmed_at_amazon_and_the_certificate_asked_once() -> None:
    amazon = Amazon()
    async with amazon.http() as http:
        ses = Ses(Sns(http, [TOPIC]))
        for call in (amazon.post(Type="SubscriptionConfirmation"), amazon.post(BOUNCE)):
            await ses.hear(call.headers, call.body, NOW)
    assert len(amazon.asked) == 2
    assert amazon.asked[1] == CONFIRM


HOST, REGION = "leads to another host than SNS", "leads to another region than the topic's"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem"}, HOST),
        ({"SigningCertURL": "https://evil.example/SimpleNotificationService-0f.pem"}, HOST),
        (
            {
                "SigningCertURL": "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem"
            },
            HOST,
        ),
        (
            {
                "SigningCertURL": "https://u@sns.eu-west-1.amazonaws.com/SimpleNotificationService.pem"
            },
            HOST,
        ),
        (
            {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotification-0.pem"},
            HOST,
        ),
        (
            {"SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem"},
            REGION,
        ),
        (
            {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/bucket/mine.pem"},
            "no certificate of SNS",
        ),
        ({"SigningCertURL": "https://[::1/"}, "leads nowhere"),
        ({"TopicArn": "arn:aws:sns:eu-west-1:999999999999:mine"}, "no topic of ours"),
        ({"SignatureVersion": "3"}, "no signature version that is known"),
        (
            {"Type": "SubscriptionConfirmation", "SubscribeURL": "http://169.254.169.254/latest"},
            HOST,
        ),
        ({"Type": "SubscriptionConfirmation", "SubscribeURL": "https://localhost/x"}, HOST),
        ({"Type": "Else"}, "no type of message that SNS sends"),
    ],
)
async def test_whatever_leads_elsewhere_is_refused_and_not_called(
    changes: dict[str, str], problem: str
) -> None:
    amazon = Amazon()
    with pytest.raises(Forged, match=problem):
        await _hear(amazon, amazon.post(BOUNCE, **changes))
    assert [url for url in amazon.asked if "sns.eu-west-1.amazonaws.com/Simple" not in url] == []


@pytest.mark.parametrize(
    ("pem", "problem"),
    [
        (b"no certificate", "the certificate cannot be read"),
        (Amazon(ec.generate_private_key(ec.SECP256R1())).pem, "the certificate has no RSA key"),
    ],
)
async def test_a_certificate_that_is_none_of_amazons_is_refused(pem: bytes, problem: str) -> None:
    amazon = Amazon()
    amazon.pem = pem
    with pytest.raises(Forged, match=problem):
        await _hear(amazon, amazon.post(BOUNCE))


async def test_a_signature_that_is_no_base64_is_refused() -> None:
    amazon = Amazon()
    call = amazon.post(BOUNCE)
    call.body = call.body.replace(b'"Signature": "', b'"Signature": "?')
    with pytest.raises(Forged, match="the signature is not base64"):
        await _hear(amazon, call)


async def test_a_signature_over_something_else_is_refused() -> None:
    amazon = Amazon()
    call = amazon.post(BOUNCE)
    call.body = call.body.replace(b"Permanent", b"Transient")
    with pytest.raises(Forged, match="the signature does not match"):
        await _hear(amazon, call)


async def test_a_redirect_of_the_certificate_is_not_followed() -> None:
    amazon = Amazon(status=302, location="http://127.0.0.1/")
    with pytest.raises(Forged, match="SNS answered 302"):
        await _hear(amazon, amazon.post(BOUNCE))
    assert len(amazon.asked) == 1


async def test_a_certificate_out_of_date_is_refused() -> None:
    expired = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    amazon = Amazon(valid=expired)
    with pytest.raises(Forged, match="the certificate is not valid now"):
        await _hear(amazon, amazon.post(BOUNCE))


async def test_a_message_is_believed_as_long_as_amazon_repeats_it() -> None:
    amazon = Amazon()
    for at in (NOW - timedelta(minutes=4), NOW + timedelta(minutes=65)):
        assert len(await _hear(amazon, amazon.post(BOUNCE), at)) == 1
    for at in (NOW - timedelta(minutes=10), NOW + timedelta(minutes=75)):
        with pytest.raises(Forged, match="too old"):
            await _hear(amazon, amazon.post(BOUNCE), at)
    with pytest.raises(Forged, match="when it was made"):
        await _hear(amazon, amazon.post(BOUNCE, Timestamp="yesterday"))


async def test_while_amazon_does_not_answer_the_event_may_come_again() -> None:
    amazon = Amazon(status=503)
    with pytest.raises(Transient):
        await _hear(amazon, amazon.post(BOUNCE))


@pytest.mark.parametrize(
    "topic", ["mails", "arn:aws:sqs:eu-west-1:123456789012:mails", f"{TOPIC},{TOPIC}"]
)
async def test_what_is_no_topic_is_named_before_anything_begins(topic: str) -> None:
    with pytest.raises(StartError) as refused:
        open_providers(Settings(ses_topics=f"{TOPIC} {topic}"), Amazon().http())
    assert str(refused.value) == (
        f"NURTURE_SES_TOPICS: {topic!r} is no ARN such as arn:aws:sns:eu-west-1:123456789012:mails;"
        " separate several by blanks"
    )
