"""Google Customer Match through the Data Manager API: audienceMembers:ingest and :remove, and what came of them.

Source: Google, Data Manager API reference v1.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx

from nurture.delivery.ads import hashing
from nurture.delivery.ads.batches import narrowed, unidentified
from nurture.delivery.ads.google_errors import failure
from nurture.delivery.ads.google_requests import UNKNOWN_REQUEST, progress, request_of
from nurture.delivery.ads.http import content, exchange
from nurture.delivery.ads.tokens import TokenSource
from nurture.domain.audience import Progress
from nurture.domain.errors import Permanent
from nurture.ports import Applied, Identifiers, Person

_CONSENT = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
"""Named with every member: only people who consented are ever handed to an AudienceSink."""


class GoogleAudiences:
    """One Google Ads account. `login_account` is the manager account that acts for it, if one does;
    `project` the cloud project to bill, needed with a user's credentials only."""

    batch_size = 10_000
    removal_size = 10_000
    spacing = timedelta(seconds=0.2)

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        tokens: TokenSource,
        account: str,
        login_account: str = "",
        project: str = "",
        region: str = "",
    ) -> None:
        self._client = client
        self._base = f"{base_url.rstrip('/')}/v1"
        self._tokens = tokens
        self._destination: dict[str, Any] = {"operatingAccount": _account(account)}
        if login_account:
            self._destination["loginAccount"] = _account(login_account)
        self._headers = {"x-goog-user-project": project} if project else {}
        self._region = region

    async def add(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._change("ingest", audience, people)

    async def remove(self, audience: str, people: Sequence[Person]) -> Applied:
        return await self._change("remove", audience, people)

    async def _change(self, verb: str, audience: str, people: Sequence[Person]) -> Applied:
        refused = unidentified(people, self.identifiers)
        accepted: dict[str, str] = {}

        async def attempt(batch: Sequence[Person]) -> Mapping[str, str]:
            body = self._body(verb, audience, batch)
            answer = await self._call("POST", f"audienceMembers:{verb}", len(batch), json=body)
            request = request_of(answer)
            accepted.update((person.lead_id, request) for person in batch)
            return {}

        known = [person for person in people if person.lead_id not in refused]
        refused |= await narrowed(known, attempt)
        return Applied(refused, accepted=accepted)

    async def progress(self, request: str) -> Progress:
        asked = {"requestId": request}
        try:
            answer = await self._call("GET", "requestStatus:retrieve", params=asked)
        except Permanent as error:
            if error.reason in UNKNOWN_REQUEST:
                return Progress(error="request_unknown")
            raise
        return progress(answer)

    async def _call(
        self,
        method: str,
        path: str,
        records: int = 0,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        token = await self._tokens.token()
        response = await exchange(
            self._client,
            method,
            f"{self._base}/{path}",
            json=json,
            headers={**self._headers, "Authorization": f"Bearer {token}"},
            params=params,
        )
        if not response.is_success:
            renewed = response.status_code == 401 and self._tokens.refused(token)
            raise failure(response, records, renewed)
        return content(response)

    def _body(self, verb: str, audience: str, people: Sequence[Person]) -> dict[str, Any]:
        """A removal names neither consent nor terms: they are no fields of it."""
        members: list[dict[str, Any]] = [
            {"userData": {"userIdentifiers": _named(self.identifiers(person))}} for person in people
        ]
        body: dict[str, Any] = {
            "destinations": [{**self._destination, "productDestinationId": audience}],
            "audienceMembers": members,
            "encoding": "HEX",
        }
        if verb == "ingest":
            for member in members:
                member["consent"] = _CONSENT
            body["termsOfService"] = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
        return body

    def identifiers(self, person: Person) -> Identifiers:
        """No postal address: Google wants a postal code with it, which a Person does not have."""
        country = hashing.country(person.country)
        region = country if len(country) == 2 else self._region
        email = hashing.sha256(hashing.google_email(person.email))
        phone = hashing.sha256(hashing.google_phone(person.phone, region))
        return Identifiers(email, phone)


def _named(identifiers: Identifiers) -> list[dict[str, str]]:
    named = {"emailAddress": identifiers.email, "phoneNumber": identifiers.phone}
    return [{kind: digest} for kind, digest in named.items() if digest]


def _account(number: str) -> dict[str, str]:
    return {"accountType": "GOOGLE_ADS", "accountId": number.replace("-", "")}
