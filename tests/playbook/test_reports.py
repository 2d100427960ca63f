"""config/reports.yaml: who gets the figures, and when."""

from datetime import time

import pytest

from nurture.domain.errors import PlaybookError
from nurture.domain.reporting import ReportPlan
from nurture.playbook.compiler import compile_playbook

HOOK = "sales-room: {title: Sales, url: 'https://sales.example/hook'}\n"


def test_a_report_is_sent_where_and_when_the_file_says(shipped: dict[str, str]) -> None:
    text = (
        "monthly:\n  title: The month\n  every: month\n  at: '07:30'\n"
        "  to: [line@firm.example]\n  webhooks: [sales-room]\n  language: da\n"
    )
    files = {**shipped, "config/reports.yaml": text, "config/webhooks.yaml": HOOK}
    plan = ReportPlan(
        "monthly", "The month", "month", time(7, 30), ("line@firm.example",), ("sales-room",), "da"
    )
    assert compile_playbook(files).reports == {"monthly": plan}


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("at: '25:00'", '"25:00" is not a time of day'),
        ("to: [line]", '"line" is not an address'),
        ("webhooks: [nobody]", 'unknown webhook "nobody"'),
        ("language: fr", '"language" cannot be "fr"'),
    ],
)
def test_a_mistake_in_it_is_found_at_its_place(
    shipped: dict[str, str], line: str, finding: str
) -> None:
    text = f"monthly:\n  title: The month\n  every: month\n  {line}\n"
    with pytest.raises(PlaybookError) as error:
        compile_playbook({**shipped, "config/reports.yaml": text})
    assert "config/reports.yaml:4:" in str(error.value)
    assert finding in str(error.value)
