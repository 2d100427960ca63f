"""The templates that come with the product, as leads will see them."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from nurture.delivery.email.checking import check_templates
from nurture.delivery.email.mime import as_bytes
from nurture.domain.lead import Lead
from tests.support.domain import NOW
from tests.support.mail import COMPANY, SENDER, renderer

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "templates"
FILES = {
    path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
    for path in FOLDER.rglob("*.*")
}
NAMES = sorted({path.split("/")[1] for path in FILES if path.endswith("/subject.txt")})
TRAITS = tuple(YAML(typ="safe").load(ROOT / "config" / "traits.yaml"))
TALKATIVE = {name: f"some {name}" for name in TRAITS} | {"first_name": "Ingeborg"}


def test_there_is_something_to_look_at() -> None:
    assert len(NAMES) >= 6
    assert check_templates(FILES, TRAITS, COMPANY.languages) == []


@pytest.mark.parametrize("language", COMPANY.languages)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("traits", [TALKATIVE, {}], ids=["says all", "says nothing"])
def test_every_template_renders_for_a_lead_that(
    name: str, traits: dict[str, str], language: str
) -> None:
    mail = renderer(FILES, TRAITS).render(
        name,
        message_id="message-1",
        lead=Lead("lead-1", "anna@firma.example", {**traits, "language": language}),
        sender=SENDER,
        flow="welcome",
        step=name,
        persona=None,
        tracking=True,
    )
    for text in (mail.html, mail.text):
        assert COMPANY.name in text
        assert COMPANY.address in text
        assert mail.headers["List-Unsubscribe"].partition(">")[0].lstrip("<") in text
        assert "{{" not in text
        assert "None" not in text
    assert "  " not in mail.subject
    assert not mail.subject.endswith((",", " "))
    assert "<html" in mail.html
    assert f'lang="{language}"' in mail.html
    assert "fonts.googleapis" not in mail.html
    assert ("Ingeborg" in mail.text) == bool(traits)
    assert len(as_bytes(mail, NOW)) < 100_000, "Gmail cuts a mail off at 102 kB"
