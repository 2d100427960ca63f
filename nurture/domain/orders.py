"""What an order came to, in which currency, and whether sales said `won` of the same sale."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

COMPLETED = "order_completed"

LARGEST = 10**15 - 1
"""The largest amount the books can hold, in whole units."""

SAME_SALE = timedelta(days=21)
"""An order and a `won` of sales are one sale if no more lies between them. Well below a month: what a subscription
costs the next time is a sale of its own."""

_ROUNDED = 1
"""Sales says whole units, and rounds as it likes."""

_AMOUNTS = ("amount", "total", "revenue")
"""Our own word, and those of Segment's e-commerce events (v2): with and without shipping and tax."""


def amount(properties: Mapping[str, Any]) -> Any:
    """As it was told, usually a number; None when it was not."""
    told = (properties.get(name) for name in _AMOUNTS)
    return next((value for value in told if value is not None), None)


def is_amount(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= LARGEST


def currency(properties: Mapping[str, Any]) -> Any:
    """As it was told, in capitals; None when it was not."""
    told = properties.get("currency") or None
    return told.strip().upper() if isinstance(told, str) else told


def is_currency(value: Any) -> bool:
    """Three letters, as in ISO 4217."""
    return isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()


def is_sale(properties: Mapping[str, Any], usual: str) -> bool:
    """Whether the order has an amount, in a currency: the `usual` one unless it says another."""
    return is_amount(amount(properties)) and is_currency(currency(properties) or usual)


@dataclass(frozen=True)
class Sale:
    """`ordered`: an order tells of it. `said`: it is what won a lead that sales had, `since` then. Both may be true of
    one sale."""

    id: str
    amount: int
    currency: str
    at: datetime
    ordered: bool = False
    said: bool = False
    since: datetime | None = None


def twin(sale: Sale, known: Iterable[Sale], within: timedelta) -> Sale | None:
    """The same sale as only the other side told it so far; of several the nearest in time. What was ordered before
    sales had the lead is nothing that sales won.

    `sale` is what one side tells. Each is one of a pair at most, so what is told further is another sale."""
    found = (
        other
        for other in known
        if (other.ordered, other.said) == (sale.said, sale.ordered)
        and other.currency == sale.currency
        and abs(other.amount - sale.amount) <= _ROUNDED
        and abs(other.at - sale.at) <= within
        and _while_sales_had_it(sale, other)
    )
    return min(found, key=lambda other: (abs(other.at - sale.at), other.id), default=None)


def _while_sales_had_it(one: Sale, other: Sale) -> bool:
    order, won = (one, other) if one.ordered else (other, one)
    return won.since is None or won.since <= order.at


def of_customer(amount: int, currency: str) -> str:
    """What sales hears of the order of a customer that it has in hand."""
    return f"Ordered for {amount} {currency}. Say won if that is your sale: it counts once."
