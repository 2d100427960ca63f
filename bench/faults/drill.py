"""The drill: a playbook so plain that what must come of it can be said in three lines.

Every lead gets one mail a day for three days, is put on an audience and handed to sales; nobody there
answers, so each handover is escalated after two days.
"""

from pathlib import Path

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


def message(number: int) -> dict[str, object]:
    """What a website tells of a lead that gives its address and its consent."""
    consent = {EMAIL_MARKETING: True, AD_AUDIENCES: True}
    return {
        "type": "identify",
        "messageId": f"drill-{number}",
        "userId": f"u{number}",
        "traits": {"email": address(number)},
        "context": {"consent": {"categoryPreferences": consent, "wording": "Yes"}},
    }
