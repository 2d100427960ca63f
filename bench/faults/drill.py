"""The drill: a playbook so plain that what must come of it can be said in three lines.

Every lead gets one mail a day for three days, is put on an audience and handed to sales; nobody there
answers, so each handover is escalated after two days.
"""

import hashlib
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nurture.domain.consent import AD_AUDIENCES, EMAIL_MARKETING

MAILS = ("first", "second", "third")
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
        first_name: text
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
        enter: {on: stage, stage: lead, again: never}
        goal: stage == "customer"
        steps:
          - email: first
          - wait: 1 day
          - email: second
          - audience: {add: handed}
          - wait: 1 day
          - email: third
          - handover: {reason: the drill is over}
        """,
}
_BODY = """<mjml><mj-body><mj-section><mj-column>
<mj-text>This is the {name} mail. <a href="{{{{ unsubscribe_url }}}}">Unsubscribe</a></mj-text>
</mj-column></mj-section></mj-body></mjml>
"""


def write(folder: Path) -> Path:
    """The playbook's folder."""
    files = dict(_FILES)
    for name in MAILS:
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
    consent = {EMAIL_MARKETING: True, AD_AUDIENCES: True}
    told = {"categoryPreferences": consent, "wording": "Yes"}
    page = {"type": "page", "properties": {"url": "https://drill.example/"}}
    known = {"type": "identify", "traits": {"email": address(number)}, "context": {"consent": told}}
    said = [page | visitor, known | visitor | user, page | user]
    return [each | {"messageId": f"drill-{number}-{n}"} for n, each in enumerate(said)]


def mixed(numbers: Iterable[int], chance: random.Random) -> list[list[Message]]:
    """All that is told of these, twice over, in batches for as many servers as want to hear it at once: the same
    people and the same messages are in each, in another order."""
    told = [message for number in numbers for message in messages(number)]
    return [chance.sample(told, len(told)) for _ in range(2)]
