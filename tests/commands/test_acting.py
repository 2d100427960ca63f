from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx

from commands.csv_rows import Row, read
from commands.demo.leads import COLUMNS, Lead, lead
from commands.demo.readers import Readers
from commands.demo.sales_floor import CREATED, SalesFloor

EXAMPLE = Path(__file__).parents[2] / "examples" / "education-leads.csv"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE = "http://nurture"
PAGE = (
    '<select><option value="">choose</option><option value="no &amp; never">never</option></select>'
)


class Site:
    """nurture's pages, which note what was asked."""

    def __init__(self, status: int = 200) -> None:
        self._status = status
        self.calls: list[tuple[str, str]] = []
        self.forms: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.method, request.url.path))
        if request.method == "POST":
            form = parse_qs(request.content.decode())
            self.forms.append({name: values[0] for name, values in form.items()})
            return httpx.Response(self._status)
        return httpx.Response(200, text=PAGE)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self))


def example() -> dict[str, Lead]:
    rows = read(EXAMPLE, COLUMNS)[1]
    return {one.email: one for one in (lead(r.values) for r in rows if isinstance(r, Row))}


def handover(email: str) -> dict[str, Any]:
    moment = NOW.isoformat()
    return {
        "handover": {"id": "h1", "opened_at": moment, "due_at": moment},
        "lead": {"email": email},
        "links": {"page": f"{BASE}/h/token"},
    }


async def answered(site: Site, leads: dict[str, Lead]) -> SalesFloor:
    async with site.client() as http:
        floor = SalesFloor(http, leads, 0.0, lambda: NOW)
        for email in leads:
            await floor.handle(CREATED, handover(email))
    return floor


async def test_sales_answers_through_the_form_of_the_link_it_got() -> None:
    site = Site()
    floor = await answered(site, example())
    assert {path for _, path in site.calls} == {"/h/token"}
    assert floor.said["won"] > floor.said["lost"] > 0
    won = [form for form in site.forms if form["state"] == "won"]
    assert all(int(form["amount"]) > 0 and form["currency"] == "DKK" for form in won)


async def test_a_rejection_gives_one_of_the_reasons_that_the_page_offers() -> None:
    site = Site()
    await answered(site, example())
    reasons = {form["reason"] for form in site.forms if form["state"] == "rejected"}
    assert reasons == {"no & never"}


async def test_an_answer_that_the_page_refuses_is_not_counted_as_said() -> None:
    floor = await answered(Site(status=409), example())
    assert floor.said.total() == 0
    assert "accepted" in floor.refused


async def test_a_lead_that_is_not_on_the_list_is_left_alone() -> None:
    site = Site()
    async with site.client() as http:
        floor = SalesFloor(http, {}, 0.0, lambda: NOW)
        await floor.handle(CREATED, handover("stranger@firm.dk"))
    assert site.calls == []


async def test_readers_only_follow_our_own_links_and_unsubscribe_with_one_click() -> None:
    site, leads = Site(), example()
    async with site.client() as http:
        readers = Readers(http, leads, BASE, 0.0)
        for email in leads:
            mail = {
                "to": email,
                "subject": "Welcome",
                "images": ["http://elsewhere/o/x", f"{BASE}/o/open"],
                "links": [f"{BASE}/c/click", f"{BASE}/u/leave"],
            }
            await readers.handle(mail)
    assert set(site.calls) == {("GET", "/o/open"), ("GET", "/c/click"), ("POST", "/u/leave")}
    assert site.forms[0] == {"List-Unsubscribe": "One-Click"}
    assert readers.done.total() == len(site.calls)
