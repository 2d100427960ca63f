"""Each provider's events in its own words, and the calls of whoever only pretends to be one."""

import base64
import hmac
import json
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from nurture.delivery.feedback import brevo, postmark
from nurture.delivery.feedback.mailgun import Mailgun
from nurture.delivery.feedback.reading import Forged
from nurture.delivery.feedback.resend import Resend
from nurture.delivery.feedback.secrets import Unsigned
from nurture.delivery.feedback.sendgrid import SIGNATURE, SendGrid
from nurture.domain.errors import InputError, StartError
from nurture.domain.feedback import Event, Kind
from tests.support import providers
from tests.support.domain import DAY, HOUR, NOW
from tests.support.providers import Call

MAIL = "0b9f3d52-8f0e-5d6c-9a52-2f6f7e1f4a10"
PROVIDERS: dict[str, Any] = {
    "postmark": Unsigned(["pm-secret"], postmark.read),
    "brevo": Unsigned(["old", "brevo-secret"], brevo.read),
    "sendgrid": SendGrid([providers.SENDGRID_KEY]),
    "mailgun": Mailgun(["mg-key"]),
    "resend": Resend([providers.SECRET]),
}


def _call(provider: str, told: Any) -> Call:
    match provider:
        case "mailgun":
            return providers.mailgun(told, NOW)
        case "resend":
            return providers.resend(told, NOW)
        case _:
            made: Call = getattr(providers, provider)(told)
            return made


async def _hear(provider: str, told: Any) -> list[Event]:
    call = _call(provider, told)
    events: list[Event] = await PROVIDERS[provider].hear(call.headers, call.body, NOW)
    return events


def _postmark(record: str, **more: Any) -> dict[str, Any]:
    about = {"MessageID": "883953f4", "Metadata": {"mail": MAIL}, "Email": "anna@example.org"}
    return {"RecordType": record, **about, **more}


def _sendgrid(event: str, **more: Any) -> list[dict[str, Any]]:
    about = {"email": "anna@example.org", "timestamp": 1772618400, "mail": MAIL}
    return [
        {
            "event": event,
            "sg_event_id": f"{event}1",
            "sg_message_id": "14c5.filter",
            **about,
            **more,
        }
    ]


def _mailgun(event: str, **more: Any) -> dict[str, Any]:
    message = {"headers": {"message-id": f"{MAIL}@courses.example"}}
    about = {"id": "e1", "timestamp": 1772618400.5, "recipient": "anna@example.org"}
    return {"event": event, "message": message, **about, **more}


def _resend(kind: str, **more: Any) -> dict[str, Any]:
    data = {"email_id": "re_1", "to": ["anna@example.org"], "tags": {"mail": MAIL}, **more}
    return {"type": kind, "created_at": "2026-03-04T10:00:00.000Z", "data": data}


def _brevo(event: str, **more: Any) -> dict[str, Any]:
    about = {"message-id": f"<{MAIL}@courses.example>", "email": "anna@example.org"}
    return {"event": event, "ts_epoch": 1772618400000, **about, **more}


