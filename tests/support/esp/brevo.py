"""Brevo's API: https://developers.brevo.com/reference/send-transac-email"""

from uuid import UUID

from tests.support.esp.wire import Answer, Provider, Refused, Request, Taken, only, plain

KEY = "xkeysib-key"
_REQUIRED = {"sender", "to", "subject", "htmlContent", "textContent"}


class Brevo(Provider):
    PATH = "/v3/smtp/email"

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[UUID] = set()

    def accept(self, request: Request) -> Answer:
        if request.headers.get("api-key") != KEY:
            raise _refused(401, "unauthorized", "Key not found")
        mail = request.json
        if field := only(mail, _REQUIRED, {"replyTo", "headers", "tags"}):
            raise _refused(400, "invalid_parameter", f"unknown or missing {field}")
        headers = dict(mail["headers"])
        key = UUID(headers.pop("idempotencyKey"))
        if key in self.keys:
            raise _refused(400, "duplicate_request", "Request with the same key was processed")
        (to,) = mail["to"]
        if not plain(headers):
            raise _refused(400, "invalid_parameter", "header")
        if to["email"].startswith(("inactive@", "bad@")):
            raise _refused(400, "invalid_parameter", "email is not valid in to")
        if to["email"].startswith("large@"):
            raise _refused(400, "invalid_parameter", "too large")
        self.keys.add(key)
        sender = f"{mail['sender']['name']} <{mail['sender']['email']}>"
        self.taken.append(
            Taken(
                sender,
                to["email"],
                mail["subject"],
                mail["htmlContent"],
                mail["textContent"],
                headers,
                headers.pop("X-Mailin-custom"),
            )
        )
        id_ = f"<202611251200.{len(self.taken)}@smtp-relay.mailin.fr>"
        return Answer(201, {"messageId": id_})


def _refused(status: int, code: str, message: str) -> Refused:
    return Refused(status, {"code": code, "message": message})
