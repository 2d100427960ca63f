"""Signed, expiring tokens for links in mails and tasks. They carry surrogate ids, never an address."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from nurture.domain.errors import InputError

OPEN, CLICK, UNSUBSCRIBE, HANDOVER = "open", "click", "unsubscribe", "handover"
CONFIRM = "confirm"


def hashed(secret: str) -> str:
    """How one of our random secrets is kept, or sought so that the time it takes tells nothing of it. 256 random bits
    need no slow hash; what comes from outside may hold any character."""
    return sha256(secret.encode(errors="replace")).hexdigest()


class Tokens:
    """Signs with the last key and accepts all, so a key can be rotated. `use` salts: a token made for
    one use is worthless for another."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._serializers: dict[str, URLSafeTimedSerializer] = {}

    def sign(self, use: str, content: Any) -> str:
        return str(self._serializer(use).dumps(content))

    def read(self, use: str, token: str, max_age: timedelta | None = None) -> Any:
        """What was signed. Raises InputError for a token that is altered, expired or of another use."""
        seconds = int(max_age.total_seconds()) if max_age else None
        try:
            return self._serializer(use).loads(token, max_age=seconds)
        except SignatureExpired as error:
            raise InputError("this link has expired") from error
        except BadSignature as error:
            raise InputError("this link is not valid") from error

    def lead_leaving(self, token: str) -> str:
        """Whose mails a link to unsubscribe ends. Raises InputError like `read`."""
        try:
            lead_id, _ = self.read(UNSUBSCRIBE, token)
        except (ValueError, TypeError) as error:
            raise InputError("this link is not valid") from error
        return str(lead_id)

    def signed_at(self, use: str, token: str) -> datetime:
        """When a valid token was made (UTC, whole seconds). Raises InputError like `read`."""
        try:
            _, at = self._serializer(use).loads(token, return_timestamp=True)
        except BadSignature as error:
            raise InputError("this link is not valid") from error
        assert isinstance(at, datetime)
        return at

    def _serializer(self, use: str) -> URLSafeTimedSerializer:
        if use not in self._serializers:
            self._serializers[use] = URLSafeTimedSerializer(self._keys, salt=f"nurture.{use}")
        return self._serializers[use]
