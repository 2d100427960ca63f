import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands import album, browsing, lead_files
from commands.preview import header_lines, render
from nurture.domain.errors import InputError
from nurture.simulation.people import Person, person
from tests.support.command import Nurture
from tests.support.domain import lead
from tests.support.playbook import PLAYBOOK

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
ANNA = Person(lead(traits={"first_name": "Anna"}))


def test_a_mail_is_shown_with_the_headers_it_is_sent_with() -> None:
    headers = dict(header_lines(render("guide", ANNA, PLAYBOOK, "https://n.example", NOW), NOW))
    assert headers["Subject"] == "guide Anna"
    assert headers["To"] == "anna@example.org"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["Feedback-ID"] == "welcome:guide:nurture:courses"


def test_a_lead_that_did_not_agree_to_tracking_gets_plain_links() -> None:
    quiet = Person(ANNA.lead, consents=frozenset())
    assert "/c/" in render("guide", ANNA, PLAYBOOK, "https://n.example", NOW).html
    assert "/c/" not in render("guide", quiet, PLAYBOOK, "https://n.example", NOW).html


def test_an_unknown_mail_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(InputError, match='did you mean "guide"'):
        render("guidde", ANNA, PLAYBOOK, "https://n.example", NOW)


def test_an_unknown_trait_of_an_invented_lead_is_refused() -> None:
    with pytest.raises(InputError, match='did you mean "occupation"'):
        person({"email": "a@b.dk", "ocupation": "pro"}, PLAYBOOK, "anna.yaml")


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("email: 5", 'anna.yaml, lead 1: "email" should be text'),
        (
            "{email: a@b.dk, occupation: {a: b}}",
            'anna.yaml, lead 1: "occupation" should be one value, or a list of texts',
        ),
    ],
)
def test_a_value_that_no_lead_can_have_is_refused_with_its_file_and_key(
    tmp_path: Path, said: str, refused: str
) -> None:
    file = tmp_path / "anna.yaml"
    file.write_text(said)
    with pytest.raises(InputError) as error:
        lead_files.people_of(file, PLAYBOOK)
    assert str(error.value) == f"{tmp_path}/{refused}"


def test_leads_are_read_from_a_table_too(tmp_path: Path) -> None:
    table = tmp_path / "leads.csv"
    table.write_text("email,occupation,consents\na@b.dk,pro,email_marketing\nb@b.dk,,none\n")
    first, second = lead_files.people_of(table, PLAYBOOK)
    assert first.lead.traits == {"occupation": "pro"}
    assert first.consents == {"email_marketing"}
    assert second.consents == frozenset()


def test_the_command_shows_the_mail_and_keeps_its_page(nurture: Nurture, tmp_path: Path) -> None:
    (tmp_path / "anna.yaml").write_text("email: anna@example.org\nfirst_name: Anna\n")
    found = nurture("preview", "welcome", "--lead", str(tmp_path / "anna.yaml"), "--json")
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)
    assert "Hi Anna" in told["text"]
    assert Path(told["page"]).read_text(encoding="utf-8") == told["html"]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no browser here")
def test_a_page_becomes_a_picture(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>Hello</p>")
    browsing.picture(page, tmp_path / "page.png", width=200, height=100)
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


def test_every_mail_is_shown_in_every_language(nurture: Nurture) -> None:
    found = nurture("preview")
    assert found.returncode == 0, found.stderr
    assert "welcome (en): Welcome, Anna" in found.stdout
    assert "welcome (da): Velkommen, Anna" in found.stdout


def test_a_mail_is_shown_in_the_language_asked_for(nurture: Nurture) -> None:
    assert "Hej Anna," in nurture("preview", "welcome", "--language", "da").stdout
    refused = nurture("preview", "welcome", "--language", "sv")
    assert refused.returncode == 2
    assert 'no mail is in "sv"' in refused.stderr


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no browser here")
def test_a_mail_becomes_a_picture_of_day_and_one_of_night(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<style>@media (prefers-color-scheme: dark) {p {color: red}}</style><p>Hello</p>"
    )
    day, night = album.pictures(page, tmp_path / "pictures" / "hello.png")
    assert night.name == "hello.dark.png"
    assert day.read_bytes() != night.read_bytes()
