"""Amazon's request signature, version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Credentials:
    """`token` belongs to a key that expires."""

    key_id: str
    secret: str
    token: str = ""


def signed(
    credentials: Credentials, service: str, region: str, url: str, body: bytes, now: datetime
) -> dict[str, str]:
    """The headers of a POST of JSON to `url`, which has no query. `now` is in UTC."""
    parts = urlsplit(url)
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"content-type": "application/json", "host": parts.netloc, "x-amz-date": moment}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{moment}\n{scope}\n{_digest(_canonical(parts.path, headers, body))}"
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    authorization = (
        f"{_ALGORITHM} Credential={credentials.key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return {**headers, "authorization": authorization}


def _canonical(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"{name}:{value}" for name, value in sorted(headers.items())]
    names = ";".join(sorted(headers))
    request = ["POST", quote(path, safe="/-_.~"), "", *lines, "", names, _digest(body)]
    return "\n".join(request).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
