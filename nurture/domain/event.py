"""Something that happened to a lead, as a marketer would tell it: of a simulated lead and of a real one alike."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Event:
    """`what` is one word of docs/simulation.md, `about` what it happened with."""

    at: datetime
    lead: str
    what: str
    about: str = ""
    flow: str = ""
    step: str = ""