@pytest.mark.parametrize(
    ("provider", "told", "kind"),
    [
        ("postmark", _postmark("Delivery", DeliveredAt="2026-03-04T10:00:00Z"), Kind.DELIVERED),
        ("postmark", _postmark("Bounce", Type="HardBounce"), Kind.HARD_BOUNCE),
        ("postmark", _postmark("Bounce", Type="SoftBounce"), Kind.SOFT_BOUNCE),
        ("postmark", _postmark("Bounce", Type="Transient"), Kind.DEFERRED),
        ("postmark", _postmark("SpamComplaint"), Kind.COMPLAINED),
        (
            "postmark",
            _postmark(
                "SubscriptionChange", SuppressSending=True, SuppressionReason="ManualSuppression"
            ),
            Kind.UNSUBSCRIBED,
        ),
        ("sendgrid", _sendgrid("processed"), Kind.ACCEPTED),
        ("sendgrid", _sendgrid("delivered"), Kind.DELIVERED),
        ("sendgrid", _sendgrid("bounce", type="bounce", status="5.1.1"), Kind.HARD_BOUNCE),
        ("sendgrid", _sendgrid("bounce", type="blocked"), Kind.SOFT_BOUNCE),
        ("sendgrid", _sendgrid("dropped", reason="Bounced Address"), Kind.HARD_BOUNCE),
        ("sendgrid", _sendgrid("dropped", reason="Invalid SMTPAPI header"), Kind.REJECTED),
        ("sendgrid", _sendgrid("spamreport"), Kind.COMPLAINED),
        ("mailgun", _mailgun("delivered"), Kind.DELIVERED),
        ("mailgun", _mailgun("failed", severity="temporary"), Kind.DEFERRED),
        ("mailgun", _mailgun("failed", severity="permanent", reason="bounce"), Kind.HARD_BOUNCE),
        (
            "mailgun",
            _mailgun(
                "failed",
                severity="permanent",
                reason="generic",
                **{"delivery-status": {"enhanced-code": "5.7.1"}},
            ),
            Kind.SOFT_BOUNCE,
        ),
        ("mailgun", _mailgun("complained"), Kind.COMPLAINED),
        ("resend", _resend("email.delivered"), Kind.DELIVERED),
        ("resend", _resend("email.bounced", bounce={"type": "Permanent"}), Kind.HARD_BOUNCE),
        ("resend", _resend("email.bounced", bounce={"type": "Transient"}), Kind.SOFT_BOUNCE),
        ("resend", _resend("email.complained"), Kind.COMPLAINED),
        ("brevo", _brevo("delivered"), Kind.DELIVERED),
        ("brevo", _brevo("hard_bounce"), Kind.HARD_BOUNCE),
        ("brevo", _brevo("soft_bounce"), Kind.SOFT_BOUNCE),
        ("brevo", _brevo("spam"), Kind.COMPLAINED),
        ("brevo", _brevo("blocked"), Kind.REJECTED),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_event_is_read_and_names_its_mail(provider: str, told: Any, kind: Kind) -> None:
    [event] = await _hear(provider, told)
    assert event.kind is kind
    assert MAIL in event.mails
    assert event.to == "anna@example.org"
    assert event.at == NOW or provider == "mailgun"


def _for_good(provider: str, said: str, code: str = "") -> Any:
    """What the provider itself calls a hard bounce."""
    match provider:
        case "postmark":
            return _postmark("Bounce", Type="HardBounce", Details=f"smtp;{said}")
        case "sendgrid":
            return _sendgrid("bounce", type="bounce", status=code, reason=said)
        case "mailgun":
            status = {"code": int(said[:3]), "enhanced-code": code, "message": said[4:]}
            about = {"severity": "permanent", "reason": "generic"}
            return _mailgun("failed", **about, **{"delivery-status": status})
        case "resend":
            told = {"type": "Permanent", "subType": "General", "diagnosticCode": [f"smtp; {said}"]}
            return _resend("email.bounced", bounce=told)
        case _:
            return _brevo("hard_bounce", reason=said)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
async def test_a_full_mailbox_and_a_policy_cost_no_lead_its_address_whoever_tells(
    provider: str,
) -> None:
    passing = [
        ("552 5.2.2 mailbox full", "5.2.2"),
        ("550 5.7.1 blocked using a list", "5.7.1"),
        ("550 Mailbox quota exceeded", ""),
    ]
    for said, code in passing:
        [event] = await _hear(provider, _for_good(provider, said, code))
        assert event.kind is Kind.SOFT_BOUNCE, said
    lasting = [
        ("550 5.1.1 user unknown", "5.1.1"),
        ("550 no such user", ""),
        ("550 relay4.example.com: user unknown", ""),
    ]
    for said, code in lasting:
        [event] = await _hear(provider, _for_good(provider, said, code))
        assert event.kind is Kind.HARD_BOUNCE, said


async def test_what_resend_adds_to_a_bounce_of_its_own_is_no_policy_of_the_server() -> None:
    prose = "A hard bounce. Such addresses can harm your reputation as a sender."
    told = _resend("email.bounced", bounce={"type": "Permanent", "message": prose})
    assert (await _hear("resend", told))[0].kind is Kind.HARD_BOUNCE


async def test_what_mailgun_tried_in_vain_for_hours_may_arrive_another_time() -> None:
    [event] = await _hear("mailgun", _for_good("mailgun", "602 Too old"))
    assert event.kind is Kind.SOFT_BOUNCE


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("postmark", _postmark("Bounce", Type="AutoResponder")),
        ("postmark", _postmark("SubscriptionChange", SuppressSending=False)),
        ("sendgrid", _sendgrid("group_resubscribe")),
        ("mailgun", _mailgun("list_member_uploaded")),
        ("resend", {"type": "contact.created", "data": {}}),
        ("brevo", _brevo("list_addition")),
    ],
)
async def test_what_says_nothing_of_a_mail_is_let_pass(provider: str, told: Any) -> None:
    assert await _hear(provider, told) == []


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
async def test_a_changed_body_is_not_believed(provider: str) -> None:
    call = _call(provider, {"event": "x"})
    if provider == "mailgun":  # its signature does not cover the event
        call.body = call.body.replace(b'"token": "t', b'"token": "u')
    elif provider in ("postmark", "brevo"):
        call.headers = {"authorization": "Bearer wrong"}
    else:
        call.body = call.body.replace(b"x", b"y")
    secret = provider in ("postmark", "brevo")
    told = "the secret is missing or wrong" if secret else "the signature does not match"
    with pytest.raises(Forged, match=told):
        await PROVIDERS[provider].hear(call.headers, call.body, NOW)


