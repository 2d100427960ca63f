"""Stand-ins with their adapters, an HTTP client for them, and people for audiences."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from embedded.ads.google import GoogleRules
from embedded.ads.linkedin import LinkedInRules
from embedded.ads.meta import MetaRules
from embedded.ads.standin import StandIn
from nurture.delivery.ads.google import GoogleAudiences
from nurture.delivery.ads.hashing import sha256
from nurture.delivery.ads.linkedin import LinkedInAudiences
from nurture.delivery.ads.meta import MetaAudiences
from nurture.delivery.ads.tokens import FixedToken
from nurture.ports import AudienceSink, Person

SOREN = Person("crm-1", " Foo.Bar+x@Gmail.COM ", "20 12 34 56", "Søren", "Ærø-Ågård", "DK")


def crowd(size: int, start: int = 0) -> list[Person]:
    """People with an address each, and nothing else."""
    return [Person(f"lead-{n}", f"person{n}@firma.dk") for n in range(start, start + size)]


class Network(httpx.AsyncBaseTransport):
    """Leads to the application in this process; a connection it breaks is broken for the client too."""

    def __init__(self, app: Any) -> None:
        self._app = httpx.ASGITransport(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._app.handle_async_request(request)
        except ConnectionResetError as error:
            raise httpx.ReadError("connection reset", request=request) from error


def client_of(app: StandIn) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=Network(app))


@dataclass(frozen=True)
class Pair:
    """A platform's stand-in, the adapter that talks to it, and by what it knows a person."""

    rules: Callable[[], Any]
    sink: Callable[[StandIn], AudienceSink]
    key: Callable[[Person], str]


def digest(person: Person) -> str:
    return sha256(person.email or "")


PAIRS = {
    "meta": Pair(
        lambda: MetaRules("t"),
        lambda app: MetaAudiences(client_of(app), "http://ads", "v26.0", "t"),
        lambda person: person.lead_id,
    ),
    "google": Pair(
        lambda: GoogleRules("t"),
        lambda app: GoogleAudiences(client_of(app), "http://ads", FixedToken("t"), "1"),
        digest,
    ),
    "linkedin": Pair(
        lambda: LinkedInRules("t"),
        lambda app: LinkedInAudiences(client_of(app), "http://ads", "202607", FixedToken("t")),
        digest,
    ),
}
