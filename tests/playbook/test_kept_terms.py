"""What a marketer wrote in config/sla.yaml can be kept with a handover and read again."""

import json
from datetime import UTC, datetime

from nurture.domain import sla
from nurture.domain.calendar import Holidays
from nurture.domain.terms import from_json, to_json
from nurture.playbook import calendars
from nurture.playbook.compiler import compile_playbook


def test_kept_terms_make_the_same_deadlines_over_easter(shipped: dict[str, str]) -> None:
    terms = compile_playbook(shipped).handover.terms
    assert isinstance(terms.calendar.holiday, Holidays)
    kept = from_json(json.loads(json.dumps(to_json(terms))), calendars.zone, calendars.holidays_of)
    opened = datetime(2026, 4, 1, 14, tzinfo=UTC)
    assert sla.deadlines(kept, opened) == sla.deadlines(terms, opened)
