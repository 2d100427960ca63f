"""The ways to tell sales, by the name that the setting NURTURE_SALES_DESK gives."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import httpx

from nurture.delivery.sales import hubspot
from nurture.delivery.sales.formats import FORMATS
from nurture.delivery.sales.hubspot import HubSpotDesk
from nurture.delivery.sales.pipedrive import PipedriveDesk
from nurture.delivery.sales.salesforce import SalesforceDesk
from nurture.delivery.sales.webhook import WebhookDesk, require_address
from nurture.domain.errors import StartError
from nurture.ports import SalesDesk
from nurture.settings import as_token, leads_somewhere

CRMS = ("hubspot", "pipedrive", "salesforce")


def open_desk(
    kind: str,
    client: httpx.AsyncClient,
    url: str,
    secrets: Sequence[str],
    token: str,
    owners: Mapping[str, str],
    now: Callable[[], datetime],
) -> SalesDesk:
    """A webhook in one of FORMATS, signed with `secrets`, or one of CRMS, opened with `token`.

    `owners` maps salespeople to their ids in the CRM. Raises StartError for what cannot work.
    """
    if kind != "hubspot":
        _require_host(url)
    if kind in FORMATS:
        return WebhookDesk(client, url, secrets, now, FORMATS[kind])
    if kind not in CRMS:
        known = ", ".join([*FORMATS, *CRMS])
        raise StartError(f"NURTURE_SALES_DESK: {kind!r} is not one of {known}")
    if not token:
        raise StartError(f"NURTURE_SALES_TOKEN is not set; {kind} needs one")
    token = as_token("NURTURE_SALES_TOKEN", token)
    match kind:
        case "hubspot":
            return HubSpotDesk(client, token, now, owners, hubspot.URL)
        case "pipedrive":
            return PipedriveDesk(client, url, token, now, owners)
        case _:
            return SalesforceDesk(client, url, token, now, owners)


def _require_host(url: str) -> None:
    """An address whose host can be looked up. The messages do not repeat it."""
    require_address(url)
    if not leads_somewhere(url):
        raise StartError("NURTURE_SALES_URL has a host that nobody can have; copy it anew")


def read_owners(text: str) -> dict[str, str]:
    """`Anna Holm=7001, Bo=7002` as a mapping. Raises StartError for a part without name or id."""
    owners = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, id = (piece.strip() for piece in part.partition("="))
        if not name or not id:
            raise StartError(f"NURTURE_SALES_OWNERS: {part!r} must be a name, = and an id")
        owners[name] = id
    return owners
