"""What is wrong with a playbook is read in Danish on a Danish page: every finding there is, found in the sources."""

import re
from collections.abc import Iterator

from nurture.web import findings
from nurture.web.i18n import Words
from tests.test_every_message import MAKERS, ROOT, SOURCES, golden, sites

DANISH, ENGLISH = Words("da"), Words("en")
MADE_BY = {name: MAKERS[name] for name in ("wrong", "Problem", "Finding", "_at")}
ROOMS = tuple(ROOT / "nurture" / room for room in ("playbook", "delivery/email"))
FITTING = ("text", "filled in", " in dark mode")
"""Each blank of a finding can be filled with one of these."""
PLACED = re.compile(r"(?:\S+?:)?\d+:\d+: (.+)")
LIBRARIES = ("unexpected end of", "No filter", "unsupported operand", "keyword argument")
"""How texts begin that a library says of what it cannot read."""


def told(text: str) -> bool:
    return findings.told(DANISH, text) != text


def patterns() -> Iterator[str]:
    """What the checks can say."""
    files = [file for file in SOURCES if any(room in file.parents for room in ROOMS)]
    yield from (pattern for _, pattern in sites(MADE_BY, files) if pattern.strip(".*?"))


def filled(pattern: str) -> Iterator[str]:
    for word in FITTING:
        yield re.sub(r"\\(.)", r"\1", pattern.replace(".*?", word))


def beginnings(finding: str) -> Iterator[str]:
    """The problem, as far as it can be told apart from the remedy."""
    yield finding
    yield from (finding[: found.start()] for found in re.finditer("; ", finding))


def test_every_finding_has_its_danish() -> None:
    made = set(patterns())
    assert len(made) > 200
    assert sorted(each for each in made if not any(map(told, filled(each)))) == []


def test_every_problem_that_a_test_holds_is_told_in_danish() -> None:
    texts = golden("playbook", "delivery")
    found = {match[1] for text in texts if (match := PLACED.fullmatch(text))}
    assert len(found) > 150
    left = [text for text in found if not any(map(told, beginnings(text)))]
    assert sorted(text for text in left if not text.startswith(LIBRARIES)) == []


def test_no_sentence_is_taken_for_a_more_general_one() -> None:
    def with_blanks(sentence: str, kind: str) -> str:
        names = re.findall(r"%\((\w+)\)s", sentence)
        return sentence % {name: kind if name == "kind" else "x" for name in names}

    for sentence in findings.FINDINGS:
        danish = with_blanks(DANISH.gettext(sentence), "dato")
        assert findings.told(DANISH, with_blanks(sentence, "date")) == danish


def test_a_finding_keeps_what_the_playbook_says() -> None:
    problem = '"points" should be a whole number, not "text"'
    assert findings.told(ENGLISH, problem) == problem
    assert findings.told(DANISH, problem) == '"points" skal være et helt tal, ikke "text"'
    assert findings.told(DANISH, 'unknown touch "text"') == 'ukendt hændelse "text"'
    assert findings.told(DANISH, "one of a list, text") == "en af a list, text"
    unread = "this cannot be read as a condition: "
    assert findings.told(DANISH, unread + "it ends too early").endswith(": den slutter for tidligt")
    assert findings.told(DANISH, unread + "odd sign").endswith("en betingelse: odd sign")
    assert findings.told(DANISH, "mapping values are not allowed here") == (
        "mapping values are not allowed here"
    )
