"""A handover of a lead with Danish letters, as sales is told of it."""

from datetime import timedelta
from typing import Any

from nurture.domain.keys import handover_id, notice_id
from nurture.domain.lead import Score
from nurture.domain.scoring import Reason
from nurture.domain.task import MailSent, Task, task_data
from nurture.ports import Notice
from tests.support.domain import COPENHAGEN, DAY, HOUR, NOW, lead, touch

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_c2Vjb25kIHNlY3JldCwgMzIgYnl0ZXMgbG9uZyEhISE="
PAGE = "https://n.example/h/token"

SOREN = lead(
    id="lead-soren",
    email="soren@firma.dk",
    traits={
        "first_name": "Søren",
        "last_name": "Ærø 🚀",
        "phone": "+4520123456",
        "company": "Bæk & Co <A/S>",
        "country": "DK",
    },
    stage="mql",
)


def task(**changes: Any) -> Task:
    fields: dict[str, Any] = {
        "id": handover_id(SOREN.id, 1),
        "kind": "handover",
        "reason": "read the guide",
        "owner": "Anna",
        "opened_at": NOW,
        "due_at": NOW + 2 * DAY,
        "answer_url": PAGE,
        "lead": SOREN,
        "score": Score(fit=30, engagement=52),
        "persona": "IT manager",
        "reasons": [
            Reason("demo", "Asked for a demo", 40, NOW - DAY, NOW + 30 * DAY),
            Reason("professional", "Works as IT manager", 30),
        ],
        "touches": [
            touch("page", NOW - HOUR, title="Priser", path="/priser"),
            touch("page", NOW - 2 * HOUR, title="Priser", path="/priser"),
            touch("opened", NOW - 3 * HOUR, machine="image proxy", message="m1"),
            touch("clicked", NOW - DAY, message="m1", url="https://firma.example/guide"),
            touch("demo_requested", NOW - 2 * DAY, product="Backup"),
        ],
        "mails": [MailSent("m1", "Velkommen", NOW - 3 * DAY)],
        "zone": COPENHAGEN,
    }
    return Task(**{**fields, **changes})


def notice(what: str = "created", number: int = 1, **changes: Any) -> Notice:
    data = task_data(task(**changes))
    id = notice_id(data["handover"]["id"], str(number))
    return Notice(id, f"lead.{data['handover']['kind']}.{what}", NOW.isoformat(), data)


LATER = timedelta(minutes=6)
"""More than the clocks of sender and receiver may differ."""
