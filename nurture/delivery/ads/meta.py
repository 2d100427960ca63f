"""Meta custom audiences from a customer file: `/{audience}/users` and `/usersreplace` of the Marketing API.

Source: Meta, Marketing API reference, Custom Audience users and usersreplace, Graph API error handling.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx

from nurture.delivery.ads import hashing
from nurture.delivery.ads.batches import BadRecord, narrowed, unidentified
from nurture.delivery.ads.http import content, exchange
from nurture.delivery.ads.meta_errors import failure, slow_down
from nurture.domain.errors import Transient
from nurture.ports import Applied, Identifiers, Person, Portion

_SCHEMA = ("EXTERN_ID", "EMAIL", "PHONE", "FN", "LN", "COUNTRY")
_REMOVALS = 250
"""Rows of one DELETE: with more, the connection has been seen to break."""


class MetaAudiences:
    """One ad account. `region` (ISO 3166-1 alpha-2) is where phone numbers without country code and
    without a country beside them are dialled. `app_secret` only when the app demands a proof."""

    batch_size = 10_000
    removal_size = _REMOVALS
    spacing = timedelta(0)
    session_lasts = timedelta(minutes=90)

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        version: str,
        token: str,
        app_secret: str = "",
        region: str = "",
    ) -> None:
        self._client = client
        self._base = f"{base_url.rstrip('/')}/{version}"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._params = {"appsecret_proof": _proof(token, app_secret)} if app_secret else {}
        self._region = region

    def identifiers(self, person: Person) -> Identifiers:
        country = hashing.country(person.country)
        region = country if len(country) == 2 else self._region
        email, phone = hashing.meta_email(person.email), hashing.meta_phone(person.phone, region)
        return Identifiers(hashing.sha256(email), hashing.sha256(phone))

    async def add(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._change("POST", audience, people, self.batch_size)

    async def remove(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._change("DELETE", audience, people, _REMOVALS)

    async def replace(self, audience: str, people: Sequence[Person], portion: Portion) -> Applied:
        """Who cannot be told apart in an answer with invalid entries counts as refused."""
        session = {
            "session_id": portion.session,
            "batch_seq": portion.number,
            "last_batch_flag": portion.last,
            "estimated_num_total": portion.total,
        }
        try:
            refused, pause = await self._send("POST", f"{audience}/usersreplace", people, session)
        except BadRecord as error:
            return Applied({person.lead_id: error.reason for person in people})
        return Applied(refused, pause)

    async def _change(
        self, method: str, audience: str, people: Sequence[Person], size: int
    ) -> Applied:
        refused = unidentified(people, self.identifiers)
        known = [person for person in people if person.lead_id not in refused]

        pauses: list[timedelta] = []

        async def attempt(batch: Sequence[Person]) -> Mapping[str, str]:
            answered, pause = await self._send(method, f"{audience}/users", batch)
            pauses.extend([pause] if pause else [])
            return answered

        for start in range(0, len(known), size):
            refused |= await narrowed(known[start : start + size], attempt)
        return Applied(refused, max(pauses, default=None))

    async def _send(
        self,
        method: str,
        edge: str,
        people: Sequence[Person],
        session: Mapping[str, Any] | None = None,
    ) -> tuple[Mapping[str, str], timedelta | None]:
        rows = [self._row(person) for person in people]
        upload: dict[str, Any] = {"payload": {"schema": list(_SCHEMA), "data": rows}}
        response = await exchange(
            self._client,
            method,
            f"{self._base}/{edge}",
            json={**upload, "session": session} if session else upload,
            headers=self._headers,
            params=self._params,
        )
        answer = content(response)
        if not response.is_success or "error" in answer:
            raise failure(response, answer.get("error"))
        return _refused(answer, people), slow_down(response)

    def _row(self, person: Person) -> list[str]:
        names = (hashing.meta_name(person.first_name), hashing.meta_name(person.last_name))
        more = (hashing.sha256(text) for text in (*names, hashing.country(person.country)))
        return [person.lead_id, *self.identifiers(person), *more]


def _proof(token: str, app_secret: str) -> str:
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def _refused(answer: Mapping[str, Any], people: Sequence[Person]) -> Mapping[str, str]:
    """The samples are trusted when they explain every invalid entry; their texts may hold personal
    data and go nowhere. Raises BadRecord when they do not, Transient when nothing was taken."""
    if not answer.get("num_received"):
        raise Transient("nothing_received")
    invalid = answer.get("num_invalid_entries") or 0
    if not invalid:
        return {}
    places = {int(key) for key in answer.get("invalid_entry_samples") or () if key.isdigit()}
    if len(places) != invalid or max(places) >= len(people):
        raise BadRecord("invalid_entry")
    return {people[place].lead_id: "invalid_entry" for place in places}
