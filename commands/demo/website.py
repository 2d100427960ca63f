"""A website whose visitors' doings are known in advance: sends them when their moment comes."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import httpx

from commands.demo.leads import Planned
from nurture.domain.errors import Permanent, Transient

BATCH = 250
"""Messages in one request; with 32 KB each they could still be too large, but ours are small."""

TICK = 0.25
"""Seconds: what happens within one goes out together, as from any client that batches."""

_WAITS = (0.1, 0.2, 0.5, 1, *[2] * 15)
"""Seconds between tries."""


class Website:
    """Speaks Segment's batch API with a server-side write key, whose word on consent counts.

    `sent` counts messages, `refused` holds reasons, `done`: nothing is left to send. `day` is how many
    seconds a day of the playbook lasts; `now` the time that is written on messages.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        batch_url: str,
        write_key: str,
        day: float,
        now: Callable[[], datetime],
    ) -> None:
        self._http = http
        self._url = batch_url
        self._auth = httpx.BasicAuth(write_key, "")
        self._day = day
        self._now = now
        self.sent = 0
        self.done = False
        self.refused: list[str] = []

    async def play(self, planned: Sequence[Planned]) -> None:
        """Send all of it, in order, each at its moment or as soon after as the server takes it."""
        clock = asyncio.get_running_loop().time
        start = clock()
        ahead = list(planned)
        while ahead:
            await asyncio.sleep(max(TICK, start + ahead[0].day * self._day - clock()))
            today = (clock() - start) / self._day
            due = [each for each in ahead[:BATCH] if each.day <= today]
            if due:
                await self._send([each.message for each in due])
            ahead = ahead[len(due) :]
        self.done = True

    async def _send(self, messages: Sequence[Any]) -> None:
        """Raises Transient when the server does not take the batch after many tries."""
        now = self._now().isoformat()
        body = {"batch": [{**message, "timestamp": now} for message in messages], "sentAt": now}
        for wait in _WAITS:
            try:
                answer = await self._post(body)
                break
            except Transient as error:
                problem = error
                await asyncio.sleep(wait)
        else:
            raise problem
        self.sent += len(messages)
        self.refused += [refusal["reason"] for refusal in answer["refused"]]

    async def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer. Raises Transient when the same may be sent again, as Segment's clients do."""
        try:
            answer = await self._http.post(self._url, content=json.dumps(body), auth=self._auth)
        except httpx.TransportError as error:
            raise Transient("server", type(error).__name__) from error
        said = f"{answer.status_code} to what the website sends: {answer.text[:500]}"
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise Transient("server", said)
        if not answer.is_success:
            raise Permanent("server", said)
        found: dict[str, Any] = answer.json()
        return found
