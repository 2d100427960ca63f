"""Any other receiver of audiences: a signed webhook that names people by the hash of their address.

The body is {"audience", "add": [sha256], "remove": [sha256]} as JSON, the hash that of the lower-case
address without white space; the signature that of Standard Webhooks 1.0.0. Each attempt is a call of
its own, with an id of its own: to take the same change twice harms nothing.
"""

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import httpx

from nurture.delivery.ads import hashing
from nurture.delivery.ads.batches import unidentified
from nurture.delivery.ads.http import post_bytes, retry_after
from nurture.delivery.sales.signing import sign
from nurture.domain.errors import Gone, Permanent, Transient
from nurture.ports import Applied, Identifiers, Person


class WebhookAudiences:
    """`secrets` are those in force (`whsec_…`); it is signed with each."""

    batch_size = 10_000
    removal_size = 10_000
    spacing = timedelta(0)

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        secrets: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._url = url
        self._secrets = secrets
        self._now = now

    def identifiers(self, person: Person) -> Identifiers:
        return Identifiers(hashing.sha256(hashing.linkedin_email(person.email)))

    async def add(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._change(audience, "add", people)

    async def remove(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._change(audience, "remove", people)

    async def _change(self, audience: str, verb: str, people: Sequence[Person]) -> Applied:
        refused = unidentified(people, self.identifiers)
        known = [person for person in people if person.lead_id not in refused]
        named = [self.identifiers(person).email for person in known]
        if named:
            change = {"audience": audience, "add": [], "remove": [], verb: named}
            await self._post(json.dumps(change, separators=(",", ":")).encode())
        return Applied(refused)

    async def _post(self, body: bytes) -> None:
        signature = sign(self._secrets, uuid.uuid4().hex, self._now(), body)
        headers = {"content-type": "application/json", **signature}
        response = await post_bytes(self._client, self._url, body, headers)
        status = response.status_code
        if response.is_success:
            return
        if status == 410:
            raise Gone("gone", f"HTTP {status}")
        if status == 429 or status >= 500:
            raise Transient("not_taken", f"HTTP {status}", retry_after(response))
        raise Permanent("refused", f"HTTP {status}")
