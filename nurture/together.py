"""Callers that come at the same moment are served together, as databases commit in groups: what a transaction itself
costs is paid once for all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial, wraps
from itertools import accumulate
from typing import Any, Generic, ParamSpec, TypeVar

from nurture.domain.errors import Contended, Transient

Given = TypeVar("Given")
Made = TypeVar("Made")
Told = ParamSpec("Told")

_ROUNDS = 20
"""Of the event loop, before a group sets off: what has arrived by now is read in them. They take less than a tenth of
a millisecond when nobody else comes."""


_AGAIN = 5
"""Times after the first that what met another transaction is tried."""


async def insist(attempt: Callable[[], Awaitable[Made]]) -> Made:
    """What the attempt makes, begun anew some times when another transaction was in its way."""
    for _ in range(_AGAIN):
        with suppress(Contended):
            return await attempt()
    return await attempt()


def insistent(
    attempt: Callable[Told, Awaitable[Made]],
) -> Callable[Told, Coroutine[Any, Any, Made]]:
    """A function that insists (see `insist`)."""

    @wraps(attempt)
    async def insisting(*words: Told.args, **named: Told.kwargs) -> Made:
        return await insist(lambda: attempt(*words, **named))

    return insisting


class Together(Generic[Given, Made]):
    """`serve` does for several callers what they ask, all or nothing, and answers in their order.

    Callers are served at once as long as their `weight` comes to no more than `most`. When that fails each is
    served alone, so that nobody fails for another's sake.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[Given]], Awaitable[Sequence[Made]]],
        weight: Callable[[Given], int],
        most: int,
    ) -> None:
        self._serve = serve
        self._weight = weight
        self._most = most
        self._waiting: list[_Caller[Given, Made]] = []
        self._serving: asyncio.Task[None] | None = None

    async def ask(self, given: Given) -> Made:
        """What `serve` made of it. Raises what it raised for this caller."""
        caller: _Caller[Given, Made] = _Caller(given)
        self._waiting.append(caller)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve_all())
        return await caller.answer

    async def _serve_all(self) -> None:
        while self._waiting:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
            await self._settle(self._next())

    def _next(self) -> Sequence["_Caller[Given, Made]"]:
        weights = accumulate(self._weight(caller.given) for caller in self._waiting)
        number = max(1, sum(weight <= self._most for weight in weights))
        group, self._waiting = self._waiting[:number], self._waiting[number:]
        return group

    async def _settle(self, group: Sequence["_Caller[Given, Made]"]) -> None:
        try:
            made = await insist(partial(self._serve, [caller.given for caller in group]))
        except Exception as error:  # whatever it is, it is told to those who asked
            if len(group) == 1 or isinstance(error, Transient):
                for caller in group:
                    caller.fail(error)
                return
            for caller in group:
                await self._settle([caller])
            return
        for caller, each in zip(group, made, strict=True):
            caller.tell(each)


class _Caller(Generic[Given, Made]):
    """Somebody who waits, or who has gone meanwhile."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.answer: asyncio.Future[Made] = asyncio.get_running_loop().create_future()

    def tell(self, made: Made) -> None:
        if not self.answer.done():
            self.answer.set_result(made)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
