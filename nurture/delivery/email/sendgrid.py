"""Mail through SendGrid: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send

It answers 202 with an empty body; the id stands in a header. It knows no idempotency keys.
"""

from datetime import timedelta
from typing import Any

import httpx

from nurture.delivery.email import http, mime
from nurture.domain.errors import AddressRefused
from nurture.ports import Mail

URL = "https://api.sendgrid.com"
_OFF = {"enable": False}


class SendGridMailer:
    known_for = timedelta()

    def __init__(self, client: httpx.AsyncClient, key: str, url: str = URL) -> None:
        self._client = client
        self._url = f"{url}/v3/mail/send"
        self._headers = {"Authorization": f"Bearer {key}"}

    async def send(self, mail: Mail) -> str:
        """Implements ports.Mailer; the id is SendGrid's, with which its events' ids begin."""
        body: dict[str, Any] = {
            "from": {"email": mail.sender, "name": mail.sender_name},
            "personalizations": [{"to": [{"email": mime.wire_address(mail.to)}]}],
            "subject": mail.subject,
            "content": [
                {"type": "text/plain", "value": mail.text},
                {"type": "text/html", "value": mail.html},
            ],
            "headers": {**mime.checked(mail.headers), "Message-ID": mime.message_id(mail)},
            "custom_args": {mime.KEY: mail.id},
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": _OFF,
                "subscription_tracking": _OFF,
            },
        }
        if mail.reply_to:
            body["reply_to"] = {"email": mail.reply_to}
        answer = await http.post(self._client, self._url, self._headers, json=body)
        if answer.status == 202:
            return str(answer.headers.get("x-message-id", ""))
        errors = answer.told.get("errors") or [{}]
        field, said = str(errors[0].get("field")), str(errors[0].get("message", ""))
        if answer.status == 400 and field.startswith("personalizations.0.to"):
            raise AddressRefused("address_refused", http.detail(answer.status, said))
        raise http.refusal(answer, said)
