"""SendGrid's API: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send"""

from tests.support.esp.wire import Answer, Provider, Refused, Request, Taken, only, plain

KEY = "SG.key"
_REQUIRED = {"from", "personalizations", "subject", "content"}
_ALLOWED = {"reply_to", "headers", "categories", "custom_args", "tracking_settings", "asm"}
_RESERVED = {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type"}
_RESERVED |= {"content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc"}


class SendGrid(Provider):
    PATH = "/v3/mail/send"

    def accept(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise _refused("authorization", "The provided authorization grant is invalid", 401)
        mail = request.json
        if field := only(mail, _REQUIRED, _ALLOWED):
            raise _refused(field, "unknown or missing")
        (personal,) = mail["personalizations"]
        (to,) = personal["to"]
        if [each["type"] for each in mail["content"]] != ["text/plain", "text/html"]:
            raise _refused("content", "text/plain comes before text/html")
        if any(name.lower() in _RESERVED for name in mail["headers"]) or not plain(mail["headers"]):
            raise _refused("headers", "reserved or unfit header")
        settings = mail["tracking_settings"]
        if any(each["enable"] for each in settings.values()):
            raise _refused("tracking_settings", "this account follows no links")
        if to["email"].startswith(("inactive@", "bad@")):
            text = f"Does not contain a valid address: {to['email']}"
            raise _refused("personalizations.0.to.0.email", text)
        if to["email"].startswith("large@"):
            raise _refused("message", "too large", 413)
        sender = f"{mail['from']['name']} <{mail['from']['email']}>"
        text, html = (each["value"] for each in mail["content"])
        key = mail["custom_args"]["mail"]
        self.taken.append(
            Taken(sender, to["email"], mail["subject"], html, text, mail["headers"], key)
        )
        return Answer(202, None, {"X-Message-Id": f"14c5d75ce93.dfd.64b469.{len(self.taken)}"})


def _refused(field: str, message: str, status: int = 400) -> Refused:
    return Refused(status, {"errors": [{"message": message, "field": field, "help": None}]})
