"""Support cases: on which products a lead has an open one, in whatever order the news of them arrives.

A product is one however it is told, with capitals or without.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

OPENED, CLOSED = "support_case_opened", "support_case_closed"

Told = Mapping[str, Mapping[str, tuple[str, bool]]]
"""As a lead's row keeps it: by product and id of the case ("" where none is told) when it was last told of, and
whether as closed. Of both at the same moment it is closed."""


def folded(products: Iterable[str]) -> frozenset[str]:
    """As they are compared. What was stored before has the capitals that it was told with."""
    return frozenset(product.casefold() for product in products)


def tell(told: Told, product: str, case: str, at: datetime, closed: bool) -> Told:
    return joined(told, {product: {case: (at.isoformat(), closed)}})


def joined(one: Told, other: Told) -> Told:
    """What is told of two leads that are one."""
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for product, cases in (*one.items(), *other.items()):
        known = found.setdefault(product.casefold(), {})
        for case, (at, closed) in cases.items():
            known[case] = max(known.get(case, ("", False)), (at, closed))
    return found


def open_products(told: Told, before: Iterable[str] = ()) -> list[str]:
    """`before`: those with an open case of which nothing is told since news of cases is kept."""
    told = joined({}, told)
    open_ = {product for product, cases in told.items() if _any_open(cases)}
    return sorted(open_ | (folded(before) - set(told)))


def _any_open(cases: Mapping[str, tuple[str, bool]]) -> bool:
    """Closed without an id are all cases that the product had until then."""
    at, closed = cases.get("", ("", False))
    until = at if closed else ""
    return any(not over and since > until for since, over in cases.values())
