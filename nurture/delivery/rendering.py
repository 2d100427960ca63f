"""From a template and a lead to a finished mail."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from inscriptis import get_text  # type: ignore[import-untyped]
from inscriptis.model.config import ParserConfig  # type: ignore[import-untyped]

from nurture.delivery.email import compiling
from nurture.delivery.email.compiling import Part
from nurture.delivery.email.sandbox import environment, variables
from nurture.delivery.email.tracking import Tracing
from nurture.delivery.links import Links
from nurture.domain.errors import InputError
from nurture.domain.lead import Lead
from nurture.playbook import Company, Sender
from nurture.ports import Mail

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class _Compiled:
    subject: Part
    html: Part
    text: Part | None


class Renderer:
    """The mail templates of one playbook version, each compiled when it is first used.

    `templates` maps paths below templates/ to their text; `traits` are those that the playbook declares.
    """

    def __init__(
        self,
        templates: Mapping[str, str],
        company: Company,
        links: Links,
        traits: Collection[str],
    ) -> None:
        self._templates = templates
        self._company = company
        self._links = links
        self._traits = traits
        self._plain = environment(templates, html=False)
        self._html = environment(templates, html=True)
        self._compiled: dict[str, _Compiled] = {}

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
        parts = self._parts(template)
        address = lead.email or ""
        leave = self._links.unsubscribe_url(lead.id, message_id)
        values = variables(lead, self._traits, self._company, sender, persona, leave)
        domain = sender.address.rpartition("@")[2]
        tracing = Tracing(self._links, message_id, domain, flow, step, address, tracking)
        try:
            html = tracing.in_html(parts.html.render(values))
            text = tracing.in_text(parts.text.render(values)) if parts.text else as_text(html)
        except InputError as error:
            raise error if error.place else InputError(str(error), _folder(template)) from error
        return Mail(
            id=message_id,
            to=address,
            sender=sender.address,
            sender_name=sender.name,
            subject=_one_line(parts.subject.render(values), template),
            html=tracing.pixel(html),
            text=text,
            reply_to=sender.reply_to,
            headers=_headers(leave, sender, flow, step),
        )

    def _parts(self, template: str) -> _Compiled:
        if template not in self._compiled:
            self._compiled[template] = self._compile(f"email/{template}/")
        return self._compiled[template]

    def _compile(self, folder: str) -> _Compiled:
        def plain(name: str) -> Part:
            return compiling.plain(self._plain, folder + name, self._templates[folder + name])

        kinds = [kind for kind in ("body.mjml", "body.html") if folder + kind in self._templates]
        if not kinds or f"{folder}subject.txt" not in self._templates:
            raise InputError("needs subject.txt and body.mjml", f"templates/{folder}")
        return _Compiled(
            subject=plain("subject.txt"),
            html=compiling.body(self._html, folder + kinds[0], self._templates),
            text=plain("body.txt") if f"{folder}body.txt" in self._templates else None,
        )


def _headers(leave: str, sender: Sender, flow: str, step: str) -> dict[str, str]:
    """RFC 8058 one-click, RFC 2919 List-ID, and Feedback-ID, whose last field names the sender."""
    mailbox = quote(sender.reply_to or sender.address, safe="@+.")
    token = leave.rpartition("/")[2]
    domain = sender.address.rpartition("@")[2]
    flow, step, account = (_NOT_IN_A_NAME.sub("-", name) for name in (flow, step, sender.id))
    return {
        "List-Unsubscribe": f"<{leave}>, <mailto:{mailbox}?subject=unsubscribe%20{token}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-ID": f"<{flow}.{domain}>",
        "Feedback-ID": f"{flow}:{step}:nurture:{account}",
    }


def as_text(html: str) -> str:
    """The mail for those who read no HTML, with every link written out."""
    text: str = get_text(html, ParserConfig(display_links=True))
    lines = text.splitlines()
    return _BLANK_LINES.sub("\n\n", "\n".join(line.strip() for line in lines)).strip() + "\n"


def _one_line(subject: str, template: str) -> str:
    """A line break would end the header; an empty subject is a mistake nobody wants to send."""
    line = " ".join("".join(c if c.isprintable() else " " for c in subject).split())
    if not line:
        raise InputError("the subject is empty", f"{_folder(template)}subject.txt:1")
    return line


def _folder(template: str) -> str:
    return f"templates/email/{template}/"
