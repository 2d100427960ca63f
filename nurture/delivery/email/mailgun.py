"""Mail through Mailgun: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages

A form, not JSON. It knows no idempotency keys; our Message-ID is kept.
"""

from datetime import timedelta

import httpx

from nurture.delivery.email import http, mime
from nurture.domain.errors import AddressRefused
from nurture.ports import Mail

URLS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}


class MailgunMailer:
    """`domain` is the sending domain as Mailgun knows it."""

    known_for = timedelta()

    def __init__(self, client: httpx.AsyncClient, key: str, domain: str, url: str) -> None:
        self._client = client
        self._url = f"{url}/v3/{domain}/messages"
        self._auth = httpx.BasicAuth("api", key)

    async def send(self, mail: Mail) -> str:
        """Implements ports.Mailer; the id is the Message-ID, as Mailgun tells it."""
        form = {
            "from": mime.mailbox(mail.sender_name, mail.sender),
            "to": mime.wire_address(mail.to),
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
            "o:tracking": "no",
            f"v:{mime.KEY}": mail.id,
            "h:Message-Id": mime.message_id(mail),
            **{f"h:{name}": value for name, value in mime.checked(mail.headers).items()},
        }
        if mail.reply_to:
            form["h:Reply-To"] = mail.reply_to
        answer = await http.post(self._client, self._url, {}, data=form, auth=self._auth)
        if answer.status == 200:
            return str(answer.told.get("id", "")).strip("<>")
        said = str(answer.told.get("message", ""))
        if answer.status == 400 and "to parameter" in said.lower():
            raise AddressRefused("address_refused", http.detail(answer.status, said))
        raise http.refusal(answer, said)
