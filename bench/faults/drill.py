"""The drill: a playbook so plain that what must come of it can be said in a few lines.

Every lead gets one mail a day for three days, is named to the CRM, put on an audience and handed to sales; nobody
there answers, so each handover is escalated after two days. Guests, a tenth as many, come all at once while the leads
do: each gets one mail and is named to the CRM.
"""

import hashlib
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nurture.domain.consent import AD_AUDIENCES, EMAIL_MARKETING

MAILS = ("first", "second", "third")
NEWS = "news"
"""The guests' mail."""

CALLS = {"drill": "second", "guests": NEWS}
"""The flows that have a webhook step, each at once after this mail."""

AUDIENCE = "238500001"
ESCALATED_AFTER = 2
"""Days after the handover."""

_FILES = {
    "config/company.yaml": """
        name: Drill
        address: Prøvevej 1, 1000 København
        contact: hello@drill.example
        business_hours: {days: mon-sun, hours: "00:00-24:00", timezone: UTC}
        """,
    "config/traits.yaml": """
        guest: text
        """,
    "config/stages.yaml": """
        visitor: {title: Visitor}
        lead: {title: Lead, when: 'lead.email != ""'}
        mql: {title: MQL}
        sql: {title: SQL}
        customer: {title: Customer}
        """,
    "config/senders.yaml": """
        default: drill
        senders:
          drill: {name: Drill, address: drill@drill.example}
        """,
    "config/audiences.yaml": f"""
        handed: {{title: Handed over, platform: meta, external_id: "{AUDIENCE}"}}
        """,
    "config/sla.yaml": """
        every: 30 days
        marketing: {sqls: 20}
        sales: {customers: 5, average_revenue: 40000, currency: DKK}
        teams:
          desk: {title: Desk, owners: [Anna, Bo]}
        handover:
          {team: desk, at_stage: mql, sql_stage: sql, customer_stage: customer, back_to: lead,
           cool_off: 300 days, reject_reasons: [wrong number]}
        contact:
          within: 48 hours
          contacted: [call]
          escalate: [{to: Carla}]
          recycle_after: 300 days
        """,
    "config/flows/drill.yaml": """
        flow: drill
        title: One mail a day, then sales
        consent: email_marketing
        enter: {on: stage, stage: lead, when: 'lead.guest == ""', again: never}
        goal: stage == "customer"
        steps:
          - email: first
          - wait: 1 day
          - email: second
          - webhook: crm
          - audience: {add: handed}
          - wait: 1 day
          - email: third
          - handover: {reason: the drill is over}
        """,
    "config/flows/guests.yaml": """
        flow: guests
        title: One mail, all at once
        consent: email_marketing
        enter: {on: stage, stage: lead, when: 'lead.guest == "yes"', again: never}
        goal: stage == "customer"
        steps:
          - email: news
          - webhook: crm
        """,
}
_BODY = """<mjml><mj-body><mj-section><mj-column>
<mj-text>This is the {name} mail. <a href="{{{{ unsubscribe_url }}}}">Unsubscribe</a></mj-text>
</mj-column></mj-section></mj-body></mjml>
"""


def write(folder: Path, crm: str) -> Path:
    """The playbook's folder. `crm`: the address of the receiver of calls."""
    files = {**_FILES, "config/webhooks.yaml": f'crm: {{title: CRM, url: "{crm}"}}'}
    for name in (*MAILS, NEWS):
        files[f"templates/email/{name}/subject.txt"] = name
        files[f"templates/email/{name}/body.mjml"] = _BODY.format(name=name)
    for place, text in files.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.splitlines()
        path.write_text("\n".join(line.removeprefix("        ") for line in lines) + "\n")
    return folder


def address(number: int) -> str:
    return f"lead{number}@drill.example"


def guest(number: int) -> str:
    return f"guest{number}@drill.example"


def guests(leads: int) -> int:
    """How many come beside so many leads."""
    return -(-leads // 10)


def member(address: str) -> str:
    """Somebody of that address, as the ad platform knows them."""
    return hashlib.sha256(address.encode()).hexdigest()


PAGES = 2
"""Pages that each lead looks at, each told several times."""

Message = dict[str, Any]


def messages(number: int) -> list[Message]:
    """What a website tells of somebody who looks around, gives an address and consent, and looks on. Only the one in
    the middle says that the two are the same."""
    visitor, user = {"anonymousId": f"v{number}"}, {"userId": f"u{number}"}
    page = {"type": "page", "properties": {"url": "https://drill.example/"}}
    known = _known({"email": address(number)})
    said = [page | visitor, known | visitor | user, page | user]
    return [each | {"messageId": f"drill-{number}-{n}"} for n, each in enumerate(said)]


def invitation(number: int) -> Message:
    """What a website tells of a guest."""
    said = _known({"email": guest(number), "guest": "yes"})
    return said | {"userId": f"g{number}", "messageId": f"guest-{number}"}


def _known(traits: Message) -> Message:
    consent = {EMAIL_MARKETING: True, AD_AUDIENCES: True}
    told = {"categoryPreferences": consent, "wording": "Yes"}
    return {"type": "identify", "traits": traits, "context": {"consent": told}}


def mixed(numbers: Iterable[int], chance: random.Random) -> list[list[Message]]:
    """All that is told of these leads, for as many servers as want to hear it at once."""
    return twice([message for number in numbers for message in messages(number)], chance)


def twice(told: Sequence[Message], chance: random.Random) -> list[list[Message]]:
    """A batch for each of two servers: the same people and the same messages are in both, in another order."""
    return [chance.sample(told, len(told)) for _ in range(2)]
