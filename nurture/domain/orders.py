"""What an order came to, and in which currency."""

from collections.abc import Mapping
from typing import Any

COMPLETED = "order_completed"

LARGEST = 10**15 - 1
"""The largest amount the books can hold, in whole units."""

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
