"""Both languages say everything, and say it with the same blanks to fill in."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from nurture.web.i18n import LANGUAGES, Words, choose

WEB = Path(__file__).parents[2] / "nurture" / "web"
BLANK = re.compile(r"%\(\w+\)s")


def used() -> set[str]:
    """The texts of all pages and of the pictures in them, as `make words` finds them."""
    ways = [("**.py", "python"), ("pages/**.html", "jinja2")]
    options = {"pages/**.html": {"trimmed": "true"}}
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "later": None, "say": None}
    found = [
        each
        for room in (WEB, WEB.parent / "playbook")
        for each in extract_from_dir(str(room), ways, options, keywords)
    ]
    return {text[0] if isinstance(text, tuple) else text for _, _, text, _, _ in found}


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_every_text_is_translated_and_no_translation_is_left_over(language: str) -> None:
    with (WEB / "locale" / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    told = {}
    for message in catalogue:
        forms = message.string if isinstance(message.string, tuple | list) else [message.string]
        one = message.id[0] if isinstance(message.id, tuple | list) else message.id
        if one and all(forms):
            told[one] = (message.id, forms)
    assert used() - set(told) == set(), "run `make words` and fill in what is empty"
    assert set(told) - used() == set(), "run `make words`, which drops them"
    for asked, forms in told.values():
        sources = asked if isinstance(asked, tuple | list) else [asked]
        for source, form in zip(sources, forms, strict=True):
            assert sorted(BLANK.findall(source)) == sorted(BLANK.findall(form)), source


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("da-DK,da;q=0.9,en-US;q=0.8", "da"),
        ("en-US,da;q=0.5", "en"),
        ("fr,da;q=0.1", "da"),
        ("fr,de", "en"),
        ("*", "en"),
        ("", "en"),
        ("da;q=0,en", "en"),
        ("da;q=x, ;;, \x00", "en"),
    ],
)
def test_a_browser_gets_the_language_it_ranks_highest_of_ours(header: str, language: str) -> None:
    assert choose(header) == language


def test_danes_write_numbers_and_days_their_way() -> None:
    assert Words("da").number(12500.5) == "12.500,5"
    assert Words("en").number(12500.5) == "12,500.5"
