"""Who tells of leads: the sources that are our own, whose names no key may have."""

from nurture.domain.consent import BROWSER, LIST

MAIL, FEEDBACK = "mail", "feedback"
"""A mail of ours was opened, clicked or confirmed; what mail systems tell of it."""

SALES, PREFERENCES, UNSUBSCRIBE = "sales", "preferences", "unsubscribe"
"""Who answers a task; the lead itself, on its page and by leaving."""

IMPORT = "import"
"""The source whose messages also trigger flows that enter on import."""

FORM, PROVIDER = "form/", "feedback/"
"""What the sources of forms begin with, and of what providers told that could not be used."""

_PREFIXES = (FORM, PROVIDER, LIST, BROWSER)
_OWN = (MAIL, FEEDBACK, SALES, PREFERENCES, UNSUBSCRIBE, IMPORT)

LISTED = ", ".join((*_OWN, *(f"{each}…" for each in _PREFIXES)))


def is_own(name: str) -> bool:
    return name in _OWN or name.startswith(_PREFIXES)
