"""Names made unreadable but recognisable: whoever was erased is known again only when named again."""

import hmac
from collections.abc import Collection, Sequence


def spellings(names: Collection[str]) -> set[str]:
    """As they were told and, those that look like addresses, as addresses are kept."""
    return {*names, *(name.lower() for name in names if "@" in name)}


class Fingerprints:
    """HMAC-SHA256 under the secret keys: the last makes them, all are tried, so a key can be rotated.

    A key that is taken away takes its fingerprints with it.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    def of(self, name: str, lent: bool = False) -> str:
        """What is kept of an e-mail address or user id; another one of a name that was only `lent`."""
        return self.all_of(name, lent)[-1]

    def all_of(self, name: str, lent: bool = False) -> list[str]:
        """What may have been kept of it, oldest key first."""
        text = f"nurture.{'lent' if lent else 'erased'}/{name}".encode()
        return [hmac.digest(key, text, "sha256").hex() for key in self._keys]
