"""Simulated readers of our mails: each does what the list calls the lead's last activity.

They load the pixel, follow the links and use the one-click unsubscribe of the mails that really arrived.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from commands.demo.leads import Lead

OPEN, CLICK, UNSUBSCRIBE = "o", "c", "u"

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
_ACTIVE: dict[str, tuple[tuple[str, float], ...]] = {
    "Unsubscribed": ((OPEN, 1.0), (UNSUBSCRIBE, 0.8)),
    "Email Link Clicked": ((OPEN, 1.0), (CLICK, 0.8)),
    "View in browser link Clicked": ((OPEN, 1.0), (CLICK, 0.8)),
    "Email Opened": ((OPEN, 0.8), (CLICK, 0.15)),
    "Page Visited on Website": ((OPEN, 0.5), (CLICK, 0.3)),
}
_OTHERS = ((OPEN, 0.25), (CLICK, 0.04), (UNSUBSCRIBE, 0.01))
"""What a reader does with a mail, and how likely; its last activity decides."""


@dataclass(frozen=True)
class Doing:
    """What is done with a mail, so many playbook days after it arrived."""

    what: str
    days: float


def doings(lead: Lead, chance: random.Random) -> list[Doing]:
    """In order. Nobody reads a mail in the minute it arrives."""
    habits = _ACTIVE.get(lead.last_activity, _OTHERS)
    done = [what for what, likely in habits if chance.random() < likely]
    moments = sorted(chance.uniform(0.2, 2.5) for _ in done)
    return [Doing(what, days) for what, days in zip(done, moments, strict=True)]


class Readers:
    """`base_url` is what our own links begin with; `day` how many seconds a playbook day lasts."""

    def __init__(
        self, http: httpx.AsyncClient, leads: Mapping[str, Lead], base_url: str, day: float
    ) -> None:
        self._http = http
        self._leads = leads
        self._base_url = base_url
        self._day = day
        self.done: Counter[str] = Counter()

    async def handle(self, mail: Mapping[str, Any]) -> None:
        """Read one mail, given as the inbox lists it."""
        lead = self._leads.get(mail["to"])
        if lead is None:
            return
        passed = 0.0
        for doing in doings(lead, random.Random(f"mail/{lead.number}/{mail['subject']}")):
            await asyncio.sleep((doing.days - passed) * self._day)
            passed = doing.days
            await self._do(doing.what, [*mail["images"], *mail["links"]])

    async def _do(self, what: str, addresses: Sequence[str]) -> None:
        ours = f"{self._base_url}/{what}/"
        address = next((address for address in addresses if address.startswith(ours)), None)
        if address is None:
            return
        headers = {"user-agent": _BROWSER}
        if what == UNSUBSCRIBE:
            form = {"List-Unsubscribe": "One-Click"}
            answer = await self._http.post(address, data=form, headers=headers)
        else:
            answer = await self._http.get(address, headers=headers)
        if not answer.is_error:
            self.done[what] += 1
