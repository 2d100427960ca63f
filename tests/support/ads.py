"""An HTTP client for a stand-in, and people for audiences."""

from typing import Any

import httpx

from embedded.ads.standin import StandIn
from nurture.ports import Person

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
