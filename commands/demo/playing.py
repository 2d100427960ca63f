"""The play of the demo: a website sends, readers read, sales answers, and at the end all is counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from commands import opening
from commands.demo.evidence import Ends, differences
from commands.demo.leads import Lead, plan
from commands.demo.progress import Telling
from commands.demo.readers import CLICK, OPEN, UNSUBSCRIBE, Readers
from commands.demo.sales_floor import SalesFloor
from commands.demo.watching import Watch
from commands.demo.website import Website
from embedded.up import Running
from nurture.playbook.durations import Durations
from nurture.reports import Reports
from nurture.store import notices
from nurture.store.backlog import backlog
from nurture.store.database import Database
from nurture.versions.shelf import Shelf

PATIENCE = 240.0
"""Seconds after the last day within which a slow machine must have done all that was due on it."""

TRIES = 3

LAG = 6.0
"""Days of the playbook. Who is behind by more at the end was so before, and broke promises that sales kept."""


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    leads: list[Lead]
    days: float
    leave: bool
    as_json: bool


@dataclass(frozen=True)
class Outcome:
    """The report, and every point in which the receiving ends say something else. `behind`: how many days of the
    playbook after the last one all that had been due was done."""

    report: dict[str, Any]
    differences: list[str]
    behind: float = 0.0

    @property
    def lag(self) -> str:
        """A word to the reader about a machine that was too slow for the pace; empty where it was not."""
        if self.behind <= LAG:
            return ""
        return (
            f"This machine was {self.behind:.0f} days of the playbook behind at the end, so some deadlines were missed"
            " by it and not by sales; a longer day in --pace gives it time."
        )


def utc_now() -> datetime:
    return datetime.now(UTC)


class Play:
    """One run through the playbook's days, on a product that runs."""

    def __init__(self, product: Running, http: httpx.AsyncClient, wish: Wish) -> None:
        self._product = product
        self._http = http
        self._wish = wish
        settings, address = product.settings, product.addresses
        day = Durations(settings.pace).day.total_seconds()
        by_email = {lead.email: lead for lead in wish.leads}
        key = settings.server_keys.get_secret_value().rpartition(":")[2]
        self._day = day
        self._website = Website(http, f"{address['dashboard']}/v1/batch", key, day, utc_now)
        self._readers = Readers(http, by_email, settings.base_url, day)
        self._floor = SalesFloor(http, by_email, day, utc_now)
        self._watch = Watch(
            http, address["inbox"], address["sales inbox"], self._readers, self._floor
        )

    async def run(self) -> Outcome:
        """Play, wait until the last day's work is done, and compare while everything stands still."""
        async with opening.database(self._product.settings) as db:
            with Telling(self._wish.days, self._figures) as telling:
                async with self._people() as people:
                    end = await self._days(people, telling)
                    await self._done(db, telling, end)
                    behind = (utc_now() - end).total_seconds() / self._day
                return replace(await self._agreement(db, telling, end), behind=behind)

    @asynccontextmanager
    async def _people(self) -> AsyncIterator["asyncio.Future[Any]"]:
        """Everybody outside: they act until the end of the block, and then drop what they hold."""
        acting = asyncio.gather(self._website.play(plan(self._wish.leads)), self._watch.run())
        try:
            yield acting
        finally:
            acting.cancel()
            with suppress(asyncio.CancelledError):
                await acting

    async def _days(self, people: "asyncio.Future[Any]", telling: Telling) -> datetime:
        """Until the last day is over, and all that the website had to send is sent. When that was."""
        clock = asyncio.get_running_loop().time
        start = clock()
        while not people.done():
            passed = (clock() - start) / self._day
            telling.at(passed)
            if passed >= self._wish.days and self._website.done:
                break
            await asyncio.wait((people,), timeout=min(0.25, self._day))
        else:
            await people
        return utc_now()

    async def _agreement(self, db: Database, telling: Telling, end: datetime) -> Outcome:
        """The last word of a few: what is on its way while everything stops differs only once."""
        for _ in range(TRIES):
            overdue = await self._done(db, telling, end)
            async with self._product.standstill():
                outcome = await self._compare(db, overdue)
            if not outcome.differences:
                break
            end = utc_now()
        return outcome

    async def _done(self, db: Database, telling: Telling, end: datetime) -> dict[str, int]:
        """Wait until all that was due by the end is done. What of it is overdue when patience ends; nothing, as it
        should be. The days go on, and what falls due on them is no longer waited for."""
        overdue: dict[str, int] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    async with db.read() as session:
                        late = await backlog(session, end)
                    overdue = {kind: each.number for kind, each in late.items() if each.number}
                    if not overdue:
                        break
                    telling.waits(overdue)
                    await asyncio.sleep(0.25)
        return overdue

    async def _compare(self, db: Database, overdue: dict[str, int]) -> Outcome:
        shelf = Shelf(db, self._product.settings.pace)
        async with db.read() as session:
            audiences = (await shelf.current(session)).audiences.values()
            untold = await notices.on_their_way(session)
        address = self._product.addresses
        names = {audience.external_id: audience.id for audience in audiences}
        ends = Ends(address["inbox"], address["sales inbox"], address["ad platform"], names)
        report = await Reports(db, shelf).summary(utc_now())
        sent = {"leads": len(self._wish.leads), "touches": self._website.sent}
        found = differences(await ends.look(self._http, untold), report, sent)
        found += [f"{number} {kind} are overdue" for kind, number in overdue.items()]
        found += [f"the server refused a message: {reason}" for reason in self._website.refused]
        return Outcome(report, found)

    def _figures(self) -> str:
        read, said = self._readers.done, self._floor.said
        return (
            f"{self._website.sent} touches, {self._watch.mails} mails"
            f" ({read[OPEN]} opened, {read[CLICK]} clicked, {read[UNSUBSCRIBE]} unsubscribed),"
            f" {self._watch.handovers} handovers ({said['won']} won, {said['lost']} lost,"
            f" {said['rejected']} rejected)"
        )
