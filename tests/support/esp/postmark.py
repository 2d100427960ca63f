"""Postmark's API: https://postmarkapp.com/developer/api/email-api"""

from tests.support.esp.wire import Answer, Provider, Refused, Request, Taken, only, plain

KEY = "postmark-server-token"
_REQUIRED = {"From", "To", "Subject", "HtmlBody", "TextBody", "MessageStream"}
_ALLOWED = {"ReplyTo", "Headers", "Metadata", "Tag", "TrackOpens", "TrackLinks"}


class Postmark(Provider):
    PATH = "/email"

    def accept(self, request: Request) -> Answer:
        if request.headers.get("x-postmark-server-token") != KEY:
            raise _refused(10, "Bad or missing Server API token.", 401)
        if request.headers.get("accept") != "application/json":
            raise _refused(0, "Accept application/json", 406)
        mail = request.json
        if field := only(mail, _REQUIRED, _ALLOWED):
            raise _refused(403, f"unknown or missing {field}")
        headers = {each["Name"]: each["Value"] for each in mail["Headers"]}
        if not plain(headers):
            raise _refused(300, "Invalid header")
        if mail["MessageStream"] != "broadcast":
            raise _refused(1235, "The stream provided does not exist on this server.")
        if mail["TrackOpens"] or mail["TrackLinks"] != "None":
            raise _refused(300, "this account follows no links")
        if mail["To"].startswith("inactive@"):
            raise _refused(406, f"Found inactive addresses: {mail['To']}.")
        if mail["To"].startswith("bad@"):
            raise _refused(300, f"Error parsing 'To': {mail['To']}")
        if mail["To"].startswith("large@"):
            raise _refused(300, "Message is too large")
        self.taken.append(
            Taken(
                mail["From"],
                mail["To"],
                mail["Subject"],
                mail["HtmlBody"],
                mail["TextBody"],
                headers,
                mail["Metadata"]["mail"],
            )
        )
        id_ = f"b7bc2f4a-e38e-4336-af7d-{len(self.taken):012d}"
        return Answer(200, {"To": mail["To"], "MessageID": id_, "ErrorCode": 0, "Message": "OK"})


def _refused(code: int, message: str, status: int = 422) -> Refused:
    return Refused(status, {"ErrorCode": code, "Message": message})
