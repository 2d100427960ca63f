from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from commands.backtest.fitting import weights
from nurture.domain.backtest import Case
from nurture.domain.lead import Facts, Lead, Touch
from nurture.domain.scoring import Scoring, entries, explain
from nurture.playbook.compiler import check, compile_playbook
from nurture.playbook.source import read_files
from nurture.playbook.suggestion import Candidate, Seen, candidates, fitted, scoring_file
from tests.support.domain import NOW

FILES = read_files(Path(__file__).parents[2])
TRAITS_FILE = "config/traits.yaml"
KINDS = {"occupation": "text", "wants_interview_guide": "yes/no"}


def with_scoring(text: str) -> Mapping[str, str]:
    return {**FILES, "config/scoring.yaml": text}


def scoring_of(text: str) -> Scoring:
    return compile_playbook(with_scoring(text)).scoring


def lead(touches: Sequence[Touch] = (), **traits: Any) -> Seen:
    return traits, touches


def visit(**properties: Any) -> Touch:
    return Touch("visit", "session_ended", NOW, properties)


def gave(rules: Scoring, seen: Seen) -> dict[str, int]:
    facts = Facts(Lead("lead-1", traits=seen[0]), touches=tuple(seen[1]))
    earned = [entry for touch in seen[1] for entry in entries(rules, touch)]
    return {reason.rule: reason.points for reason in explain(rules, facts, earned, NOW)}


def learned(seen: Sequence[Seen], won: Sequence[bool]) -> dict[Candidate, int]:
    tried = candidates(seen, KINDS, fewest=5)
    rules = scoring_of(scoring_file(dict.fromkeys(tried, 1), {}, ""))
    cases = [Case(gave(rules, each), bought) for each, bought in zip(seen, won, strict=True)]
    return fitted(tried, cases, weights)


def titles(found: Sequence[Candidate]) -> list[str]:
    return [each.title for each in found]


def test_what_leads_say_and_do_becomes_rules_to_try() -> None:
    seen = [lead([visit(minutes=m), visit(minutes=m)], occupation="Pilot") for m in range(10)]
    seen += [lead(wants_interview_guide=True)] * 10
    found = titles(candidates(seen, KINDS, fewest=3))
    assert "Occupation: Pilot" in found
    assert "Wants interview guide: yes" in found
    assert "Session ended" in found
    assert "Session ended, minutes >= 5" in found


def test_rules_about_a_handful_of_leads_are_not_tried() -> None:
    seen = [lead(occupation="Housewife")] * 4 + [lead(occupation="Pilot")] * 20 + [lead()] * 20
    found = titles(candidates(seen, KINDS, fewest=5))
    assert "Occupation: Pilot" in found
    assert "Occupation: Housewife" not in found


def test_traits_that_are_not_named_get_no_rules() -> None:
    seen = [lead(country="India")] * 10 + [lead(country="Denmark")] * 10
    assert candidates(seen, KINDS, fewest=5) == []


def test_points_follow_the_outcomes() -> None:
    seen = [lead(occupation="Pilot")] * 40 + [lead(occupation="Poet")] * 40 + [lead()] * 40
    won = [True] * 36 + [False] * 4 + [False] * 38 + [True] * 2 + [True, False] * 20
    points = {each.title: value for each, value in learned(seen, won).items()}
    assert points["Occupation: Pilot"] > 0
    assert points["Occupation: Poet"] < 0
    assert max(map(abs, points.values())) == 40


def test_nobody_loses_points_for_a_visit() -> None:
    seen = [lead([visit(minutes=5)])] * 40 + [lead()] * 40
    won = [False] * 36 + [True] * 4 + [True] * 36 + [False] * 4
    assert learned(seen, won) == {}


def test_the_file_says_for_each_rule_how_many_bought() -> None:
    [pilot] = candidates([lead(occupation="Pilot")] * 9 + [lead()] * 9, KINDS, 9)[1:]
    text = scoring_file({pilot: 30}, {pilot.id: "9 leads, 89% bought"}, "Fitted to 18 leads")
    assert text.startswith("# Fitted to 18 leads\n")
    assert "  # 9 leads, 89% bought\n  occupation-pilot:\n" in text
    [rule] = scoring_of(text).fit
    assert (rule.id, rule.points, rule.title) == ("occupation-pilot", 30, "Occupation: Pilot")


def test_rules_about_words_in_other_scripts_keep_apart() -> None:
    seen = [lead(occupation="Лётчик")] * 9 + [lead(occupation="Поэт")] * 9
    found = candidates(seen, KINDS, fewest=9)
    assert [each.id for each in found] == ["occupation", "occupation-2"]


def test_limits_are_written_without_exponents() -> None:
    for scale in (1e-7, 1e7):
        seen = [lead([visit(minutes=m * scale)]) for m in range(1, 21)]
        tried = candidates(seen, KINDS, fewest=3)
        assert any(each.where for each in tried)
        assert check(with_scoring(scoring_file(dict.fromkeys(tried, 3), {}, ""))) == []


def test_limits_beyond_64_bits_mean_what_they_say() -> None:
    money = {**FILES, TRAITS_FILE: f"{FILES[TRAITS_FILE]}\nfortune: number\n"}
    seen = [lead([visit(minutes=m * 1e19)], fortune=m * 10**19) for m in range(-10, 11)]
    tried = candidates(seen, {"fortune": "number"}, fewest=3)
    text = scoring_file(dict.fromkeys(tried, 3), {}, "")
    rules = compile_playbook({**money, "config/scoring.yaml": text}).scoring
    assert any(rule.when.source.endswith("0.0") for rule in rules.fit)
    assert {rule for each in seen for rule in gave(rules, each)} == {each.id for each in tried}


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
"""Without NUL and half characters: those are stored as U+FFFD (docs/http.md)."""
SEEN = st.lists(
    st.tuples(
        st.fixed_dictionaries({}, optional={"occupation": WORDS}),
        st.lists(
            st.dictionaries(st.sampled_from(["minutes", "path"]), WORDS | st.floats(0, 1e6)).map(
                lambda properties: visit(**properties)
            ),
            max_size=3,
        ),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30)
@given(SEEN)
def test_whatever_leads_say_the_file_compiles_and_means_what_it_says(seen: list[Seen]) -> None:
    tried = candidates(seen, KINDS, fewest=1)
    text = scoring_file(dict.fromkeys(tried, 3), {}, "anything")
    assert check(with_scoring(text)) == []
    rules = scoring_of(text)
    assert {rule.id for rule in (*rules.fit, *rules.engagement)} == {each.id for each in tried}
    fulfilled = {rule for each in seen for rule in gave(rules, each)}
    assert fulfilled == {each.id for each in tried}
