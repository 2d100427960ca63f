"""A simulated sales floor: real people's outcomes, given through the links that sales really gets.

It reads what the sales inbox received and fills in the answer page's forms. Whether a lead is won or lost
stands in the list; how quickly somebody calls is drawn, so that some promises are broken.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any

import httpx

from commands.demo.leads import Lead

CREATED = "lead.handover.created"
TASK_CREATED = "lead.task.created"

_IN_TIME, _LATE = 0.75, 0.92
"""Shares: contacted in time up to the first, too late up to the second, never above."""

_AMOUNT = (40_000, 9_000)
"""Mean and spread of an order, in DKK."""

_REASON = re.compile(r'<option value="([^"]+)"')


@dataclass(frozen=True)
class Said:
    """An answer and when: a share of the time that sales has (`at`), plus days of the playbook."""

    at: float
    days: float
    form: Mapping[str, str]


def answers(lead: Lead, chance: random.Random) -> list[Said]:
    """What sales says about a lead it was given, in order; nothing for one it forgets."""
    mood = chance.random()
    if mood >= _LATE:
        return []
    accepted = Said(chance.uniform(0.05, 0.25), 0, {"state": "accepted"})
    if not lead.converted and chance.random() < 0.4:
        reason = str(chance.randrange(100))
        return [Said(chance.uniform(0.3, 0.7), 0, {"state": "rejected", "reason": reason})]
    call = chance.uniform(0.3, 0.75) if mood < _IN_TIME else chance.uniform(1.2, 2.0)
    contacted = Said(call, 0, {"state": "contacted", "how": chance.choice(("call", "meeting"))})
    end = {"state": "lost", "reason": "chose another course"}
    if lead.converted:
        amount = max(5_000, round(chance.gauss(*_AMOUNT) / 500) * 500)
        end = {"state": "won", "amount": str(amount), "currency": "DKK"}
    return [accepted, contacted, Said(call, chance.uniform(1.0, 6.0), end)]


class SalesFloor:
    """`day` is how many seconds a day of the playbook lasts."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        leads: Mapping[str, Lead],
        day: float,
        now: Callable[[], datetime],
    ) -> None:
        self._http = http
        self._leads = leads
        self._day = day
        self._now = now
        self._given: Counter[int] = Counter()
        self.said: Counter[str] = Counter()
        self.refused: list[str] = []

    async def handle(self, kind: str, data: Mapping[str, Any]) -> None:
        """Answer one notice, at the moments that were drawn for it."""
        lead = self._leads.get(data["lead"]["email"])
        if lead is None or kind not in (CREATED, TASK_CREATED):
            return
        self._given[lead.number] += 1
        chance = random.Random(f"sales/{lead.number}/{self._given[lead.number]}")
        opened = datetime.fromisoformat(data["handover"]["opened_at"])
        promised = (datetime.fromisoformat(data["handover"]["due_at"]) - opened).total_seconds()
        for said in _task(chance) if kind == TASK_CREATED else answers(lead, chance):
            moment = promised * said.at + self._day * said.days
            await asyncio.sleep(moment - (self._now() - opened).total_seconds())
            await self._say(data["links"]["page"], said.form)

    async def _say(self, page: str, form: Mapping[str, str]) -> None:
        """Answers that came too late are refused by the page; a person would then leave it at that."""
        if form["state"] == "rejected":
            shown = await self._http.get(page)
            reasons = [unescape(reason) for reason in _REASON.findall(shown.text)]
            if not reasons:
                self.refused.append(form["state"])
                return
            form = {**form, "reason": reasons[int(form["reason"]) % len(reasons)]}
        answer = await self._http.post(page, data=dict(form))
        if answer.is_success:
            self.said[form["state"]] += 1
        else:
            self.refused.append(form["state"])


def _task(chance: random.Random) -> list[Said]:
    """A single call that a flow asked for."""
    done = {"state": "contacted", "how": "call"}
    return [Said(chance.uniform(0.2, 0.8), 0, done)] if chance.random() < _LATE else []
