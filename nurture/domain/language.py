"""Which language a lead reads."""

from collections.abc import Mapping, Sequence
from typing import Any

TRAITS = ("language", "locale")
"""Those that say it, as a tag of BCP 47 (`da`, `da-DK`): what the lead chose, then what its browser does."""


def language_of(traits: Mapping[str, Any], known: Sequence[str]) -> str:
    """The first that the lead told which is among those `known`; else the first of them."""
    told = (str(traits.get(name) or "").strip().lower() for name in TRAITS)
    spoken = (tag.replace("_", "-").partition("-")[0] for tag in told)
    return next((language for language in spoken if language in known), known[0])
