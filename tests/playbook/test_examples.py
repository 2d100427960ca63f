"""The YAML of the documentation can be copied into a playbook."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from nurture.playbook.compiler import check
from nurture.playbook.document import parse
from tests.support.small import PERSONAS, SMALL, TRAITS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
_INDENTED = re.compile(r"(?<=\n\n)(?: {4}.*\n|\n(?= {4}))+")
_MAPPING = re.compile(r"[\w-]+:(\s|$)")
_ALTERNATIVES = ("in_flight: ", "paused: ")
"""Lines of which one is to be chosen."""


def _examples(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    fenced = [block for language, block in _FENCED.findall(text) if language == "yaml"]
    indented = [dedent(block) for block in _INDENTED.findall(_FENCED.sub("", text))]
    plain = [block for block in indented if _MAPPING.match(block)]
    return [part for block in (*fenced, *plain) for part in re.split(r"\n\n(?=\w)", block)]


EXAMPLES = [
    pytest.param(example, id=f"{page.name}: {example.splitlines()[0][:30]}")
    for page in PAGES
    for example in _examples(page)
    if not example.startswith(_ALTERNATIVES)
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_yaml(example: str) -> None:
    assert [str(finding) for finding in parse("example", example).findings] == []


def test_the_personas_of_the_documentation_are_some() -> None:
    [personas] = [each for each in _examples(ROOT / "docs/playbook.md") if "at_least:" in each]
    traits = f"{SMALL[TRAITS]}role: text\ncompany: text\n"
    assert check({**SMALL, TRAITS: traits, PERSONAS: personas}) == []
