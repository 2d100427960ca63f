"""The parts of an address that a browser told us."""

from urllib.parse import SplitResult, urlsplit


def parts(address: str) -> SplitResult:
    """What is no address has none of them."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
