"""Resend's API: https://resend.com/docs/api-reference/emails/send-email"""

import re

from tests.support.esp.wire import Answer, Provider, Refused, Request, Taken, only, plain

KEY = "re_key"
_REQUIRED = {"from", "to", "subject", "html", "text"}
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


class Resend(Provider):
    PATH = "/emails"

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, tuple[bytes, str]] = {}

    def accept(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise _refused(403, "invalid_api_key", "API key is invalid")
        mail = request.json
        if field := only(mail, _REQUIRED, {"headers", "tags", "reply_to"}):
            raise _refused(422, "missing_required_field", f"unknown or missing {field}")
        key = request.headers["idempotency-key"]
        if not 1 <= len(key) <= 256:
            raise _refused(400, "invalid_idempotency_key", "1 to 256 characters")
        if key in self.keys:
            body, id_ = self.keys[key]
            if body != request.body:
                raise _refused(409, "invalid_idempotent_request", "same key, other payload")
            return Answer(200, {"id": id_})
        (to,) = mail["to"]
        (tag,) = mail["tags"]
        if not _TAG.fullmatch(tag["value"]) or not plain(mail["headers"]):
            raise _refused(422, "validation_error", "bad tag or header")
        if to.startswith(("inactive@", "bad@")):
            raise _refused(422, "validation_error", f"Invalid `to` field: {to}")
        if to.startswith("large@"):
            raise _refused(422, "validation_error", "too large")
        self.taken.append(
            Taken(
                mail["from"],
                to,
                mail["subject"],
                mail["html"],
                mail["text"],
                mail["headers"],
                tag["value"],
            )
        )
        id_ = f"49a3999c-0ce1-4ea6-ab68-{len(self.taken):012d}"
        self.keys[key] = (request.body, id_)
        return Answer(200, {"id": id_})


def _refused(status: int, name: str, message: str) -> Refused:
    return Refused(status, {"statusCode": status, "name": name, "message": message})
