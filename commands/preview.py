"""`nurture preview`: one mail to one lead, byte for byte as it would be sent."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from commands import album, browsing, lead_files, opening
from nurture.delivery.email import mime
from nurture.delivery.links import Links
from nurture.delivery.rendering import Renderer
from nurture.domain import consent, keys
from nurture.domain.errors import InputError
from nurture.domain.flow import Email
from nurture.domain.lead import Lead
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
    mail: Annotated[
        str, typer.Argument(help="A mail, as in templates/email/<mail>/; all of them without.")
    ] = "",
    lead: Annotated[
        str, typer.Option(help="A file with a lead (YAML, JSON, CSV), or an address.")
    ] = "",
    language: Annotated[str, typer.Option(help="In this language, whatever the lead reads.")] = "",
    show: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    screenshot: Annotated[
        Path | None,
        typer.Option(
            help="Keep pictures of it: this .png by day, another by night. A folder for all."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Show a mail as it would be sent: its headers, its text, and its HTML as a page.

    Its links lead nowhere, so that a look at it unsubscribes nobody. Without a lead it goes to one that told
    its name and no more."""
    config = opening.load()
    playbook = compile_playbook(read_files(config.playbook_dir), config.pace)
    person = _lead(lead, playbook, config)
    if not mail:
        _all(person, language, playbook, config, screenshot)
        return
    now = datetime.now(UTC)
    spoken = _speaking(person, language, playbook)
    rendered = render(mail, spoken, playbook, config.base_url, now)
    page = _page(config, mail, rendered)
    headers = header_lines(rendered, now)
    if as_json:
        told = {"headers": headers, "text": rendered.text, "html": rendered.html}
        typer.echo(json.dumps({**told, "page": str(page)}, indent=2, ensure_ascii=False))
    else:
        lines = [f"{name}: {value}" for name, value in headers]
        typer.echo("\n".join([*lines, "", rendered.text, f"HTML: {page}"]))
    if screenshot:
        for _ in album.pictures(page, screenshot):
            pass
    if show:
        browsing.show(page)


def _all(
    person: Person, language: str, playbook: Playbook, config: Settings, folder: Path | None
) -> None:
    """Every mail in every language it comes in, as a page and, with a folder, as pictures."""
    for mail in mails_of(playbook):
        for each in [language] if language else playbook.company.languages:
            spoken = _speaking(person, each, playbook)
            rendered = render(mail, spoken, playbook, config.base_url, datetime.now(UTC))
            page = _page(config, f"{mail}.{each}", rendered)
            typer.echo(f"{mail} ({each}): {rendered.subject}\n  {page}")
            for file in album.pictures(page, folder / f"{mail}.{each}.png") if folder else ():
                typer.echo(f"  {file}")


def mails_of(playbook: Playbook) -> list[str]:
    """The names of all mails, those that no flow sends too."""
    folder = MAILS.removeprefix("templates/")
    known = {path.split("/")[1] for path in playbook.templates if path.startswith(folder)}
    return sorted(name for name in known if not name.startswith("_"))


def render(mail: str, person: Person, playbook: Playbook, base_url: str, now: datetime) -> Mail:
    """Raises InputError for an unknown mail, a lead without an address, or a template that fails."""
    mails = mails_of(playbook)
    if mail not in mails:
        raise InputError(f'unknown mail "{mail}"; {suggest(mail, mails)}')
    if not person.lead.email:
        raise InputError("this lead has no address", person.lead.id)
    place = place_of(mail, playbook)
    links = Links(base_url, Tokens([_NO_KEY]))
    return Renderer(playbook, links).render(
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


def _speaking(person: Person, language: str, playbook: Playbook) -> Person:
    if not language:
        return person
    if language not in playbook.company.languages:
        known = playbook.company.languages
        raise InputError(f'no mail is in "{language}"; {suggest(language, known)}', "--language")
    traits = {**person.lead.traits, "language": language}
    return replace(person, lead=replace(person.lead, traits=traits))


def _lead(name: str, playbook: Playbook, config: Settings) -> Person:
    if not name:
        return Person(Lead("preview", "anna@example.org", {"first_name": "Anna"}))
    path = Path(name)
    if path.is_file():
        return lead_files.people_of(path, playbook)[0]
    person = lead_files.one(name, config)
    if person is None:
        raise InputError("there is no such file, and no lead goes by this name", name)
    return person


def _page(config: Settings, mail: str, rendered: Mail) -> Path:
    page = config.data_dir.resolve() / "previews" / f"{mail}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(rendered.html, encoding="utf-8")
    return page
