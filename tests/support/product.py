"""Somebody comes to the whole product, and its mails arrive."""

import asyncio
from typing import Any

import httpx

from embedded.up import Running

SOMEONE = {
    "type": "identify",
    "userId": "bo",
    "traits": {"email": "bo@firm.example", "firstName": "Bo"},
    "context": {"consent": {"categoryPreferences": {"email_marketing": True}}},
}


async def identify(http: httpx.AsyncClient, product: Running) -> None:
    url = f"{product.addresses['dashboard']}/v1/batch"
    answer = await http.post(url, json={"batch": [SOMEONE]}, auth=httpx.BasicAuth("key", ""))
    assert answer.json()["accepted"] == 1


async def at_least(count: int, http: httpx.AsyncClient, product: Running) -> list[dict[str, Any]]:
    """The mails in the inbox, once there are so many."""
    async with asyncio.timeout(60):
        while True:
            answer = await http.get(f"{product.addresses['inbox']}/api/mails")
            found: list[dict[str, Any]] = answer.json()["mails"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)