_OLD = "the signature is too old, or of the future"
TOO_OLD = {"mailgun": _OLD, "sendgrid": _OLD, "resend": "more than 5 minutes away from now"}


@pytest.mark.parametrize(
    ("provider", "repeated_for"),
    [("mailgun", 8 * HOUR), ("sendgrid", DAY), ("resend", timedelta())],
)
async def test_a_signature_is_believed_as_long_as_the_provider_repeats_it(
    provider: str, repeated_for: timedelta
) -> None:
    told: Any = {"event": "delivered", "type": "email.delivered"}
    call = _call(provider, [told] if provider == "sendgrid" else told)
    for at in (NOW - timedelta(minutes=4), NOW + repeated_for):
        assert len(await PROVIDERS[provider].hear(call.headers, call.body, at)) == 1
    for at in (NOW + 2 * DAY, NOW - HOUR):
        with pytest.raises(Forged, match=TOO_OLD[provider]):
            await PROVIDERS[provider].hear(call.headers, call.body, at)


async def test_a_signature_that_does_not_say_when_is_not_believed() -> None:
    for timestamp in ("", "yesterday", "2026-03-04T10:00:00", "9" * 30, "-1"):
        call = providers.sendgrid(_sendgrid("delivered"), timestamp)
        with pytest.raises(Forged, match="the signature does not say when it was made"):
            await PROVIDERS["sendgrid"].hear(call.headers, call.body, NOW)


@pytest.mark.parametrize(
    ("signature", "problem"),
    [
        (None, "the signature is missing"),
        ({"timestamp": "1", "token": "t"}, "the signature does not match"),
        (
            {
                "timestamp": "noon",
                "token": "t",
                "signature": hmac.new(b"mg-key", b"noont", sha256).hexdigest(),
            },
            "the signature does not say when it was made",
        ),
    ],
)
async def test_mailguns_signature_is_looked_at_part_by_part(signature: Any, problem: str) -> None:
    body = json.dumps({"signature": signature, "event-data": {}}).encode()
    with pytest.raises(Forged, match=problem):
        await Mailgun(["mg-key"]).hear({}, body, NOW)


async def test_sendgrids_signature_has_to_be_base64() -> None:
    call = _call("sendgrid", [])
    headers = {**call.headers, SIGNATURE: "?"}
    with pytest.raises(Forged, match="the signature is not base64"):
        await PROVIDERS["sendgrid"].hear(headers, call.body, NOW)


async def test_a_secret_may_stand_in_the_address_as_user_and_password() -> None:
    both = Unsigned(["hook:pm-secret"], postmark.read)
    call = providers.postmark(_postmark("SpamComplaint"))
    assert len(await both.hear(call.headers, call.body, NOW)) == 1


async def test_reasons_carry_no_address() -> None:
    told = _postmark("Bounce", Type="HardBounce", Details="smtp;550 <anna@example.org> unknown")
    [event] = await _hear("postmark", told)
    assert event.reason == "HardBounce: smtp;550 <<address>> unknown"


def test_a_key_that_is_none_stops_the_start() -> None:
    with pytest.raises(StartError, match="NURTURE_SENDGRID_WEBHOOK_KEY is no public key in base64"):
        SendGrid(["nonsense"])
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    der = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(StartError, match="NURTURE_SENDGRID_WEBHOOK_KEY is no ECDSA key"):
        SendGrid([base64.b64encode(der).decode()])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_WORDS = sorted({*Kind, "event", "email.bounced", "Bounce", "failed", "bounce", "dropped"})
_KEYS = (
    "event",
    "RecordType",
    "type",
    "Type",
    "data",
    "bounce",
    "severity",
    "reason",
    "timestamp",
    "ts_epoch",
    "created_at",
    "message",
    "headers",
    "message-id",
    "delivery-status",
    "signature",
    "event-data",
    "tags",
    "Metadata",
    "MessageID",
    "to",
    "email",
)
_TOLD = st.dictionaries(st.sampled_from(_KEYS), _JSON | st.sampled_from(_WORDS), max_size=8)


@given(st.sampled_from(sorted(PROVIDERS)), _TOLD | st.lists(_TOLD, max_size=3) | _JSON)
async def test_whatever_a_genuine_call_holds_it_is_read_or_refused_with_a_reason(
    provider: str, told: Any
) -> None:
    try:
        call = _call(provider, told)
        call.body.decode()
        json.loads(call.body)
    except ValueError:
        return
    events: list[Event] = []
    with suppress(InputError):
        events = await PROVIDERS[provider].hear(call.headers, call.body, NOW)
    for event in events:
        assert event.at <= NOW
        assert "\x00" not in event.raw + event.reason + event.id + "".join(event.mails)
        (event.raw + event.reason + event.to + "".join(event.mails)).encode()
