"""Mail through Postmark: https://postmarkapp.com/developer/api/email-api

It knows no idempotency keys. Errors carry a number of their own:
https://postmarkapp.com/developer/api/overview#error-codes
"""

from datetime import timedelta

import httpx

from nurture.delivery.email import http, mime
from nurture.delivery.exchange import UNTIL_REPAIRED
from nurture.domain.errors import AddressRefused, DeliveryError, Transient
from nurture.ports import Mail

URL = "https://api.postmarkapp.com"
_INACTIVE, _BAD_ADDRESS = 406, 300
_ACCOUNT = frozenset({10, 400, 401, 405, 412, 413})
"""The token, the sender's signature, the credits, an account not yet approved: an operator can mend these."""


class PostmarkMailer:
    """`stream` is the message stream; marketing belongs on one of the type broadcast."""

    known_for = timedelta()

    def __init__(self, client: httpx.AsyncClient, key: str, stream: str, url: str = URL) -> None:
        self._client = client
        self._url = f"{url}/email"
        self._headers = {"X-Postmark-Server-Token": key, "Accept": "application/json"}
        self._stream = stream or "broadcast"

    async def send(self, mail: Mail) -> str:
        """Implements ports.Mailer; the id is Postmark's."""
        own = {"Message-ID": mime.message_id(mail), "X-PM-KeepID": "true"}
        body = {
            "From": mime.mailbox(mail.sender_name, mail.sender),
            "To": mime.wire_address(mail.to),
            "Subject": mail.subject,
            "HtmlBody": mail.html,
            "TextBody": mail.text,
            "MessageStream": self._stream,
            "Headers": [
                {"Name": name, "Value": value}
                for name, value in {**mime.checked(mail.headers), **own}.items()
            ],
            "Metadata": {mime.KEY: mail.id},
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        if mail.reply_to:
            body["ReplyTo"] = mail.reply_to
        answer = await http.post(self._client, self._url, self._headers, json=body)
        code = answer.told.get("ErrorCode")
        if answer.status == 200 and code == 0:
            return str(answer.told.get("MessageID", ""))
        raise _refusal(answer, code)


def _refusal(answer: http.Answer, code: object) -> DeliveryError:
    said = str(answer.told.get("Message", ""))
    text = http.detail(answer.status, f"{code} {said}")
    if code == _INACTIVE or (code == _BAD_ADDRESS and "'To'" in said):
        return AddressRefused("address_refused", text)
    if code in _ACCOUNT:
        return Transient("account_refused", text, UNTIL_REPAIRED)
    return http.refusal(answer, f"{code} {said}")
