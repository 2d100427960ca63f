import json
import socket
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded.sales_inbox import SHOWN, SalesInbox
from nurture.delivery.sales import signing
from nurture.delivery.sales.webhook import WebhookDesk
from nurture.domain.errors import Gone, StartError, Transient
from tests.support.domain import NOW
from tests.support.sales import LATER, OTHER_SECRET, PAGE, SECRET, notice


class Office:
    """A sales inbox on a free port, nurture's desk that tells it, and a browser that looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = NOW
        self.http = httpx.AsyncClient()
        self.inbox = self._new()

    def _new(self) -> SalesInbox:
        return SalesInbox(self.folder, [SECRET], 0, now=self.now)

    def now(self) -> datetime:
        return self.clock

    @property
    def hook(self) -> str:
        return f"{self.inbox.url}/hook"

    def desk(self, *secrets: str) -> WebhookDesk:
        return WebhookDesk(self.http, self.hook, secrets or [SECRET], self.now)

    async def fail(self, times: int, status: int, **more: Any) -> None:
        fault = {"times": times, "status": status, **more}
        answer = await self.http.post(f"{self.inbox.url}/__fake/fail", json=fault)
        assert answer.status_code == 204

    async def get(self, path: str) -> Any:
        return (await self.http.get(f"{self.inbox.url}{path}")).raise_for_status().json()

    async def page(self) -> str:
        return (await self.http.get(self.inbox.url)).raise_for_status().text

    async def restart(self) -> None:
        await self.inbox.stop()
        self.inbox = self._new()
        await self.inbox.start()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    await office.inbox.start()
    yield office
    await office.http.aclose()
    await office.inbox.stop()


async def test_a_task_arrives_with_all_that_was_told(office: Office) -> None:
    await office.desk().deliver(notice())
    told = notice()
    assert await office.get("/api/tasks") == [
        {
            "id": told.id,
            "type": "lead.handover.created",
            "timestamp": NOW.isoformat(),
            "data": told.data,
            "came_at": NOW.isoformat(),
            "attempts": 1,
        }
    ]


async def test_only_what_is_new_can_be_asked_for(office: Office) -> None:
    await office.desk().deliver(notice())
    await office.desk().deliver(notice("reminder", 2))
    (news,) = await office.get("/api/tasks?after=1")
    assert news["type"] == "lead.handover.reminder"
    refused = await office.http.get(f"{office.inbox.url}/api/tasks?after=x")
    assert refused.status_code == 400


async def test_a_task_told_twice_is_one_task(office: Office) -> None:
    await office.desk().deliver(notice())
    await office.desk().deliver(notice())
    (task,) = await office.get("/api/tasks")
    assert task["attempts"] == 2
    assert (await office.get("/api/counts"))["repeated"] == 1


async def test_a_receiver_that_was_down_gets_the_task_once(office: Office) -> None:
    await office.fail(2, 503, retry_after=7)
    for _ in range(2):
        with pytest.raises(Transient) as failure:
            await office.desk().deliver(notice())
        assert failure.value.retry_after == timedelta(seconds=7)
    assert await office.get("/api/tasks") == []
    await office.desk().deliver(notice())
    (task,) = await office.get("/api/tasks")
    assert task["attempts"] == 3


async def test_a_task_whose_receipt_was_lost_is_not_taken_twice(office: Office) -> None:
    await office.fail(1, 500, taken=True)
    with pytest.raises(Transient):
        await office.desk().deliver(notice())
    await office.desk().deliver(notice())
    (task,) = await office.get("/api/tasks")
    assert task["attempts"] == 2


async def test_a_receiver_that_is_gone_says_so(office: Office) -> None:
    await office.fail(1, 410)
    with pytest.raises(Gone):
        await office.desk().deliver(notice())


async def test_a_receiver_that_is_not_there_is_tried_again(office: Office) -> None:
    desk = office.desk()
    await office.inbox.stop()
    with pytest.raises(Transient, match="unreachable"):
        await desk.deliver(notice())


async def test_a_forged_call_is_refused_and_counted(office: Office) -> None:
    headers = signing.sign([OTHER_SECRET], "msg_1", NOW, b"{}")
    answer = await office.http.post(office.hook, content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert await office.get("/api/counts") == {
        "received": 0,
        "repeated": 0,
        "failed": 0,
        "refused": 1,
    }


async def test_an_unsigned_call_is_refused(office: Office) -> None:
    answer = await office.http.post(office.hook, json={"type": "lead.handover.created"})
    assert answer.status_code == 401


async def test_a_call_replayed_later_is_refused(office: Office) -> None:
    body = b"{}"
    headers = signing.sign([SECRET], "msg_1", NOW, body)
    office.clock = NOW + LATER
    answer = await office.http.post(office.hook, content=body, headers=headers)
    assert answer.status_code == 401
    assert "5 minutes" in answer.json()["error"]


async def test_a_sender_in_the_middle_of_a_rotation_is_understood(office: Office) -> None:
    await office.desk(OTHER_SECRET, SECRET).deliver(notice())
    assert len(await office.get("/api/tasks")) == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("[]", "the body is not an object with data"),
        ("no json", "the body is not JSON"),
        ('{"data":{}}', "the body lacks type, timestamp, data."),
        ('{"type":"a","timestamp":"b"}', "the body is not an object with data"),
    ],
)
async def test_a_genuine_call_that_is_no_task_is_refused(
    office: Office, body: str, problem: str
) -> None:
    headers = signing.sign([SECRET], "msg_1", NOW, body.encode())
    answer = await office.http.post(office.hook, content=body.encode(), headers=headers)
    assert answer.status_code == 400
    assert problem in answer.text
    assert await office.page()


async def test_a_restart_forgets_nothing(office: Office) -> None:
    await office.desk().deliver(notice())
    await office.desk().deliver(notice())
    await office.desk().deliver(notice("reminder", 2))
    await office.http.post(office.hook, json={})
    before = await office.get("/api/tasks"), await office.get("/api/counts")
    await office.restart()
    assert (await office.get("/api/tasks"), await office.get("/api/counts")) == before
    await office.desk().deliver(notice())
    assert (await office.get("/api/tasks"))[0]["attempts"] == 3


async def test_a_line_half_written_by_a_crash_is_dropped(office: Office) -> None:
    await office.desk().deliver(notice())
    with (office.folder / "sales" / "calls.jsonl").open("ab") as file:
        file.write(json.dumps({"received": "msg_2", "type": "ærø"}).encode()[:-3])
    await office.restart()
    await office.desk().deliver(notice("reminder", 2))
    await office.restart()
    assert len(await office.get("/api/tasks")) == 2


async def test_the_page_shows_a_person_what_to_do(office: Office) -> None:
    await office.desk().deliver(notice())
    page = await office.page()
    assert "Contact Søren Ærø 🚀 (Bæk &amp; Co &lt;A/S&gt;)" in page
    assert "82 points" in page
    assert "Asked for a demo, last on 3 March" in page
    assert "Friday 6 March 2026 at 11:00 CET" in page
    assert f'href="{PAGE}#accepted"' in page


async def test_the_page_asks_nobody_else_for_anything(office: Office) -> None:
    await office.desk().deliver(notice())
    answer = await office.http.get(office.inbox.url)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not any(mark in answer.text for mark in ("<script", "<img", "<link", "@import", "url("))


async def test_the_page_tells_one_handover_once_and_all_its_news(office: Office) -> None:
    await office.desk().deliver(notice())
    await office.desk().deliver(notice("reminder", 2))
    page = await office.page()
    assert page.count("<article>") == 1
    assert "<h2>Reminder: Contact Søren" in page


async def test_a_lead_that_went_back_offers_no_answer(office: Office) -> None:
    await office.desk().deliver(notice("recycled"))
    assert f'href="{PAGE}' not in await office.page()


async def test_a_page_of_many_tasks_shows_the_latest(office: Office) -> None:
    for number in range(SHOWN + 1):
        await office.desk().deliver(notice(id=f"{number:032}", reason=f"reason {number}."))
    page = await office.page()
    assert page.count("<article>") == SHOWN
    assert f"reason {SHOWN}." in page
    assert "reason 0." not in page
    assert f"The {SHOWN} tasks with the latest news of {SHOWN + 1} are shown." in page


async def test_an_empty_inbox_says_so(office: Office) -> None:
    assert "Nothing yet" in await office.page()


async def test_a_fault_that_makes_no_sense_is_refused(office: Office) -> None:
    answer = await office.http.post(f"{office.inbox.url}/__fake/fail", json={"often": 1})
    assert answer.status_code == 400


async def test_a_taken_port_is_named_by_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        inbox = SalesInbox(tmp_path, [SECRET], other.getsockname()[1])
        with pytest.raises(StartError, match=r"NURTURE_SALES_PORT: port \d+ cannot be used: "):
            await inbox.start()
