"""A small playbook made by hand, for tests that are not about YAML."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from nurture.domain import topics
from nurture.domain.audience import Audience
from nurture.domain.calendar import ALWAYS, Span
from nurture.domain.enrolment import Entry
from nurture.domain.flow import Act, ChangeAudience, Email, Flow, HandOver, Wait, WaitFor
from nurture.domain.gate import MailRules
from nurture.domain.lifecycle import Lifecycle, Stage
from nurture.domain.persona import Persona
from nurture.domain.scoring import EngagementRule, FitRule, Scoring
from nurture.domain.sla import Escalation, Promise, Team, Terms
from nurture.playbook import Company, Form, HandoverRule, Playbook, Sender
from tests.support.domain import when

DAY = timedelta(days=1)

WELCOME = Flow(
    id="welcome",
    title="Welcome",
    first="hello",
    goal=when(lambda facts: facts.lead.stage == "customer", topics.STAGE),
    steps={
        "hello": Email("hello", next="wait"),
        "wait": Wait(Span(3 * DAY), next="guide"),
        "guide": Email("guide", next="answer"),
        "answer": WaitFor(
            Span(4 * DAY), touch="clicked", of="guide", then="hand-over", otherwise="hesitating"
        ),
        "hesitating": Act(ChangeAudience("hesitating", add=True), next="rest"),
        "rest": Wait(Span(5 * DAY), next="last"),
        "last": Email("last"),
        "hand-over": Act(HandOver("read the guide")),
    },
)
WIN_BACK = Flow("win-back", "Win back", {"comeback": Email("comeback")}, "comeback")

TERMS = Terms(
    contact_within=Span(2 * DAY),
    calendar=ALWAYS,
    escalations=(Escalation("Sales lead"), Escalation("Head of sales", Span(DAY))),
    reassign_after=Span(2 * DAY),
    recycle_after=Span(5 * DAY),
    recycle_to="win-back",
)

SCORING = Scoring(
    fit=(FitRule("professional", 30, when(lambda f: f.lead.traits.get("occupation") == "pro")),),
    engagement=(
        EngagementRule("pages", 5, "page", cap=20, lasts=30 * DAY, title="Looked at a page"),
        EngagementRule("demo", 40, "demo_requested", title="Asked for a demo"),
    ),
)

LIFECYCLE = Lifecycle(
    (
        Stage("visitor", "Visitor"),
        Stage("lead", "Lead", when(lambda facts: facts.lead.email is not None)),
        Stage("mql", "MQL", when(lambda facts: facts.score.total >= 60)),
        Stage("sql", "SQL"),
        Stage("customer", "Customer"),
    )
)

PLAYBOOK = Playbook(
    hash="p1",
    company=Company("Courses A/S", "Vej 1, 8000 Aarhus", "hello@courses.example"),
    traits={"occupation": "text", "first_name": "text"},
    lifecycle=LIFECYCLE,
    personas=(
        Persona("pro", "Professional", when(lambda f: f.lead.traits.get("occupation") == "pro")),
    ),
    scoring=SCORING,
    flows={"welcome": WELCOME, "win-back": WIN_BACK},
    entries={
        "welcome": Entry(on=frozenset({topics.STAGE}), stage="lead"),
        "win-back": Entry(on=frozenset(), again=Span(90 * DAY)),
    },
    audiences={
        "hesitating": Audience("hesitating", "Hesitating", "meta", "238", max_stay=60 * DAY),
    },
    senders={"courses": Sender("courses", "Courses", "hello@courses.example")},
    sender_of={"welcome": "courses", "win-back": "courses"},
    forms={"guide": Form("guide", {"email": "email"})},
    handover=HandoverRule(
        team=Team("sales", "Sales", ("Anna", "Bo", "Carla")),
        terms=TERMS,
        stage="mql",
        sql_stage="sql",
        customer_stage="customer",
        reject_reasons=("no budget", "wrong person"),
    ),
    promise=Promise(20, 5, 40_000, "DKK", 30 * DAY),
    templates={
        f"email/{name}/{part}": text
        for name in ("hello", "guide", "last", "comeback")
        for part, text in (
            ("subject.txt", f"{name} {{{{ lead.first_name }}}}"),
            (
                "body.html",
                '<html lang="en"><body><p>Hi</p><a href="https://courses.example/guide">Guide</a>'
                '<a href="{{ unsubscribe_url }}">Unsubscribe</a></body></html>',
            ),
        )
    },
)


def playbook(**changes: Any) -> Playbook:
    return replace(PLAYBOOK, **changes)


CONFIRM = Flow(
    "confirm",
    "Confirm",
    {"confirm": Email("confirm")},
    "confirm",
    mail=MailRules(transactional=True),
)
ASKING = playbook(
    flows={**PLAYBOOK.flows, "confirm": CONFIRM},
    entries={
        **PLAYBOOK.entries,
        "confirm": Entry(on=frozenset({topics.touch("consent_requested")}), again=Span(DAY)),
    },
    sender_of={**PLAYBOOK.sender_of, "confirm": "courses"},
    templates={
        **PLAYBOOK.templates,
        "email/confirm/subject.txt": "Is it you?",
        "email/confirm/body.html": (
            '<html lang="en"><body><a href="{{ confirm_url }}">Yes</a>'
            '<a href="{{ unsubscribe_url }}">No</a></body></html>'
        ),
    },
)
"""With a flow that asks whether a consent is meant."""
