"""By what names a platform knows the people of an audience: as they are now, and as they were sent."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from nurture.ports import Identifiers, Person

KnownBy = Callable[[Person], Identifiers]


def person(lead_id: str, email: str | None, traits: Mapping[str, Any]) -> Person:
    told = {name: traits.get(name) for name in ("phone", "first_name", "last_name", "country")}
    said = {name: str(value) for name, value in told.items() if value is not None}
    return Person(lead_id=lead_id, email=email, **said)


def earlier(person: Person, sent: Mapping[str, Any] | None, known_by: KnownBy) -> Person | None:
    """Who the platform may hold the lead as, if that is somebody else to it than `person`."""
    before = otherwise(person, sent)
    return before if before and known_by(before) != known_by(person) else None


def otherwise(person: Person, sent: Mapping[str, Any] | None) -> Person | None:
    """The lead as it was sent, if its address or phone was written otherwise."""
    before = Person(**sent) if sent else person
    return None if (before.email, before.phone) == (person.email, person.phone) else before


def mark(audience: str, person: Person, told: Identifiers) -> dict[str, Any]:
    return {
        "audience": audience,
        "lead_id": person.lead_id,
        "named": True,
        "sent_as": asdict(person),
        "email_hash": told.email or None,
        "phone_hash": told.phone or None,
        "request": None,
    }


def hashed(value: str | None) -> str | None:
    """What an earlier release kept of those it named, whatever their platform was told."""
    return sha256("".join(value.lower().split()).encode()).hexdigest() if value else None
