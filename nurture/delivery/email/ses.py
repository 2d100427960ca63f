"""Mail through Amazon SES v2: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html

The mail goes as raw MIME, so that its headers arrive as we wrote them; SES puts its own Message-ID in. It knows no
idempotency keys.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from nurture.delivery.email import http, mime, sigv4
from nurture.delivery.exchange import UNTIL_REPAIRED
from nurture.domain.errors import DeliveryError, Permanent, Transient
from nurture.ports import Mail

_PATH = "/v2/email/outbound-emails"
_ACCOUNT = frozenset({
    "AccountSuspendedException",
    "SendingPausedException",
    "MailFromDomainNotVerifiedException",
    "LimitExceededException",
    "NotFoundException",
})  # fmt: skip


def _utc_now() -> datetime:
    return datetime.now(UTC)


def url_of(region: str) -> str:
    return f"https://email.{region}.amazonaws.com"


class SesMailer:
    """`key` is the access key's id and its secret, and for one that expires its token, separated by colons;
    `events` the configuration set that tells us what becomes of mails."""

    known_for = timedelta()

    def __init__(
        self,
        client: httpx.AsyncClient,
        key: str,
        region: str,
        events: str = "",
        url: str = "",
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._client = client
        self._credentials = sigv4.Credentials(*key.split(":", 2))
        self._region = region
        self._events = events
        self._url = (url or url_of(region)) + _PATH
        self._now = now

    async def send(self, mail: Mail) -> str:
        """Implements ports.Mailer; the id is SES's."""
        now = self._now()
        raw = base64.b64encode(mime.as_bytes(mail, now)).decode()
        told: dict[str, Any] = {
            "FromEmailAddress": mail.sender,
            "Destination": {"ToAddresses": [mime.wire_address(mail.to)]},
            "Content": {"Raw": {"Data": raw}},
            "EmailTags": [{"Name": mime.KEY, "Value": mail.id}],
        }
        if mail.return_path:
            told["FeedbackForwardingEmailAddress"] = mime.envelope_sender(mail)
        if self._events:
            told["ConfigurationSetName"] = self._events
        body = json.dumps(told).encode()
        headers = sigv4.signed(self._credentials, "ses", self._region, self._url, body, now)
        answer = await http.post(self._client, self._url, headers, content=body)
        if answer.status == 200:
            return str(answer.told.get("MessageId", ""))
        raise _refusal(answer)


def _refusal(answer: http.Answer) -> DeliveryError:
    name = answer.headers.get("x-amzn-errortype", "").partition(":")[0]
    said = str(answer.told.get("message") or answer.told.get("Message") or "")
    text = http.detail(answer.status, f"{name} {said}")
    if name in _ACCOUNT:
        return Transient("account_refused", text, UNTIL_REPAIRED)
    if name == "MessageRejected" and "not verified" not in said:
        return Permanent("policy", text)
    return http.refusal(answer, f"{name} {said}")
