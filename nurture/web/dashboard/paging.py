"""Keys of pages in links: where the next page begins, and the one before ends."""

import base64
from datetime import UTC, datetime
from typing import Any, Protocol

from nurture.store.paging import Key
from nurture.web.errors import Refusal


class Paged(Protocol):
    """A page of a list: where the one before it ends, and the next begins."""

    @property
    def before(self) -> Key | None: ...

    @property
    def after(self) -> Key | None: ...


def links(page: Paged) -> dict[str, Any]:
    """What a page's template needs to know of the pages around it."""
    return {"before": _written(page.before), "after": _written(page.after)}


def _written(key: Key | None) -> str:
    if key is None:
        return ""
    text = f"{key.at.astimezone(UTC).isoformat()} {key.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(before: str, after: str) -> Key | None:
    """Raises Refusal for a key that we did not write."""
    text = before or after
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        at, _, id_ = base64.urlsafe_b64decode(padded.encode()).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not id_:
            raise ValueError(text)
    except ValueError as error:
        raise Refusal(404, "bad_page", "there is no such page; begin at the first one") from error
    return Key(moment, id_, back=bool(before))


def number(text: str) -> int | None:
    """The same for lists that are numbered."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise Refusal(404, "bad_page", "there is no such page; begin at the first one")
    return int(text)
