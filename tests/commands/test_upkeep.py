"""`nurture upkeep` before there was any, and after one that found something."""

from datetime import timedelta

from commands.upkeep import Seen, _as_json, _as_text
from nurture.store.upkeep import Night
from nurture.store.upkeep_tables import DriftRow
from nurture.upkeep.reconciling import LOST
from tests.support.command import Nurture
from tests.support.domain import NOW

FOUND = Seen(
    (
        Night(NOW, NOW + timedelta(minutes=1), {"enrolments": 3}, {f"enrolment: {LOST}": 1}),
        Night(NOW - timedelta(days=1), NOW, {"enrolments": 2}, {}),
    ),
    (DriftRow(upkeep_id="n", kind="enrolment", key="e1", what=LOST, at=NOW),),
)


def test_before_the_first_night_it_says_how_to_have_one(nurture: Nurture) -> None:
    nurture("db", "upgrade")
    found = nurture("upkeep")
    assert found.returncode == 0
    assert "no comparison yet" in found.stdout
    assert "nurture upkeep --now" in found.stdout


def test_each_night_says_what_it_looked_at_and_what_it_repaired() -> None:
    assert _as_text(FOUND).splitlines() == [
        "2026-03-04 10:00  looked at 3 enrolments",
        "    1 enrolment: nothing ran for it",
        "2026-03-03 10:00  looked at 2 enrolments",
        "    everything goes on",
        "found, and woken where a workflow acts on it:",
        "    2026-03-04 10:00  enrolment e1: nothing ran for it",
    ]
    assert '"key": "e1"' in _as_json(FOUND)
    assert not FOUND.clean
