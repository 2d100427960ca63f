"""Finding the bad records of a batch when the platform does not say which they are."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from nurture.domain.errors import Permanent
from nurture.ports import NO_IDENTIFIER, NOT_TRIED, Identifiers, Person

_BUDGET = 128
"""Requests spent on one batch: enough for several bad records in 10,000, well below every quota."""


class BadRecord(Permanent):
    """Some record was refused: those at the positions `at`, or unknown ones when it is empty."""

    def __init__(self, reason: str, at: Sequence[int] = ()) -> None:
        super().__init__(reason)
        self.at = at


async def narrowed(
    people: Sequence[Person],
    attempt: Callable[[Sequence[Person]], Awaitable[Mapping[str, str]]],
) -> dict[str, str]:
    """Make `attempt` work by leaving bad records out, halving where it must; lead ids refused and why.

    What is left when the budget is spent counts as refused with the reason NOT_TRIED.
    """
    refused: dict[str, str] = {}
    waiting = [people] if people else []
    for _ in range(_BUDGET):
        if not waiting:
            return refused
        batch = waiting.pop()
        try:
            refused |= await attempt(batch)
        except BadRecord as error:
            at = range(len(batch)) if len(batch) == 1 else error.at
            refused |= {batch[place].lead_id: error.reason for place in at}
            waiting += _rest(batch, at)
    return refused | {person.lead_id: NOT_TRIED for batch in waiting for person in batch}


def _rest(batch: Sequence[Person], at: Sequence[int]) -> list[Sequence[Person]]:
    if at:
        known = set(at)
        good = [person for place, person in enumerate(batch) if place not in known]
        return [good] if good else []
    middle = len(batch) // 2
    return [batch[middle:], batch[:middle]]


def unidentified(
    people: Sequence[Person], identifiers: Callable[[Person], Identifiers]
) -> dict[str, str]:
    """Lead ids of those the platform could not recognise by anything we know of them."""
    return {person.lead_id: NO_IDENTIFIER for person in people if not any(identifiers(person))}
