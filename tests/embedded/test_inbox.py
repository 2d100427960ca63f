import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from embedded.inbox import Inbox
from embedded.mailbox import Mailbox
from nurture.delivery.email.smtp import SmtpMailer
from nurture.domain.errors import StartError, Transient
from tests.support.mail import HOST, mail


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Inbox]:
    inbox = Inbox(folder, 0, 0)
    await inbox.start()
    yield inbox
    await inbox.stop()


async def post(inbox: Inbox, *subjects: str, html: str = "<p>Hi</p>") -> None:
    mailer = SmtpMailer(HOST, inbox.smtp_port)
    for subject in subjects:
        await mailer.send(mail(subject=subject, html=html))
    await mailer.close()


async def get(inbox: Inbox, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=inbox.url) as http:
        return await http.get(path)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as listener:
        yield listener.getsockname()[1]


async def test_a_mail_is_kept_as_a_file_and_told_as_json(tmp_path: Path) -> None:
    html = '<a class="b" href="https://x.example/c/1?a=1&amp;b=2">Go</a><img src="https://x.example/o/1">'
    async with running(tmp_path) as inbox:
        await post(inbox, "Goddag", html=html)
        told = (await get(inbox, "/api/mails")).json()
    [found] = told["mails"]
    assert told["count"] == 1
    assert found["id"] == "0000001"
    assert found["to"] == "anna@firma.example"
    assert found["from"] == "Søren Ærø <courses@x-education.example>"
    assert found["subject"] == "Goddag"
    assert found["message_id"] == "<6f0d7d3e-7c3b-5d55-9a43-7c1a6b0d8a11@x-education.example>"
    assert found["links"] == ["https://x.example/c/1?a=1&b=2"]
    assert found["images"] == ["https://x.example/o/1"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found["date"])
    kept = (tmp_path / "inbox" / "0000001.eml").read_bytes()
    assert len(kept) == found["size"]
    assert kept.startswith(b"Return-Path: <courses@x-education.example>\r\nDelivered-To: anna@")


async def test_one_mail_is_told_with_headers_html_and_text(tmp_path: Path) -> None:
    async with running(tmp_path) as inbox:
        await post(inbox, "Goddag")
        found = (await get(inbox, "/api/mails/0000001")).json()
        raw = (await get(inbox, "/mails/0000001/raw")).content
    assert ["Subject", "Goddag"] in found["headers"]
    assert found["html"].strip() == "<p>Hi</p>"
    assert found["text"].strip() == "Smørrebrød"
    assert raw == (tmp_path / "inbox" / "0000001.eml").read_bytes()


async def test_only_what_came_since_the_last_known_mail_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as inbox:
        await post(inbox, "one", "two", "three")
        told = (await get(inbox, "/api/mails?since=0000001")).json()
    assert [found["subject"] for found in told["mails"]] == ["two", "three"]


async def test_mails_are_there_again_after_a_restart_and_new_ones_follow(tmp_path: Path) -> None:
    async with running(tmp_path) as inbox:
        await post(inbox, "one", "two")
        before = (await get(inbox, "/api/mails")).json()["mails"]
    async with running(tmp_path) as inbox:
        await post(inbox, "three")
        after = (await get(inbox, "/api/mails")).json()["mails"]
    assert after[:2] == before
    assert [found["id"] for found in after] == ["0000001", "0000002", "0000003"]


async def test_a_list_that_a_crash_cut_off_or_removed_is_made_again(tmp_path: Path) -> None:
    async with running(tmp_path) as inbox:
        await post(inbox, "one", "two")
    kept = tmp_path / "inbox" / "list.jsonl"
    for damaged in (kept.read_bytes()[:-20], b"[]\nnot json\n", b""):
        kept.write_bytes(damaged)
        mailbox = Mailbox(tmp_path / "inbox")
        mailbox.open()
        assert [summary.subject for summary in mailbox.list()] == ["one", "two"]


async def test_the_pages_show_mails_newest_first_and_find_them(tmp_path: Path) -> None:
    async with running(tmp_path) as inbox:
        empty = (await get(inbox, "/")).text
        await post(inbox, "First <b>", "Second")
        page = (await get(inbox, "/")).text
        found = (await get(inbox, "/?q=SECOND")).text
        nothing = (await get(inbox, "/?q=nobody")).text
    assert "No mail yet" in empty
    assert page.index("Second") < page.index("First &lt;b&gt;")
    assert "First" not in found
    assert "Nothing matches" in nothing


async def test_a_long_list_comes_in_pages(tmp_path: Path) -> None:
    async with running(tmp_path) as inbox:
        await post(inbox, *(f"mail {number}." for number in range(1, 53)))
        first, second = (await get(inbox, "/")).text, (await get(inbox, "/?page=2")).text
        beyond = await get(inbox, "/?page=99")
    assert "mail 52." in first
    assert "mail 2." not in first
    assert "mail 2." in second
    assert beyond.text == second


async def test_a_mail_is_shown_without_scripts_and_without_asking_anybody(tmp_path: Path) -> None:
    html = '<script>alert(1)</script><img src="https://x.example/o/1"><p>Hi</p>'
    async with running(tmp_path) as inbox:
        await post(inbox, "Goddag", html=html)
        page, frame = await get(inbox, "/mails/0000001"), await get(inbox, "/mails/0000001/html")
    assert '<iframe sandbox="allow-popups' in page.text
    assert "allow-scripts" not in page.text
    assert "http://" not in page.text.replace(inbox.url, "")
    rules = frame.headers["content-security-policy"]
    assert rules.startswith("sandbox ")
    assert "default-src 'none'" in rules
    assert "script-src" not in rules


@pytest.mark.parametrize("path", ["/mails/1", "/mails/../list", "/api/mails/9999999", "/nothing"])
async def test_what_is_not_there_is_not_found(tmp_path: Path, path: str) -> None:
    async with running(tmp_path) as inbox:
        answer = await get(inbox, path)
        assert answer.status_code == 404
        assert answer.text in ("there is no such mail", "Not Found")


async def test_a_mail_that_cannot_be_written_is_not_taken(tmp_path: Path) -> None:
    async with running(tmp_path) as inbox:
        (tmp_path / "inbox").rename(tmp_path / "elsewhere")
        with pytest.raises(Transient):
            await post(inbox, "Goddag")


async def test_a_taken_port_is_named_with_its_setting(tmp_path: Path, taken: int) -> None:
    with pytest.raises(StartError, match=f"NURTURE_SMTP_PORT: port {taken} cannot be used: "):
        await Inbox(tmp_path, taken, 0).start()
    with pytest.raises(StartError, match=f"NURTURE_INBOX_PORT: port {taken} cannot be used: "):
        await Inbox(tmp_path, 0, taken).start()


async def test_an_unusable_folder_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(
        StartError,
        match=(
            r"the inbox cannot use .*file/inbox: Not a directory; NURTURE_DATA_DIR names another folder"
        ),
    ):
        await Inbox(tmp_path / "file", 0, 0).start()


def test_a_mail_without_headers_or_html_is_kept_too(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.open()
    summary = mailbox.add(b"just words\r\n")
    assert (summary.subject, summary.date, summary.links) == ("", "", ())
    assert json.loads((tmp_path / "list.jsonl").read_text(encoding="utf-8"))["id"] == "0000001"
