"""What arrived at the receiving ends, and whether the database says the same."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from commands.demo.sales_floor import CREATED

ESCALATED = "lead.handover.escalated"


@dataclass(frozen=True)
class Seen:
    """Counted where things arrive: mails in the inbox (`repeated`: more than once), handovers and
    escalations in the sales inbox, members on the ad platform by audience."""

    mails: int = 0
    repeated: int = 0
    handovers: int = 0
    escalated_to: Mapping[str, int] = field(default_factory=dict)
    audiences: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Ends:
    """Where the receiving ends answer. `audiences` maps the platform's ids to the playbook's names."""

    inbox: str
    sales: str
    ads: str
    audiences: Mapping[str, str]

    async def look(
        self, http: httpx.AsyncClient, on_its_way: Sequence[Mapping[str, Any]] = ()
    ) -> Seen:
        """`on_its_way`: notices of which the database says itself that sales does not have them yet."""
        mails = await _json(http, f"{self.inbox}/api/mails")
        notices = await _json(http, f"{self.sales}/api/tasks")
        ads = await _json(http, f"{self.ads}/__fake/state")
        return seen(mails["mails"], [*notices, *on_its_way], ads["audiences"], self.audiences)


def seen(
    mails: list[dict[str, Any]],
    notices: Sequence[Mapping[str, Any]],
    platform: Mapping[str, dict[str, Any]],
    names: Mapping[str, str],
) -> Seen:
    """The counts in what the three ends answered."""
    ids = {mail["message_id"] for mail in mails}
    created = {notice["data"]["handover"]["id"] for notice in notices if notice["type"] == CREATED}
    told = Counter(
        notice["data"]["handover"]["told"] for notice in notices if notice["type"] == ESCALATED
    )
    sizes = {names.get(key, key): found["members"] for key, found in platform.items()}
    return Seen(
        mails=len(ids),
        repeated=len(mails) - len(ids),
        handovers=len(created),
        escalated_to=dict(told),
        audiences={name: sizes.get(name, 0) for name in sorted({*names.values(), *sizes})},
    )


def differences(seen: Seen, report: Mapping[str, Any], sent: Mapping[str, int]) -> list[str]:
    """A sentence for each figure on which the report and the receiving ends disagree.

    `sent` holds what the website knows: how many `leads` it told of, and how many `touches` at least.
    """
    pairs = {
        "leads": (sent["leads"], report["leads"]),
        "mails sent": (seen.mails, report["mails"]["sent"]),
        "mails that arrived more than once": (seen.repeated, 0),
        "mails whose fate is unknown": (0, report["mails"]["unknown"]),
        "handovers": (seen.handovers, report["handovers"]),
        **{
            f"members of {name}": (size, report["audiences"].get(name, {}).get("confirmed", 0))
            for name, size in seen.audiences.items()
        },
        **{
            f"escalations to {name}": (
                seen.escalated_to.get(name, 0),
                report["sla"]["escalated_to"].get(name, 0),
            )
            for name in sorted({*seen.escalated_to, *report["sla"]["escalated_to"]})
        },
    }
    found = [
        f"{what}: the receiving end has {there}, the database {here}"
        for what, (there, here) in pairs.items()
        if there != here
    ]
    if report["touches"] < sent["touches"]:
        found.append(f"touches: {sent['touches']} were sent, the database has {report['touches']}")
    return found


async def _json(http: httpx.AsyncClient, url: str) -> Any:
    answer = await http.get(url)
    answer.raise_for_status()
    return answer.json()
