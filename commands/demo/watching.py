"""Looks into the inboxes as people do, and lets readers and sales act on what is new."""

import asyncio
from typing import Any

import httpx

from commands.demo.readers import Readers
from commands.demo.sales_floor import CREATED, SalesFloor

_PAUSE = 0.4


class Watch:
    """`mails` and `handovers` count what was seen so far."""

    def __init__(
        self, http: httpx.AsyncClient, inbox: str, sales: str, readers: Readers, floor: SalesFloor
    ) -> None:
        self._http = http
        self._inbox = f"{inbox}/api/mails"
        self._sales = f"{sales}/api/tasks"
        self._readers = readers
        self._floor = floor
        self._last_mail = ""
        self._notices = 0
        self.mails = 0
        self.handovers = 0

    async def run(self) -> None:
        """Until cancelled; whatever readers and sales still had in mind is then forgotten."""
        async with asyncio.TaskGroup() as people:
            while True:
                for mail in await self._new_mails():
                    people.create_task(self._readers.handle(mail))
                for notice in await self._new_notices():
                    people.create_task(self._floor.handle(notice["type"], notice["data"]))
                await asyncio.sleep(_PAUSE)

    async def _new_mails(self) -> list[dict[str, Any]]:
        answer = await self._http.get(self._inbox, params={"since": self._last_mail})
        found: list[dict[str, Any]] = answer.json()["mails"]
        if found:
            self._last_mail = found[-1]["id"]
        self.mails += len(found)
        return found

    async def _new_notices(self) -> list[dict[str, Any]]:
        answer = await self._http.get(self._sales, params={"after": self._notices})
        found: list[dict[str, Any]] = answer.json()
        self._notices += len(found)
        self.handovers += sum(notice["type"] == CREATED for notice in found)
        return found
