"""The sales desk behind a webhook: signed, known by its id, and tried again by whoever calls us."""

from collections.abc import Callable, Sequence
from datetime import datetime

import httpx

from nurture.delivery.sales import http, signing
from nurture.delivery.sales.formats import Format, generic
from nurture.domain.errors import StartError
from nurture.ports import Notice

OF_PLAYBOOK = "a url in config/webhooks.yaml"
"""Where the address stands that such a desk was opened for."""


class WebhookDesk:
    """Posts each notice to `url`, signed with every one of `secrets` as Standard Webhooks 1.0.0 says.

    Raises StartError for an address or secret that cannot work; `place` is where the address stands.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        secrets: Sequence[str],
        now: Callable[[], datetime],
        body_format: Format = generic,
        place: str = "NURTURE_SALES_URL",
    ) -> None:
        _check(url, secrets, place)
        self._client = client
        self._url = url
        self._secrets = tuple(secrets)
        self._now = now
        self._format = body_format

    async def deliver(self, notice: Notice) -> None:
        """One attempt: any 2xx is success. Raises Gone, Permanent or Transient."""
        body = self._format(notice)
        now = self._now()
        headers = {
            "content-type": body.content_type,
            "user-agent": "nurture",
            **signing.sign(self._secrets, notice.id, now, body.content),
        }
        response = await http.exchange(
            self._client, "POST", self._url, headers=headers, content=body.content
        )
        if problem := http.refusal(response, now):
            raise problem


def require_address(url: str, place: str = "NURTURE_SALES_URL") -> None:
    """The messages do not repeat the address: that of a chat room is a secret itself."""
    try:
        parsed = httpx.URL(url)
        host = parsed.host
    except (httpx.InvalidURL, UnicodeError) as error:
        raise StartError(f"{place} is not an address") from error
    if parsed.scheme not in ("http", "https") or not host:
        raise StartError(f"{place} must begin with https:// and a host")


def _check(url: str, secrets: Sequence[str], place: str) -> None:
    require_address(url, place)
    if not secrets:
        raise StartError("NURTURE_SALES_SECRET is not set; give it a whsec_ secret")
    signing.require("NURTURE_SALES_SECRET", secrets)
