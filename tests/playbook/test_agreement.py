"""config/sla.yaml as the agreement that runs: its clock, its people, what counts and what pauses."""

from datetime import datetime, time, timedelta

import pytest

from nurture.domain.calendar import Span
from nurture.domain.errors import PlaybookError
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from tests.support.domain import COPENHAGEN, DAY, HOUR, facts, lead, local

TEAM = """    people:
      Mette Holm:
        weight: 3
        capacity: 20
        hours: {days: mon-thu, hours: "10:00-14:00", timezone: Europe/London, holidays: GB}
        absent: [{from: 2026-12-21, back: 2027-01-04}]
    rules:
      - when: 'stage == "lead"'
        owners: [Jonas Friis]
"""


def book(files: dict[str, str], *changes: tuple[str, str], pace: str = "") -> Playbook:
    """The shipped playbook with these changes to its agreement."""
    text = files["config/sla.yaml"]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return compile_playbook({**files, "config/sla.yaml": text}, pace)


def after_owners(text: str) -> tuple[str, str]:
    line = "    owners: [Mette Holm, Jonas Friis, Amalie Kjær, Rasmus Lund]\n"
    return line, line + text


def test_sales_people_have_weights_capacities_hours_and_absences(shipped: dict[str, str]) -> None:
    team = book(shipped, after_owners(TEAM)).handover.team
    mette, jonas = team.members[:2]
    assert (mette.weight, mette.capacity, jonas.weight, jonas.capacity) == (3, 20, 1, None)
    assert mette.calendar is not None
    assert (mette.calendar.opens, mette.calendar.days) == (time(10), frozenset(range(4)))
    assert not mette.is_there(datetime.fromisoformat("2026-12-21T00:00+00:00"))
    assert mette.is_there(datetime.fromisoformat("2027-01-04T00:00+00:00"))
    assert jonas.calendar is None


def test_rules_say_who_gets_whom(shipped: dict[str, str]) -> None:
    [rule] = book(shipped, after_owners(TEAM)).handover.team.assignments
    assert rule.owners == ("Jonas Friis",)
    assert rule.when is not None
    now = datetime.fromisoformat("2026-03-04T10:00+00:00")
    assert rule.when(facts(who=lead(stage="lead")), now)
    assert not rule.when(facts(who=lead(stage="visitor")), now)


def test_rules_go_by_persona_country_and_product(shipped: dict[str, str]) -> None:
    rules = """    rules:
      - {persona: student, country: [DK, SE], product: data-science, owners: [Jonas Friis]}
"""
    [rule] = book(shipped, after_owners(rules)).handover.team.assignments
    assert (rule.personas, rule.countries) == ({"student"}, {"DK", "SE"})
    assert (rule.products, rule.when) == ({"data-science"}, None)
    unknown = rules.replace("student", "studnet")
    with pytest.raises(PlaybookError, match='unknown persona "studnet"'):
        book(shipped, after_owners(unknown))


def test_the_clock_may_count_business_hours_over_danish_holidays(shipped: dict[str, str]) -> None:
    clock = (
        'clock: {days: mon-fri, hours: "09:00-17:00", timezone: Europe/Copenhagen, holidays: DK}'
    )
    terms = book(
        shipped, ("  within: 48 hours\n", f"  within: 48 business hours\n  {clock}\n")
    ).handover.terms
    assert terms.contact_within == Span(open_time=48 * HOUR)
    opened = local(COPENHAGEN, "2026-04-01 09:00")
    due = terms.contact_within.after(opened, terms.calendar)
    assert due == local(COPENHAGEN, "2026-04-13 17:00")


def test_what_counts_as_contact_and_what_pauses_is_agreed(shipped: dict[str, str]) -> None:
    rule = book(
        shipped,
        ("contacted: [call, mail, meeting, message, booking]", "contacted: [call, meeting]"),
        ("at_most: 60 days", "at_most: 60 days\n    owner_absent: false"),
        ("within: 48 hours", "within: 48 hours\n  accept_within: 8 business hours"),
    ).handover
    assert rule.terms.contacted == ("call", "meeting")
    assert rule.terms.accept_within == Span(open_time=8 * HOUR)
    assert "asked to wait" in rule.snooze_reasons
    assert (rule.snooze_at_most, rule.absence_pauses) == (60 * DAY, False)
    assert rule.conversation_holds == 7 * DAY


def test_a_pace_shortens_the_agreements_new_durations_too(shipped: dict[str, str]) -> None:
    rule = book(shipped, pace="1 day = 1 s").handover
    assert rule.snooze_at_most == timedelta(seconds=60)
    assert rule.conversation_holds == timedelta(seconds=7)


def test_marketing_may_promise_by_persona(shipped: dict[str, str]) -> None:
    persona = book(shipped).personas[0].id
    promised = book(shipped, ("sqls: 20", f"sqls: 20\n  personas: {{{persona}: 8}}")).promise
    assert promised.personas == {persona: 8}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (after_owners("    people: {Mete Holm: {weight: 2}}\n"), 'did you mean "Mette Holm"'),
        (
            after_owners("    rules: [{when: 'true', owners: [Mette Holm, Bo]}]\n"),
            '"Bo" is not among the owners',
        ),
        (
            after_owners(
                "    people: {Mette Holm: {absent: [{from: 2026-05-02, back: 2026-05-01}]}}\n"
            ),
            "back before leaving",
        ),
        (("sqls: 20", "sqls: 20\n  personas: {nobody: 8}"), 'unknown persona "nobody"'),
        (("contacted: [call,", "contacted: [shout,"), "shout"),
    ],
)
def test_what_the_agreement_names_must_be_there(
    shipped: dict[str, str], change: tuple[str, str], problem: str
) -> None:
    with pytest.raises(PlaybookError) as refused:
        book(shipped, change)
    [finding] = refused.value.findings
    assert finding.file == "config/sla.yaml"
    assert problem in str(finding)
    assert finding.line > 3
