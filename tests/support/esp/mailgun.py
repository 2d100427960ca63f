"""Mailgun's API: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages"""

import base64
from urllib.parse import parse_qs

from tests.support.esp.wire import Answer, Provider, Refused, Request, Taken, only, plain

KEY = "key-mailgun"
DOMAIN = "mg.x-education.example"
_REQUIRED = {"from", "to", "subject", "text", "html"}


class Mailgun(Provider):
    PATH = f"/v3/{DOMAIN}/messages"

    def accept(self, request: Request) -> Answer:
        login = base64.b64encode(f"api:{KEY}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {login}":
            raise Refused(401, "Forbidden")
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            raise Refused(400, {"message": "a form, please"})
        fields = parse_qs(request.body.decode(), strict_parsing=True)
        if any(len(values) > 1 for values in fields.values()):
            raise Refused(400, {"message": "given twice"})
        form = {name: values[0] for name, values in fields.items()}
        named = {name for name in form if name[:2] in ("h:", "v:", "o:")}
        if field := only(form, _REQUIRED, named):
            raise Refused(400, {"message": f"{field} is missing or unknown"})
        headers = {name[2:]: value for name, value in form.items() if name.startswith("h:")}
        if not plain(headers) or form["o:tracking"] != "no":
            raise Refused(400, {"message": "unfit header, or links are followed"})
        if form["to"].startswith(("inactive@", "bad@")):
            raise Refused(400, {"message": f"to parameter is not a valid address: {form['to']}"})
        if form["to"].startswith("large@"):
            raise Refused(400, {"message": "message too large"})
        self.taken.append(
            Taken(
                form["from"],
                form["to"],
                form["subject"],
                form["html"],
                form["text"],
                headers,
                form["v:mail"],
            )
        )
        return Answer(200, {"id": headers["Message-Id"], "message": "Queued. Thank you."})
