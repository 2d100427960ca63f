"""Providers that sign nothing: the secret stands in the address they call, as Basic or Bearer."""

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from nurture.delivery.feedback import reading
from nurture.delivery.feedback.reading import Forged
from nurture.domain.feedback import Event


class Unsigned:
    """Calls of one JSON object, which `read` makes an event of, or nothing. Any of `secrets` opens, so that one can
    be changed."""

    def __init__(
        self,
        secrets: Sequence[str],
        read: Callable[[Mapping[str, Any], datetime], Event | None],
    ) -> None:
        self._secrets = secrets
        self._read = read

    async def hear(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Event]:
        require(self._secrets, headers)
        event = self._read(reading.mapping(reading.parse(body), "body"), now)
        return [event] if event else []


def require(secrets: Sequence[str], headers: Mapping[str, str]) -> None:
    """Raises Forged unless one of `secrets` is given: as Bearer, as the password of Basic, or as its whole
    `user:password`."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    given = [credentials.strip()] if scheme.lower() == "bearer" else []
    if scheme.lower() == "basic":
        pair = _decoded(credentials)
        given = [pair, pair.partition(":")[2]]
    if not any(_same(each, secret) for each in given for secret in secrets):
        raise Forged("the secret is missing or wrong")


def _decoded(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode()
    except ValueError:
        return ""


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), secret.encode())
