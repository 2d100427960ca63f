"""What the CRM adapters share: one JSON call, and a person's name in two parts.

Each handover is one task in the CRM: later notices of it (reminders, a new owner) change that task. A
CRM knows no idempotency key, so every adapter looks for the handover before it creates anything; for one
handover only one notice is delivered at a time.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from nurture.delivery.exchange import answered
from nurture.delivery.sales import http
from nurture.domain.errors import DeliveryError, Transient

SETTLES = timedelta(seconds=5)
"""A CRM's search lags by a few seconds: what a failed call may have made is not looked for sooner."""


class CrmApi:
    """Calls under `base_url`; `headers` carry the credentials."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        headers: Mapping[str, str],
        now: Callable[[], datetime],
        judge: Callable[[httpx.Response, datetime], DeliveryError | None] = http.refusal,
    ) -> None:
        self._client = client
        self._base = base_url.rstrip("/")
        self._headers = dict(headers)
        self._now = now
        self._judge = judge

    async def call(
        self, method: str, path: str, json: Any = None, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The JSON object answered, empty without a body. Raises Permanent or Transient."""
        try:
            return await self._answer(method, path, json, params)
        except Transient as error:
            error.retry_after = max(error.retry_after or SETTLES, SETTLES)
            raise

    async def _answer(
        self, method: str, path: str, json: Any, params: Mapping[str, str] | None
    ) -> dict[str, Any]:
        response = await http.exchange(
            self._client,
            method,
            self._base + path,
            headers=self._headers,
            json=json,
            params=params,
        )
        if problem := self._judge(response, self._now()):
            raise problem
        if not response.content:
            return {}
        try:
            found = answered(response)
        except ValueError as error:
            raise Transient("not_json", f"HTTP {response.status_code}") from error
        if not isinstance(found, dict):
            raise Transient("not_json", "not an object")
        return found


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty: what we do not know must not wipe out what the CRM knows."""
    return {name: value for name, value in fields.items() if value not in ("", None)}


def due(data: Mapping[str, Any]) -> datetime:
    """When the handover is due, in UTC."""
    return datetime.fromisoformat(data["handover"]["due_at"]).astimezone(UTC)


def due_on(data: Mapping[str, Any]) -> str:
    """The day on the agreement's clock. Notices of the release before have none, and the moment's stands in for it."""
    return str(data["handover"].get("due_on") or due(data).date())


def last_name(lead: Mapping[str, Any]) -> str:
    """CRMs insist on one: the whole name where it is not known in parts."""
    return str(lead["last_name"] or lead["name"])
