from typing import Any

import pytest

from commands.demo.evidence import differences, seen

NAMES = {"238": "hesitating-leads"}
SENT = {"leads": 2, "touches": 10}
REPORT: dict[str, Any] = {
    "leads": 2,
    "touches": 12,
    "mails": {"sent": 2, "unknown": 0},
    "handovers": 1,
    "audiences": {"hesitating-leads": {"confirmed": 3}},
    "sla": {"escalated_to": {"Line": 1}},
}


def mail(number: int) -> dict[str, str]:
    return {"message_id": f"<{number}@nurture>"}


def notice(kind: str, handover: str = "h1", told: str = "Mette") -> dict[str, Any]:
    return {"type": kind, "data": {"handover": {"id": handover, "told": told}}}


def look(mails: int = 2, members: int = 3, **more: Any) -> Any:
    notices = [
        notice("lead.handover.created"),
        notice("lead.handover.reminder"),
        notice("lead.handover.escalated", told="Line"),
        notice("lead.task.created", handover="h2"),
    ]
    received = [mail(number) for number in range(mails)] + more.get("again", [])
    return seen(received, notices, {"238": {"members": members}}, NAMES)


def test_ends_and_database_that_agree_differ_in_nothing() -> None:
    assert differences(look(), REPORT, SENT) == []


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (look(mails=1), "mails sent: the receiving end has 1, the database 2"),
        (
            look(again=[mail(0)]),
            "mails that arrived more than once: the receiving end has 1, the database 0",
        ),
        (
            look(members=4),
            "members of hesitating-leads: the receiving end has 4, the database 3",
        ),
    ],
)
def test_each_difference_is_named(found: Any, sentence: str) -> None:
    assert differences(found, REPORT, SENT) == [sentence]


def test_an_audience_that_the_platform_never_heard_of_is_empty_there() -> None:
    found = seen([], [], {}, NAMES)
    assert found.audiences == {"hesitating-leads": 0}


def test_escalations_are_compared_by_name() -> None:
    report = {**REPORT, "sla": {"escalated_to": {"Henrik": 1}}}
    assert differences(look(), report, SENT) == [
        "escalations to Henrik: the receiving end has 0, the database 1",
        "escalations to Line: the receiving end has 1, the database 0",
    ]


def test_lost_touches_are_named() -> None:
    [sentence] = differences(look(), REPORT, {"leads": 2, "touches": 13})
    assert sentence == "touches: 13 were sent, the database has 12"
