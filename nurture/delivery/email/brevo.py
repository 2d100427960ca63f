"""Mail through Brevo: https://developers.brevo.com/reference/send-transac-email

A mail with the same idempotency key goes out once; its pages give the key 15 or 30 minutes, so we count on 15. It
takes only ASCII in headers of one's own.
"""

from datetime import timedelta
from typing import Any

import httpx

from nurture.delivery.email import http, mime
from nurture.domain.errors import AddressRefused, DeliveryError
from nurture.ports import Mail

URL = "https://api.brevo.com"


class BrevoMailer:
    known_for = timedelta(minutes=15)

    def __init__(self, client: httpx.AsyncClient, key: str, url: str = URL) -> None:
        self._client = client
        self._url = f"{url}/v3/smtp/email"
        self._headers = {"api-key": key, "Accept": "application/json"}

    async def send(self, mail: Mail) -> str:
        """Implements ports.Mailer; the id is the Message-ID that Brevo gave it, or ours when it tells only that
        it has the mail already."""
        own = {"idempotencyKey": mail.id, "X-Mailin-custom": mail.id}
        body: dict[str, Any] = {
            "sender": {"email": mail.sender, "name": mail.sender_name},
            "to": [{"email": mime.wire_address(mail.to)}],
            "subject": mail.subject,
            "htmlContent": mail.html,
            "textContent": mail.text,
            "headers": {**mime.checked(mail.headers), **own},
        }
        if mail.reply_to:
            body["replyTo"] = {"email": mail.reply_to}
        answer = await http.post(self._client, self._url, self._headers, repeatable=True, json=body)
        if answer.status in (201, 202):
            return str(answer.told.get("messageId", "")).strip("<>")
        if answer.told.get("code") == "duplicate_request":
            return mail.id
        raise _refusal(answer)


def _refusal(answer: http.Answer) -> DeliveryError:
    code, said = str(answer.told.get("code", "")), str(answer.told.get("message", ""))
    text = http.detail(answer.status, f"{code} {said}")
    if code == "invalid_parameter" and "email is not valid in to" in said:
        return AddressRefused("address_refused", text)
    return http.refusal(answer, f"{code} {said}")
