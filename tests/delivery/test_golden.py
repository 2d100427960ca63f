"""Every shipped mail in every language against what somebody has looked at.

After a wanted change: NURTURE_GOLDEN=write make test ARGS=tests/delivery/test_golden.py, then look at the
difference, and at `make pictures`.
"""

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nurture.domain.lead import Lead
from tests.delivery.test_shipped_templates import FILES, NAMES, TRAITS
from tests.support.mail import BASE, SENDER, renderer

GOLDEN = Path(__file__).parent / "golden"
TOLD = {
    "en": {"first_name": "Ingeborg", "specialization": "Finance", "language": "en"},
    "da": {"first_name": "Ingeborg", "specialization": "Økonomi", "language": "da"},
}
_TOKEN = re.compile(rf"({BASE}/[a-z]/)[\w.-]+")

_UNSEEN = dict.fromkeys([0x034F, 0x200C])
"""What fills up the preheader."""


class Outline(HTMLParser):
    """What a reader meets: language, title, headings, links, pictures and texts, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = ("lang", "role", "href", "src", "alt", "width", "height", "aria-hidden")
        given = [f'{name}="{value}"' for name, value in attrs if name in kept]
        if tag in ("html", "title", "h1", "h2", "ul", "li", "table", "a", "img", "strong", "p"):
            self.lines.append(" ".join([f"<{tag}", *given]) + ">")

    def handle_data(self, data: str) -> None:
        if data.strip() and self.lines and not data.strip().startswith(("@", "#", ".", ":root")):
            self.lines.append("  " + " ".join(data.translate(_UNSEEN).split()))


def sanitised(html: str, text: str, subject: str) -> str:
    outline = Outline()
    outline.feed(re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL))
    page = "\n".join(outline.lines)
    return _TOKEN.sub(r"\1…", f"Subject: {subject}\n\n{text}\n{'-' * 40}\n{page}\n")


@pytest.mark.parametrize("language", sorted(TOLD))
@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_mail_is_what_somebody_has_looked_at(name: str, language: str) -> None:
    mail = renderer(FILES, TRAITS).render(
        name,
        message_id="message-1",
        lead=Lead("lead-1", "anna@firma.example", TOLD[language]),
        sender=SENDER,
        flow="welcome",
        step=name,
        persona=None,
        tracking=False,
    )
    found = sanitised(mail.html, mail.text, mail.subject)
    golden = GOLDEN / f"{name}.{language}.txt"
    if os.environ.get("NURTURE_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")
