"""A playbook whose figures are sent to both teams."""

from nurture.domain.reporting import ReportPlan
from nurture.playbook import Playbook
from tests.support.playbook import playbook

MONTHLY = ReportPlan(
    "monthly",
    "The month",
    "month",
    to=("line@courses.example", "henrik@courses.example"),
    webhooks=("sales-room",),
    language="da",
)


def reporting_playbook() -> Playbook:
    return playbook(
        reports={"monthly": MONTHLY},
        webhooks={"sales-room": "https://sales.courses.example/hook"},
    )
