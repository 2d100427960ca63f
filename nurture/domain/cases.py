"""Support cases: on which products a lead has an open one, in whatever order the news of them arrives."""

from collections.abc import Iterable, Mapping
from datetime import datetime

OPENED, CLOSED = "support_case_opened", "support_case_closed"

Told = Mapping[str, Mapping[str, tuple[str, bool]]]
"""As a lead's row keeps it: by product and id of the case ("" where none is told) when it was last told of, and
whether as closed. Of both at the same moment it is closed."""


def tell(told: Told, product: str, case: str, at: datetime, closed: bool) -> Told:
    return _with(told, product, case, (at.isoformat(), closed))


def joined(one: Told, other: Told) -> Told:
    """What is told of two leads that are one."""
    for product, cases in other.items():
        for case, news in cases.items():
            one = _with(one, product, case, (news[0], news[1]))
    return one


def open_products(told: Told, before: Iterable[str] = ()) -> list[str]:
    """`before`: those with an open case of which nothing is told since news of cases is kept."""
    open_ = {product for product, cases in told.items() if _any_open(cases)}
    return sorted(open_ | {product for product in before if product not in told})


def _with(told: Told, product: str, case: str, news: tuple[str, bool]) -> Told:
    cases = told.get(product, {})
    at, closed = cases.get(case, ("", False))
    return {**told, product: {**cases, case: max((at, closed), news)}}


def _any_open(cases: Mapping[str, tuple[str, bool]]) -> bool:
    """Closed without an id are all cases that the product had until then."""
    at, closed = cases.get("", ("", False))
    until = at if closed else ""
    return any(not over and since > until for since, over in cases.values())
