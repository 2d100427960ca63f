"""Amazon SES v2: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html

Signatures are checked with Amazon's own library.
"""

import base64

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from mailparser import parse_from_bytes

from tests.support.esp.wire import Answer, Provider, Refused, Request, Taken, only
from tests.support.letters import lint

KEY_ID, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session"
KEY = f"{KEY_ID}:{SECRET}"
_ALLOWED = {"EmailTags", "ConfigurationSetName", "FeedbackForwardingEmailAddress"}


class Ses(Provider):
    PATH = "/v2/email/outbound-emails"
    REGION = "eu-west-1"

    def accept(self, request: Request) -> Answer:
        if request.headers["authorization"] != self._signature(request):
            raise _refused(403, "SignatureDoesNotMatchException", "The signature does not match")
        mail = request.json
        if field := only(mail, {"FromEmailAddress", "Destination", "Content"}, _ALLOWED):
            raise _refused(400, "BadRequestException", f"unknown or missing {field}")
        (to,) = mail["Destination"]["ToAddresses"]
        if to.startswith("large@"):
            raise _refused(400, "MessageRejected", "Email address is on the list")
        if not mail["FromEmailAddress"].isascii():
            raise _refused(400, "BadRequestException", "Local address contains non-ascii")
        raw = base64.b64decode(mail["Content"]["Raw"]["Data"], validate=True)
        lint(raw)
        parsed = parse_from_bytes(raw)
        (tag,) = mail["EmailTags"]
        headers = {name: str(parsed.message.get(name)) for name in parsed.message}
        ((name, address),) = parsed.from_
        self.taken.append(
            Taken(
                f"{name} <{address}>",
                to,
                parsed.subject,
                parsed.text_html[0],
                parsed.text_plain[0],
                headers,
                tag["Value"],
            )
        )
        return Answer(200, {"MessageId": f"0102018f-{len(self.taken):04d}-000000"})

    def _signature(self, request: Request) -> str:
        signed = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
        headers = {name: request.headers[name] for name in signed.split(";")}
        headers.pop("host")
        url = self.url + request.path
        mine = AWSRequest("POST", url, data=request.body, headers=headers)
        mine.context["timestamp"] = request.headers["x-amz-date"]
        auth = SigV4Auth(Credentials(KEY_ID, SECRET), "ses", self.REGION)
        names = auth.headers_to_sign(mine)
        names["host"] = request.headers["host"]
        to_sign = auth.string_to_sign(mine, auth.canonical_request(mine))
        return (
            f"AWS4-HMAC-SHA256 Credential={auth.scope(mine)}, "
            f"SignedHeaders={auth.signed_headers(names)}, Signature={auth.signature(to_sign, mine)}"
        )


def _refused(status: int, kind: str, message: str) -> Refused:
    return Refused(status, {"message": message}, {"x-amzn-ErrorType": f"{kind}:http://amazon"})
