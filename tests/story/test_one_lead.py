"""One lead's way through the whole product on real parts: HTTP, Temporal, SMTP, signed webhook, kill -9."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded.up import Running, running
from nurture.settings import Settings
from tests.support.ports import free_ports

ROOT = Path(__file__).parents[2]
PATIENCE = 60
FORM = {
    "email": "karen.blixen@rungsted.example",
    "first_name": "Karen",
    "last_name": "Blixen",
    "occupation": "Working Professional",
    "specialization": "Marketing Management",
    "country": "Denmark",
    "newsletter": "yes",
    "similar_ads": "yes",
}
PERSONAL = (b"karen.blixen", b"rungsted", b"Blixen", b"Karen")


def _settings(folder: Path) -> Settings:
    """Free ports; a day of the playbook is a second."""
    names = ("http", "smtp", "inbox", "sales", "ads", "temporal", "temporal_ui")
    ports = {f"{name}_port": port for name, port in zip(names, free_ports(len(names)), strict=True)}
    return Settings(data_dir=folder, playbook_dir=ROOT, pace="1 day = 1 s", **ports)  # type: ignore[arg-type]


class Story:
    """A website, a mail reader and a sales person, each at the product's own doors."""

    def __init__(self, product: Running, http: httpx.AsyncClient) -> None:
        self.product, self.http = product, http

    async def send_form(self) -> None:
        url = f"{self.product.addresses['dashboard']}/forms/course-guide"
        answer = await self.http.post(url, data=FORM)
        assert answer.status_code in (200, 303), answer.text

    async def touch(self, event: str, number: int) -> None:
        message = {"event": event, "messageId": f"{event}-{number}", "userId": FORM["email"]}
        body = {**message, "context": {"traits": {"email": FORM["email"]}}}
        url = f"{self.product.addresses['dashboard']}/v1/track"
        answer = await self.http.post(url, json=body, auth=("nurture-dev", ""))
        assert answer.status_code == 200, answer.text

    async def mails(self, number: int) -> list[dict[str, Any]]:
        """The inbox, once it holds that many."""
        url = f"{self.product.addresses['inbox']}/api/mails"

        async def look() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = (await self.http.get(url)).json()["mails"]
            return found if len(found) >= number else []

        return await _until(look)

    async def waits(self) -> None:
        """Until the lead is in the middle of a wait, with nothing under way."""
        url = f"{self.product.addresses['dashboard']}/api/leads/{FORM['email']}"

        async def look() -> list[dict[str, Any]]:
            found = (await self.http.get(url)).json()
            sent = [mail for mail in found["mails"] if mail["state"] == "accepted"]
            return sent if all(run["wake_at"] for run in found["enrolments"]) else []

        await _until(look)

    async def task(self) -> dict[str, Any]:
        url = f"{self.product.addresses['sales inbox']}/api/tasks"

        async def look() -> list[dict[str, Any]]:
            tasks = (await self.http.get(url)).json()
            found = tasks["tasks"] if isinstance(tasks, dict) else tasks
            return [task for task in found if task["type"] == "lead.handover.created"]

        return (await _until(look))[0]

    async def answer(self, page: str, **form: str) -> str:
        return (await self.http.post(page, data=form)).text

    async def summary(self) -> dict[str, Any]:
        url = f"{self.product.addresses['dashboard']}/api/report"
        found: dict[str, Any] = (await self.http.get(url)).json()
        return found


async def _until(look: Callable[[], Awaitable[list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := await look():
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"nothing came within {PATIENCE} s")


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_a_lead_is_nurtured_through_a_crash_and_handed_over(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    async with httpx.AsyncClient(timeout=20) as http:
        async with running(settings) as product:
            story = Story(product, http)
            await story.send_form()
            [welcome] = await story.mails(1)
            assert welcome["to"] == FORM["email"]
            await story.waits()
            os.kill(product.processes.pid("worker"), signal.SIGKILL)
            assert "worker" in str(await product.death())
        async with running(settings) as product:
            story = Story(product, http)
            mails = await story.mails(2)
            assert len({mail["message_id"] for mail in mails}) == len(mails)
            for number in range(2):
                await story.touch("Demo Requested", number)
            task = await story.task()
            assert task["data"]["lead"]["first_name"] == "Karen"
            page = task["data"]["links"]["page"]
            assert "accepted" in await story.answer(page, state="accepted")
            assert "contacted" in await story.answer(page, state="contacted", how="call")
            summary = await story.summary()
            assert summary["handovers"] == 1
            assert summary["stages"]["sql"] == 1
            assert summary["mails"]["unknown"] == 0
    _nothing_personal_in(tmp_path)


def _nothing_personal_in(folder: Path) -> None:
    """Temporal's own files, and the logs: ids and times, never a person."""
    files = [*folder.glob("temporal.db*"), *(folder / "logs").iterdir()]
    assert any(file.name == "temporal.db" and file.stat().st_size > 100_000 for file in files)
    for file in files:
        content = file.read_bytes()
        for word in PERSONAL:
            assert word not in content, f"{word!r} stands in {file.name}"
