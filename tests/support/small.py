"""The smallest playbook that has no findings, as files; a test breaks one of them."""

from collections.abc import Mapping
from pathlib import Path

FLOW = """\
flow: launch
title: Launch
enter: {on: form_submitted}
steps:
  - email: welcome
"""
COMPANY, TRAITS, STAGES = "config/company.yaml", "config/traits.yaml", "config/stages.yaml"
SENDERS, SLA, SCORING = "config/senders.yaml", "config/sla.yaml", "config/scoring.yaml"
AUDIENCES, FORMS, LAUNCH = "config/audiences.yaml", "config/forms.yaml", "config/flows/launch.yaml"
PERSONAS = "config/personas.yaml"
SMALL = {
    COMPANY: """\
name: X
address: Street 1
contact: x@x.example
business_hours: {days: mon-fri, hours: "09:00-17:00", timezone: Europe/Copenhagen}
""",
    TRAITS: "country: text\nfirst_name: text\n",
    STAGES: "lead: {title: Lead}\nsql: {title: SQL}\ncustomer: {title: Customer}\n",
    SENDERS: "default: us\nsenders: {us: {name: X, address: x@x.example}}\n",
    SLA: """\
every: 30 days
marketing: {sqls: 20}
sales: {customers: 5, average_revenue: 40000, currency: DKK}
teams: {sales: {title: Sales, owners: [Ida]}}
handover:
  team: sales
  sql_stage: sql
  customer_stage: customer
  back_to: lead
  cool_off: 30 days
  reject_reasons: [no budget]
contact: {within: 48 hours}
""",
    AUDIENCES: "warm: {title: Warm, platform: meta, external_id: '1'}\n",
    "templates/email/welcome/subject.txt": "Hello",
    "templates/email/welcome/body.mjml": (
        "<mjml><mj-body><mj-section><mj-column><mj-text>"
        'Welcome. <a href="{{ unsubscribe_url }}">No more mails</a>'
        "</mj-text></mj-column></mj-section></mj-body></mjml>"
    ),
}


def put(folder: Path, files: Mapping[str, str]) -> Path:
    """Into this folder, which is given back."""
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text, encoding="utf-8")
    return folder
