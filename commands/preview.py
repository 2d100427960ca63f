"""`nurture preview`: one mail to one lead, byte for byte as it would be sent."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from commands import browsing, lead_files, opening
from nurture.delivery.email import mime
from nurture.delivery.links import Links
from nurture.delivery.rendering import Renderer
from nurture.domain import consent, keys
from nurture.domain.errors import InputError
from nurture.domain.flow import Email
from nurture.playbook import Playbook, Sender
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.findings import suggest
from nurture.playbook.reading import MAILS
from nurture.playbook.source import read_files
from nurture.ports import Mail
from nurture.settings import Settings
from nurture.simulation.people import Person
from nurture.tokens import Tokens

_NO_KEY = "preview"
"""Signs the links of a preview. They lead nowhere: a look at a mail must not unsubscribe anybody."""


@dataclass(frozen=True)
class Place:
    """Where a mail is sent from: the first step that names it."""

    flow: str
    step: str
    sender: Sender


def preview(
    mail: Annotated[str, typer.Argument(help="A mail, as in templates/email/<mail>/.")],
    lead: Annotated[str, typer.Option(help="A file with a lead (YAML, JSON, CSV), or an address.")],
    show: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    screenshot: Annotated[Path | None, typer.Option(help="Keep a picture of it here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Show a mail as it would be sent: its headers, its text, and its HTML as a page.

    Its links lead nowhere, so that a look at it unsubscribes nobody."""
    config = opening.load()
    playbook = compile_playbook(read_files(config.playbook_dir), config.pace)
    now = datetime.now(UTC)
    rendered = render(mail, _lead(lead, playbook, config), playbook, config.base_url, now)
    page = _page(config, mail, rendered)
    headers = header_lines(rendered, now)
    if as_json:
        told = {"headers": headers, "text": rendered.text, "html": rendered.html}
        typer.echo(json.dumps({**told, "page": str(page)}, indent=2, ensure_ascii=False))
    else:
        lines = [f"{name}: {value}" for name, value in headers]
        typer.echo("\n".join([*lines, "", rendered.text, f"HTML: {page}"]))
    if screenshot:
        browsing.picture(page, screenshot)
    if show:
        browsing.show(page)


def render(mail: str, person: Person, playbook: Playbook, base_url: str, now: datetime) -> Mail:
    """Raises InputError for an unknown mail, a lead without an address, or a template that fails."""
    folder = MAILS.removeprefix("templates/")
    known = {path.split("/")[1] for path in playbook.templates if path.startswith(folder)}
    mails = {name for name in known if not name.startswith("_")}
    if mail not in mails:
        raise InputError(f'unknown mail "{mail}"; {suggest(mail, mails)}')
    if not person.lead.email:
        raise InputError("this lead has no address", person.lead.id)
    place = place_of(mail, playbook)
    links = Links(base_url, Tokens([_NO_KEY]))
    return Renderer(playbook.templates, playbook.company, links, playbook.traits).render(
        mail,
        message_id=keys.message_id(keys.enrolment_id(person.lead.id, place.flow, 1), place.step),
        lead=person.lead,
        sender=place.sender,
        flow=place.flow,
        step=place.step,
        persona=lead_files.persona(person, playbook, now),
        tracking=consent.TRACKING in person.consents,
    )


def place_of(mail: str, playbook: Playbook) -> Place:
    """A mail that no flow sends yet is previewed as if a flow called `preview` did."""
    for name, flow in playbook.flows.items():
        for step, does in flow.steps.items():
            if isinstance(does, Email) and mail in (does.template, *does.variants.values()):
                return Place(name, step, playbook.senders[playbook.sender_of[name]])
    return Place("preview", mail, next(iter(playbook.senders.values())))


def header_lines(mail: Mail, now: datetime) -> list[tuple[str, str]]:
    """The headers as they stand on the wire, in order."""
    head = mime.as_bytes(mail, now).partition(b"\r\n\r\n")[0].decode("ascii")
    lines = head.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n")
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def _lead(name: str, playbook: Playbook, config: Settings) -> Person:
    path = Path(name)
    if path.is_file():
        return lead_files.people_of(path, playbook)[0]
    person = lead_files.one(name, config)
    if person is None:
        raise InputError("there is no such file, and no lead goes by this name", name)
    return person


def _page(config: Settings, mail: str, rendered: Mail) -> Path:
    page = config.data_dir / "previews" / f"{mail}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(rendered.html, encoding="utf-8")
    return page
