"""LinkedIn matched audiences: users of a DMP segment.

Source: LinkedIn, Marketing API, DMP segments and streaming users; error handling; versioning.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx

from nurture.delivery.ads import hashing
from nurture.delivery.ads.batches import unidentified
from nurture.delivery.ads.http import content, exchange, retry_after
from nurture.delivery.ads.tokens import TokenSource
from nurture.domain.errors import DeliveryError, Permanent, Transient
from nurture.ports import Applied, Identifiers, Person

_REASONS = {400: "invalid_request", 403: "not_permitted", 426: "version_not_supported"}


class LinkedInAudiences:
    """One ad account; `version` is a month, YYYYMM. LinkedIn is told the e-mail's hash and nothing
    else: names and companies would travel in clear."""

    batch_size = 5_000
    removal_size = 5_000
    spacing = timedelta(seconds=0.2)

    def __init__(
        self, client: httpx.AsyncClient, base_url: str, version: str, tokens: TokenSource
    ) -> None:
        self._client = client
        self._base = f"{base_url.rstrip('/')}/rest/dmpSegments"
        self._tokens = tokens
        self._headers = {
            "LinkedIn-Version": version,
            "X-Restli-Protocol-Version": "2.0.0",
            "X-RestLi-Method": "BATCH_CREATE",
        }

    def identifiers(self, person: Person) -> Identifiers:
        return Identifiers(hashing.sha256(hashing.linkedin_email(person.email)))

    async def add(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._change("ADD", audience, people)

    async def remove(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._change("REMOVE", audience, people)

    async def _change(self, action: str, audience: str, people: Sequence[Person]) -> Applied:
        refused = unidentified(people, self.identifiers)
        known = [person for person in people if person.lead_id not in refused]
        if known:
            refused |= _refused(await self._send(action, audience, known), known)
        return Applied(refused)

    async def _send(
        self, action: str, audience: str, people: Sequence[Person]
    ) -> Mapping[str, Any]:
        token = await self._tokens.token()
        elements = [
            {
                "action": action,
                "userIds": [{"idType": "SHA256_EMAIL", "idValue": self.identifiers(person).email}],
            }
            for person in people
        ]
        response = await exchange(
            self._client,
            "POST",
            f"{self._base}/{audience}/users",
            json={"elements": elements},
            headers={**self._headers, "Authorization": f"Bearer {token}"},
        )
        if not response.is_success:
            renewed = response.status_code == 401 and self._tokens.refused(token)
            raise _failure(response, renewed)
        return content(response)


def _failure(response: httpx.Response, renewed: bool) -> DeliveryError:
    """A segment that does not exist yet answers 404 for minutes; 429 names no time to wait."""
    status = response.status_code
    detail = f"HTTP {status}"
    if status == 401:
        return Transient("token_expired", detail) if renewed else Permanent("token_refused", detail)
    if status == 404:
        return Transient("segment_not_found", detail)
    if status == 429:
        return Transient("rate_limited", detail, retry_after(response))
    if status >= 500:
        return Transient("platform_error", detail, retry_after(response))
    return Permanent(_REASONS.get(status, "refused"), detail)


def _refused(answer: Mapping[str, Any], people: Sequence[Person]) -> dict[str, str]:
    """Every element has its own status, in the order sent. Raises Transient for an answer without."""
    results = answer.get("elements")
    if not isinstance(results, list) or len(results) != len(people):
        raise Transient("answer_incomplete")
    statuses = [result.get("status", 0) for result in results]
    return {
        person.lead_id: f"element_{status}"
        for person, status in zip(people, statuses, strict=True)
        if not 200 <= status < 300
    }
