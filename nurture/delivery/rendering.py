"""From a template and a lead to a finished mail."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nurture.delivery.email import compiling, plaintext
from nurture.delivery.email.compiling import Body, Part
from nurture.delivery.email.sandbox import JOINERS, variables
from nurture.delivery.email.tracking import Tracing
from nurture.delivery.email.variants import Files, Library, Variant
from nurture.delivery.email.written import Written
from nurture.delivery.links import Links
from nurture.domain.errors import InputError
from nurture.domain.language import language_of
from nurture.domain.lead import Lead
from nurture.playbook import Playbook, Sender
from nurture.ports import Mail

_UNSEEN = frozenset(["Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"])
"""Unicode's categories of signs that are none to read. An emoji newer than our tables is in none of them."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class _Compiled:
    subject: Part
    body: Body
    own_text: Part | None

    def bodies(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """As HTML and as plain text."""
        html = self.body.html.render(values)
        if self.own_text:
            return html, self.own_text.render(values)
        derived = self.body.text
        return html, plaintext.tidy(derived.render(values)) if derived else plaintext.as_text(html)


class Renderer:
    """The mail templates of one playbook version, each variant compiled when it is first used."""

    def __init__(self, playbook: Playbook, links: Links) -> None:
        self._playbook = playbook
        self._languages = playbook.company.languages
        self._links = links
        ours = [*playbook.templates.values(), playbook.company.contact]
        personas = [persona.id for persona in playbook.personas]
        self._written = Written(ours, self._languages, personas)
        self._library = Library(playbook.templates, self._languages, personas)
        self._variants: dict[tuple[str, str, str | None], Variant] = {}
        self._compiled: dict[tuple[str, Variant], _Compiled] = {}

    def render(
        self,
        template: str,
        *,
        message_id: str,
        lead: Lead,
        sender: Sender,
        flow: str,
        step: str,
        persona: str | None,
        tracking: bool,
    ) -> Mail:
        """The mail to this lead. With `tracking` (the lead consented) openings and clicks are counted.

        Raises InputError naming the template's file and line when it cannot be rendered.
        """
        variant = self._variant(template, lead, persona)
        parts = self._parts(template, variant)
        leave = self._links.unsubscribe_url(lead.id, message_id)
        company, traits = self._playbook.company, self._playbook.traits
        confirm = self._links.confirm_url(lead.id, message_id)
        values = variables(lead, traits, company, sender, persona, leave, variant.language, confirm)
        tracing = Tracing(
            links=self._links,
            written=self._written,
            rules=self._playbook.links,
            message_id=message_id,
            domain=sender.address.rpartition("@")[2],
            marks={"flow": flow, "step": step, "mail": template, "language": variant.language},
            secret=lead.email or "",
            said=[str(value) for value in lead.traits.values()],
            tracking=tracking,
        )
        html, text = _traced(tracing, template, parts, values)
        return Mail(
            id=message_id,
            to=lead.email or "",
            sender=sender.address,
            sender_name=sender.name,
            subject=_one_line(parts.subject.render(values), template),
            html=tracing.pixel(html),
            text=text,
            reply_to=sender.reply_to,
            headers=_headers(self._links.ways_to_leave(leave), sender, flow, step),
        )

    def _variant(self, template: str, lead: Lead, persona: str | None) -> Variant:
        language = language_of(lead.traits, self._languages)
        asked = (template, language, persona)
        if asked not in self._variants:
            self._variants[asked] = self._library.variant(*asked)
        return self._variants[asked]

    def _parts(self, template: str, variant: Variant) -> _Compiled:
        if (template, variant) not in self._compiled:
            files = self._library.seen_by(variant)
            compiled = _compile(files, f"email/{template}/", variant)
            self._compiled[template, variant] = compiled
            self._written.add(compiled.body.html.source)  # MJML makes links of its own
        return self._compiled[template, variant]


def _compile(files: Files, folder: str, variant: Variant) -> _Compiled:
    bodies = [name for name in (f"{folder}body.mjml", f"{folder}body.html") if name in files]
    if not bodies or f"{folder}subject.txt" not in files:
        raise InputError("needs subject.txt and body.mjml", f"templates/{folder}")
    own = f"{folder}body.txt"
    return _Compiled(
        subject=compiling.plain(files, f"{folder}subject.txt"),
        body=compiling.body(files, bodies[0], variant.language),
        own_text=compiling.plain(files, own) if files.speaks_for(own, bodies[0]) else None,
    )


def _traced(
    tracing: Tracing, template: str, parts: _Compiled, values: Mapping[str, Any]
) -> tuple[str, str]:
    try:
        html, text = parts.bodies(values)
        return tracing.in_html(html), tracing.in_text(text)
    except InputError as error:
        raise error if error.place else InputError(str(error), _folder(template)) from error


def _headers(ways_to_leave: str, sender: Sender, flow: str, step: str) -> dict[str, str]:
    """RFC 8058 one-click, RFC 2919 List-ID, RFC 3834 so that no absence notice answers, and Feedback-ID, whose
    last field names the sender."""
    domain = sender.address.rpartition("@")[2]
    flow, step, account = (_NOT_IN_A_NAME.sub("-", name) for name in (flow, step, sender.id))
    return {
        "List-Unsubscribe": ways_to_leave,
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-ID": f"<{flow}.{domain}>",
        "Auto-Submitted": "auto-generated",
        "Feedback-ID": f"{flow}:{step}:nurture:{account}",
    }


def _one_line(subject: str, template: str) -> str:
    """A line break would end the header; an empty subject is a mistake nobody wants to send."""
    line = " ".join("".join(c if _readable(c) else " " for c in subject).split())
    if not line:
        raise InputError("the subject is empty", f"{_folder(template)}subject.txt:1")
    return line


def _readable(sign: str) -> bool:
    return sign in JOINERS or unicodedata.category(sign) not in _UNSEEN


def _folder(template: str) -> str:
    return f"templates/email/{template}/"
