"""Mail providers as their documentation has them: what they report, signed as they sign."""

import base64
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks import Webhook

SECRET = "whsec_" + base64.b64encode(b"R" * 32).decode()
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail-events"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0f.pem"
CONFIRM = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"


@dataclass
class Call:
    """What a provider posts."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def basic(user: str, password: str) -> dict[str, str]:
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"Basic {pair}"}


def postmark(told: Any, password: str = "pm-secret") -> Call:
    return Call(json.dumps(told).encode(), basic("hook", password))


def brevo(told: Any, token: str = "brevo-secret") -> Call:
    return Call(json.dumps(told).encode(), {"authorization": f"Bearer {token}"})


_SENDGRID = ec.generate_private_key(ec.SECP256R1())
SENDGRID_KEY = base64.b64encode(
    _SENDGRID.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()


def sendgrid(told: Any, timestamp: str = "1772618400") -> Call:
    body = json.dumps(told).encode()
    signature = _SENDGRID.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return Call(
        body,
        {
            "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
            "x-twilio-email-event-webhook-timestamp": timestamp,
        },
    )


def mailgun(told: Any, at: datetime, token: str = "t" * 50, key: str = "mg-key") -> Call:
    timestamp = str(int(at.timestamp()))
    signed = hmac.new(key.encode(), f"{timestamp}{token}".encode(), sha256).hexdigest()
    signature = {"timestamp": timestamp, "token": token, "signature": signed}
    return Call(json.dumps({"signature": signature, "event-data": told}).encode())


def resend(told: Any, at: datetime, id_: str = "msg_1") -> Call:
    body = json.dumps(told)
    signature = Webhook(SECRET).sign(id_, at, body)
    headers = {
        "svix-id": id_,
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": signature,
    }
    return Call(body.encode(), headers)


@dataclass
class Amazon:
    """SNS with a certificate of its own, and a record of who it was asked for what."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    valid: tuple[datetime, datetime] = (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2036, 1, 1, tzinfo=UTC),
    )
    asked: list[str] = field(default_factory=list)
    status: int = 200
    location: str = ""

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(self.valid[0])
            .not_valid_after(self.valid[1])
            .sign(self.key, SHA256())
        )
        self.pem = made.public_bytes(Encoding.PEM)

    def http(self) -> httpx.AsyncClient:
        def answer(request: httpx.Request) -> httpx.Response:
            self.asked.append(str(request.url))
            headers = {"location": self.location} if self.location else {}
            found = self.pem if request.url.path.endswith(".pem") else b"<ConfirmSubscription/>"
            return httpx.Response(self.status, content=found, headers=headers)

        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    def post(self, told: Any = None, version: str = "2", **changes: Any) -> Call:
        envelope = {
            "Type": "Notification",
            "MessageId": "sns-1",
            "TopicArn": TOPIC,
            "Message": json.dumps(told),
            "Timestamp": "2026-03-04T10:00:00.000Z",
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE,
            **changes,
        }
        if envelope["Type"] != "Notification":
            envelope = {"SubscribeURL": CONFIRM, "Token": "t", **envelope}
        order = sorted(
            set(envelope) & {"Message", "MessageId", "SubscribeURL", "Subject"}
            | set(envelope) & {"Timestamp", "Token", "TopicArn", "Type"}
        )
        signed = "".join(f"{name}\n{envelope[name]}\n" for name in order).encode()
        hash_ = SHA1() if version == "1" else SHA256()
        envelope["Signature"] = base64.b64encode(self.key.sign(signed, PKCS1v15(), hash_)).decode()
        headers = {"x-amz-sns-message-type": envelope["Type"], "content-type": "text/plain"}
        return Call(json.dumps(envelope).encode(), headers)


def seconds(at: datetime) -> float:
    return at.timestamp()


LONG_AGO = timedelta(days=3)
