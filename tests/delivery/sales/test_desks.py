import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from nurture.delivery.sales.desks import CRMS, open_desk, read_owners
from nurture.delivery.sales.formats import FORMATS
from nurture.domain.errors import StartError
from nurture.ports import SalesDesk
from tests.support.crm import hubspot, pipedrive, salesforce
from tests.support.crm.wire import Crm
from tests.support.domain import NOW
from tests.support.sales import SECRET, notice

URL = "https://sales.example"
FAKES: Mapping[str, tuple[type[Crm], str]] = {
    "hubspot": (hubspot.HubSpot, hubspot.TOKEN),
    "pipedrive": (pipedrive.Pipedrive, pipedrive.TOKEN),
    "salesforce": (salesforce.Salesforce, salesforce.TOKEN),
}


def desk(client: httpx.AsyncClient, kind: str, **changes: Any) -> SalesDesk:
    options = {"url": URL, "secrets": [SECRET], "token": "", "owners": {}, **changes}
    return open_desk(kind, client, now=lambda: NOW, **options)


@pytest.mark.parametrize("kind", FORMATS)
async def test_every_webhook_format_can_be_chosen_by_name(kind: str) -> None:
    received: list[httpx.Request] = []

    def receive(request: httpx.Request) -> httpx.Response:
        received.append(request)
        return httpx.Response(200, text="ok")

    async with httpx.AsyncClient(transport=httpx.MockTransport(receive)) as client:
        await desk(client, kind).deliver(notice())
    (request,) = received
    assert request.content == FORMATS[kind](notice()).content
    assert json.loads(request.content)


@pytest.mark.parametrize("kind", CRMS)
async def test_every_crm_can_be_chosen_by_name(kind: str) -> None:
    fake, token = FAKES[kind]
    crm = fake()
    async with httpx.AsyncClient(transport=httpx.MockTransport(crm)) as client:
        await desk(client, kind, token=token).deliver(notice())
    assert crm.calls


@pytest.mark.parametrize("kind", CRMS)
async def test_a_crm_without_a_token_does_not_start(kind: str) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(StartError, match="NURTURE_SALES_TOKEN"):
            desk(client, kind)


@pytest.mark.parametrize("kind", CRMS)
@pytest.mark.parametrize("token", ["tøken", "t t", "t\nt"])
async def test_a_crm_is_not_opened_with_what_no_header_can_carry(kind: str, token: str) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(StartError) as refused:
            desk(client, kind, token=token)
    assert str(refused.value) == (
        "NURTURE_SALES_TOKEN holds characters that no token has; copy it anew"
    )


@pytest.mark.parametrize("kind", ["pipedrive", "salesforce"])
@pytest.mark.parametrize("url", ["", "nonsense", "http://[::1"])
async def test_a_crm_without_an_address_does_not_start(kind: str, url: str) -> None:
    async with httpx.AsyncClient() as client:
        desk(client, "hubspot", token="t", url=url)
        with pytest.raises(StartError, match="NURTURE_SALES_URL"):
            desk(client, kind, token="t", url=url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://xn--a.example", "NURTURE_SALES_URL is not an address"),
        ("https://a..b", "NURTURE_SALES_URL has a host that nobody can have; copy it anew"),
        ("https://a b/hook", "NURTURE_SALES_URL has a host that nobody can have; copy it anew"),
    ],
)
async def test_sales_is_not_told_at_a_host_that_cannot_be(url: str, told: str) -> None:
    async with httpx.AsyncClient() as client:
        for kind, token in (("generic", ""), ("salesforce", "t")):
            with pytest.raises(StartError) as refused:
                desk(client, kind, token=token, url=url)
            assert str(refused.value) == told


async def test_pipedrive_is_not_given_an_id_that_is_no_number() -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(StartError, match="whole numbers"):
            desk(client, "pipedrive", token="t", owners={"Anna": "x1"})


async def test_an_unknown_way_is_answered_with_all_known_ones() -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(StartError, match="generic, cloudevents, slack, teams, hubspot"):
            desk(client, "fax")


def test_owners_are_names_and_ids() -> None:
    assert read_owners("Anna Holm=7001, Bo = 7002,") == {"Anna Holm": "7001", "Bo": "7002"}
    assert read_owners("") == {}


@pytest.mark.parametrize("text", ["Anna", "=7001", "Anna="])
def test_an_owner_without_a_name_or_an_id_is_refused(text: str) -> None:
    with pytest.raises(StartError, match="NURTURE_SALES_OWNERS"):
        read_owners(text)
