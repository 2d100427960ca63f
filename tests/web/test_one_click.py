"""Unsubscribing as Gmail does it: the address from the mail's own header, one POST, nothing else (RFC 8058)."""

from typing import Any
from urllib.parse import urlsplit

import mailparser
import pytest

from nurture.delivery.email import mime
from nurture.delivery.links import Links
from nurture.domain import gate
from nurture.domain.flow import SendMail
from nurture.mail.postroom import Postroom
from nurture.store import leads
from nurture.store.tables import EnrolmentRow, LeadRow
from tests.support.domain import NOW
from tests.support.house import House
from tests.support.playbook import PLAYBOOK

BODIES = [
    {
        "content": b"List-Unsubscribe=One-Click",
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    },
    {"files": {"List-Unsubscribe": (None, "One-Click")}},
]


async def _wire(house: House) -> bytes:
    """A mail of the welcome flow to Anna, as it leaves us."""
    lead = await house.world.tell("form_submitted", traits={"first_name": "Anna"})
    [run] = await house.world.rows(EnrolmentRow)
    postroom = Postroom(Links(house.settings.base_url, house.tokens))
    mail = postroom.render(PLAYBOOK, run, lead, SendMail("hello", "hello"), "m1")
    return mime.as_bytes(mail, NOW)


@pytest.mark.parametrize("body", BODIES, ids=["form", "multipart"])
async def test_the_mail_programs_own_button_works(sqlite_house: House, body: Any) -> None:
    house = sqlite_house
    mail = mailparser.parse_from_bytes(await _wire(house))
    headers = {name.lower(): value for name, value in mail.headers.items()}
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    url = next(
        part.strip(" <>")
        for part in headers["list-unsubscribe"].split(",")
        if part.strip().startswith("<https://")
    )
    async with house.client() as client:
        path = urlsplit(url).path
        await client.get(path)
        await client.head(path)
        assert await _verdict(house) == gate.Send(), "looking at it changes nothing"
        answer = await client.post(path, **body, follow_redirects=False)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert await _verdict(house) == gate.Refuse("unsubscribed")


async def _verdict(house: House) -> gate.Verdict:
    async with house.world.db.read() as session:
        row = await leads.find(session, "anna@example.org")
        assert isinstance(row, LeadRow)
        facts = await leads.facts(session, row, NOW)
    return gate.ask(gate.MailRules(), facts, NOW, NOW)
