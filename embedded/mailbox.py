"""The mails of the local inbox: one .eml file each, with a list of what is in them."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from html import unescape
from pathlib import Path

_HREF = re.compile(r"<a\b[^>]*?\shref\s*=\s*[\"'](.*?)[\"']", re.DOTALL | re.I)
_SOURCE = re.compile(r"<img\b[^>]*?\ssrc\s*=\s*[\"'](.*?)[\"']", re.DOTALL | re.I)
_LIST = "list.jsonl"


@dataclass(frozen=True)
class Summary:
    """What a list shows of a mail. `id` counts up from 0000001; `date` is the mail's own, in UTC;
    `links` and `images` are the addresses in its HTML; `size` is in bytes."""

    id: str
    to: str
    sender: str
    subject: str
    date: str
    message_id: str
    links: tuple[str, ...]
    images: tuple[str, ...]
    size: int


class Mailbox:
    """Mails are never changed, so each is parsed once: its summary is kept in memory and in a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._summaries: list[Summary] = []

    def open(self) -> None:
        """Read what is there. Raises OSError when the folder cannot be used."""
        self._folder.mkdir(parents=True, exist_ok=True)
        listed = self._listed()
        for path in sorted(self._folder.glob("*.eml")):
            summary = listed.get(path.stem) or summarise(path.stem, path.read_bytes())
            self._summaries.append(summary)
            if path.stem not in listed:
                self._list(summary)

    def add(self, raw: bytes) -> Summary:
        """Keep a mail. Raises OSError when it could not be written: then it does not count, whatever
        the list says of its id."""
        last = self._summaries[-1].id if self._summaries else "0"
        name = f"{int(last) + 1:07d}"
        half = self._folder / f"{name}.half"
        half.write_bytes(raw)
        summary = summarise(name, raw)
        self._list(summary)
        os.replace(half, self._path(name))
        self._summaries.append(summary)
        return summary

    def list(self, since: str = "") -> Sequence[Summary]:
        """In order of arrival; with `since`, those that came after the mail of that id."""
        if not since:
            return tuple(self._summaries)
        return tuple(summary for summary in self._summaries if summary.id > since)

    def find(self, mail_id: str) -> tuple[Summary, EmailMessage] | None:
        for summary in self._summaries:
            if summary.id == mail_id:
                return summary, parse(self.raw(mail_id))
        return None

    def came_at(self, mail_id: str) -> datetime:
        """By our own clock; `date` is by the sender's."""
        return datetime.fromtimestamp(self._path(mail_id).stat().st_mtime, UTC)

    def raw(self, mail_id: str) -> bytes:
        return self._path(mail_id).read_bytes()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.eml"

    def _listed(self) -> dict[str, Summary]:
        """A line that was cut off by a crash is left out, and its mail parsed again."""
        path = self._folder / _LIST
        found = {}
        for line in path.read_bytes().splitlines() if path.exists() else []:
            try:
                values = json.loads(line)
                links, images = tuple(values.pop("links")), tuple(values.pop("images"))
                found[values["id"]] = Summary(**values, links=links, images=images)
            except (ValueError, KeyError, TypeError):
                continue
        return found

    def _list(self, summary: Summary) -> None:
        with (self._folder / _LIST).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(summary), ensure_ascii=False) + "\n")


def sent_from(raw: bytes) -> str:
    """The envelope's sender, where reports of a mail's fate go."""
    return str(parse(raw)["Return-Path"] or "").strip(" <>") or "bounces@localhost"


def parse(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def part(message: EmailMessage, kind: str) -> str:
    """The body of that kind, "html" or "plain"; empty when the mail has none."""
    found = message.get_body((kind,))
    return str(found.get_content()) if found else ""


def summarise(mail_id: str, raw: bytes) -> Summary:
    """Each header is understood once and only if it is shown: `parse` does so at every look at any of them."""
    message = message_from_bytes(raw, policy=policy.compat32)
    headers = {name.lower(): value for name, value in reversed(list(message.raw_items()))}

    def told(name: str) -> str:
        value = headers.get(name.lower())
        return str(policy.default.header_fetch_parse(name, value)) if value else ""

    html = _html(message)
    return Summary(
        id=mail_id,
        to=told("To"),
        sender=told("From"),
        subject=told("Subject"),
        date=_moment(told("Date")),
        message_id=told("Message-ID").strip(),
        links=tuple(unescape(link) for link in _HREF.findall(html)),
        images=tuple(unescape(link) for link in _SOURCE.findall(html)),
        size=len(raw),
    )


def _html(message: Message) -> str:
    """The first body that is HTML; empty when there is none."""
    for each in message.walk():
        if each.get_content_type() == "text/html" and not each.get_filename():
            body = each.get_payload(decode=True)
            charset = each.get_content_charset("ascii")
            return body.decode(charset, "replace") if isinstance(body, bytes) else ""
    return ""


def _moment(date: str) -> str:
    """ISO 8601 in UTC; empty for a date that nobody can read."""
    try:
        return parsedate_to_datetime(date).astimezone(UTC).isoformat(timespec="seconds")
    except ValueError:
        return ""
