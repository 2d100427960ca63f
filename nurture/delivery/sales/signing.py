"""Signatures of the Standard Webhooks specification 1.0.0, symmetric scheme v1.

The signature covers id, time of the attempt and the exact bytes of the body. Several secrets may be in
force at once: we sign with each, and a receiver that knows any of them is satisfied, so a secret can be
rotated without losing a call.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from nurture.domain.errors import InputError, StartError

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
"""How far an attempt's time may lie from the receiver's clock; what is older may be a replay."""

_LEAST, _MOST = 24, 64
_DIGITS = 15


def key_of(secret: str) -> bytes:
    """The bytes of a `whsec_` secret. Raises InputError, which does not repeat it, for any other."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("a webhook secret is not base64") from error
    if not (secret.startswith(PREFIX) and _LEAST <= len(key) <= _MOST):
        raise InputError(
            f"a webhook secret is {PREFIX} and the base64 of {_LEAST} to {_MOST} bytes"
        )
    return key


def require(setting: str, secrets: Sequence[str]) -> None:
    """Raises StartError, which names the setting and repeats no secret, when one of them cannot sign."""
    try:
        for secret in secrets:
            key_of(secret)
    except InputError as error:
        raise StartError(f"{setting}: {error}") from error


def sign(secrets: Sequence[str], id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of an attempt made `at` (aware). Raises InputError for an unusable id or secret."""
    if not id or "." in id or not id.isascii() or not id.isprintable() or " " in id:
        raise InputError("a webhook id is plain ASCII without dots and blanks")
    timestamp = str(int(at.timestamp()))
    signatures = [_signature(key_of(secret), id, timestamp, body) for secret in secrets]
    return {ID: id, TIMESTAMP: timestamp, SIGNATURE: " ".join(signatures)}


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The webhook id of a genuine call. Raises InputError for one that is forged, altered or too old."""
    given = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in (ID, TIMESTAMP, SIGNATURE) if not given.get(name)]
    if missing:
        raise InputError(f"{missing[0]} is missing")
    id, timestamp = given[ID], given[TIMESTAMP]
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _DIGITS):
        raise InputError(f"{TIMESTAMP} is not a number of seconds")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise InputError(f"{TIMESTAMP} is more than 5 minutes away from now")
    expected = [_signature(key_of(secret), id, timestamp, body) for secret in secrets]
    found = [part.encode(errors="replace") for part in given[SIGNATURE].split(" ")]
    if not any(hmac.compare_digest(e.encode(), f) for e in expected for f in found):
        raise InputError("the signature does not match")
    return id


def _signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    signed = f"{id}.{timestamp}.".encode(errors="replace") + body
    return "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
