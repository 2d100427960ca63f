"""Mail through Resend: https://resend.com/docs/api-reference/emails/send-email

Of two mails with the same idempotency key within 24 hours the first goes out
(https://resend.com/docs/dashboard/emails/idempotency-keys). When the second has other content, such as links signed a
second later, the answer is 409: the mail is on its way all the same.
"""

from datetime import timedelta
from typing import Any

import httpx

from nurture.delivery.email import http, mime
from nurture.domain.errors import AddressRefused, DeliveryError, Transient, Unknown
from nurture.ports import Mail

URL = "https://api.resend.com"
_QUOTA = timedelta(hours=1)


class ResendMailer:
    known_for = timedelta(hours=24)

    def __init__(self, client: httpx.AsyncClient, key: str, url: str = URL) -> None:
        self._client = client
        self._url = f"{url}/emails"
        self._headers = {"Authorization": f"Bearer {key}"}

    async def send(self, mail: Mail) -> str:
        """Implements ports.Mailer; the id is Resend's, or ours when it tells only that it has the mail already."""
        body: dict[str, Any] = {
            "from": mime.mailbox(mail.sender_name, mail.sender),
            "to": [mime.wire_address(mail.to)],
            "subject": mail.subject,
            "html": mail.html,
            "text": mail.text,
            "headers": mime.checked(mail.headers),
            "tags": [{"name": mime.KEY, "value": mail.id}],
        }
        if mail.reply_to:
            body["reply_to"] = mail.reply_to
        headers = {**self._headers, "Idempotency-Key": mail.id}
        answer = await http.post(self._client, self._url, headers, repeatable=True, json=body)
        if answer.status == 200:
            return str(answer.told.get("id", ""))
        if answer.told.get("name") == "invalid_idempotent_request":
            return mail.id
        raise _refusal(answer)


def _refusal(answer: http.Answer) -> DeliveryError:
    name, said = str(answer.told.get("name", "")), str(answer.told.get("message", ""))
    text = http.detail(answer.status, f"{name} {said}")
    if name == "concurrent_idempotent_requests":
        return Unknown("under_way", text, repeatable=True)
    if name == "validation_error" and "`to`" in said:
        return AddressRefused("address_refused", text)
    if name.endswith("quota_exceeded"):
        return Transient("quota", text, _QUOTA)
    return http.refusal(answer, f"{name} {said}")
