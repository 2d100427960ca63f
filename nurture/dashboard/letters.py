"""Mails as the dashboard shows them: the send ledger, and one mail as it looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.delivery.links import Links
from nurture.delivery.rendering import Renderer
from nurture.domain.errors import InputError
from nurture.ports import Mail
from nurture.store import handovers, leads, mail_list
from nurture.store.database import Database
from nurture.store.mail_list import Filter
from nurture.store.paging import Key, cut
from nurture.store.tables import LeadRow, MessageRow
from nurture.tokens import Tokens
from nurture.versions.shelf import Shelf

PAGE = 50
_KEPT = 3
_NO_KEY = "a look at a mail"
"""Signs the links of a mail that is only looked at. They lead nowhere, and unsubscribe nobody."""


@dataclass(frozen=True)
class Line:
    id: str
    at: datetime
    lead_id: str
    lead: str
    template: str
    flow: str
    step: str
    sender: str
    state: str
    reason: str
    attempts: int
    sent_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None


@dataclass(frozen=True)
class Page:
    lines: Sequence[Line]
    before: Key | None
    after: Key | None


@dataclass(frozen=True)
class Letter:
    """`mail` is rendered anew, from the templates of then and what is known of the lead now; None with the
    `problem` where that is not possible any more."""

    line: Line
    mail: Mail | None
    problem: str = ""


class Letters:
    def __init__(self, db: Database, shelf: Shelf, base_url: str) -> None:
        self._db = db
        self._shelf = shelf
        self._links = Links(base_url, Tokens([_NO_KEY]))
        self._renderers: dict[str, Renderer] = {}

    async def page(self, wanted: Filter, after: Key | None) -> Page:
        async with self._db.read() as session:
            rows = await mail_list.page(session, wanted, after, PAGE + 1)
        page = cut(rows, after, PAGE, lambda found: (found[0].claimed_at, found[0].id))
        return Page([_line(*each) for each in page.rows], page.before, page.after)

    async def show(self, message_id: str, owner: str | None) -> Letter | None:
        """None when there is no such mail, or its lead is not the owner's."""
        async with self._db.read() as session:
            found = await mail_list.one(session, message_id)
            if found is None or not await handovers.is_owned(session, found[1].id, owner):
                return None
            row, lead, run = found
            playbook = await self._shelf.version(session, run.playbook)
        line = _line(row, lead)
        if lead.erased_at:
            return Letter(line, None, "erased")
        if playbook.hash not in self._renderers:
            kept = list(self._renderers.items())[1 - _KEPT :]
            self._renderers = {**dict(kept), playbook.hash: Renderer(playbook, self._links)}
        try:
            sender = playbook.senders.get(row.sender) or next(iter(playbook.senders.values()))
            mail = self._renderers[playbook.hash].render(
                row.template,
                message_id=row.id,
                lead=leads.as_lead(lead),
                sender=sender,
                flow=run.flow,
                step=row.step,
                persona=lead.persona,
                tracking=False,
            )
        except InputError as error:
            return Letter(line, None, str(error))
        return Letter(line, mail)


def _line(row: MessageRow, lead: LeadRow) -> Line:
    return Line(
        id=row.id,
        at=row.claimed_at,
        lead_id=row.lead_id,
        lead=leads.name(lead),
        template=row.template,
        flow=row.flow,
        step=row.step,
        sender=row.sender,
        state=row.state,
        reason=row.reason,
        attempts=row.attempts,
        sent_at=row.sent_at,
        opened_at=row.opened_at,
        clicked_at=row.clicked_at,
    )
