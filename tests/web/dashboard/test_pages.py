"""Each page of the dashboard, filled and empty, for each role."""

import csv
import io
import re
from pathlib import Path

import pytest

from nurture.playbook.compiler import compile_playbook
from nurture.playbook.source import read_files
from tests.support.domain import NOW
from tests.support.filled import OWNER
from tests.support.house import House

PAGES = (
    "/", "/leads", "/leads?stage=lead", "/flows", "/flows/welcome", "/mails", "/mails?state=unknown",
    "/handovers", "/handovers?which=talking", "/handovers?which=over", "/audiences", "/reports",
    "/reports?by=owner", "/playbook", "/system", "/accounts", "/tokens", "/audit", "/account",
)  # fmt: skip


async def test_every_page_of_an_empty_product_is_a_page(house: House) -> None:
    async with house.signed_in() as browser:
        for path in PAGES:
            page = await browser.get(path)
            assert page.status_code == 200, (path, page.text)


async def test_every_page_of_a_product_at_work_is_a_page(busy: House) -> None:
    async with busy.signed_in() as browser:
        for path in PAGES:
            page = await browser.get(path)
            assert page.status_code == 200, (path, page.text)
            assert not re.search(r'style="|<style|onclick|<script>', page.text), path
            assert not re.search(r'(src|href)="(https?:)?//', page.text), path


async def test_the_overview_says_what_needs_somebody_now(busy: House) -> None:
    async with busy.signed_in() as browser:
        page = (await browser.get("/")).text
    assert "Handovers past their deadline" in page
    assert "Messages that could not be used" in page
    assert "still has to take off a list" in page
    assert "Mistakes in the playbook" not in page


async def test_sales_answers_in_the_list_and_the_lead_leaves_it(busy: House) -> None:
    async with busy.signed_in("sales", OWNER) as browser:
        page = (await browser.get("/handovers")).text
        ids = re.findall(r'action="/handovers/([^"]+)"', page)
        assert ids
        done = await browser.post(
            f"/handovers/{ids[0]}", on="/handovers", state="contacted", how="call", back="list"
        )
        assert "Noted: contacted" in done.text
        assert f'action="/handovers/{ids[0]}"' not in done.text
        detail = (await browser.get(f"/handovers/{ids[0]}")).text
        assert "The sales person" not in re.findall(r"<h1>.*</h1>", detail)[0]
        assert "Contacted" in detail


async def test_the_one_with_the_least_time_left_stands_first(busy: House) -> None:
    async with busy.signed_in() as browser:
        page = (await browser.get("/handovers")).text
    due = re.findall(r'class="hint">(\w{3} \d+ \w+ \d{4}, \d\d:\d\d)', page)
    assert len(due) >= 3
    lates = [bool(mark) for mark in re.findall(r'<li class="card( overdue)?"', page)]
    assert lates == sorted(lates, reverse=True)


async def test_another_owners_handover_is_nobodys_business(busy: House) -> None:
    async with busy.signed_in() as admin:
        everybody = (await admin.get("/handovers")).text
    ids = set(re.findall(r'href="/handovers/([0-9a-f-]{36})"', everybody))
    async with busy.signed_in("sales", OWNER) as browser:
        mine = set(
            re.findall(r'href="/handovers/([0-9a-f-]{36})"', (await browser.get("/handovers")).text)
        )
        assert mine < ids
        [other, *_] = ids - mine
        assert (await browser.get(f"/handovers/{other}")).status_code == 404
        refused = await browser.post(f"/handovers/{other}", state="accepted")
        assert refused.status_code == 404
        listed = (await browser.get("/handovers?owner=Jonas+Friis")).text
        assert set(re.findall(r'href="/handovers/([0-9a-f-]{36})"', listed)) == mine


async def test_a_salesperson_without_a_name_in_a_team_sees_no_lead_at_all(busy: House) -> None:
    async with busy.signed_in("sales") as browser:
        assert "Nobody waits for a call" in (await browser.get("/handovers")).text


async def test_the_clock_of_a_handover_is_explained(busy: House) -> None:
    async with busy.signed_in() as browser:
        listed = (await browser.get("/handovers")).text
        [first, *_] = re.findall(r'href="/handovers/([0-9a-f-]{36})"', listed)
        page = (await browser.get(f"/handovers/{first}")).text
    for said in (
        "contact within 2 d",
        "What happens when",
        "Line Bach",
        "Give it to a colleague",
    ):
        assert said in page


async def test_figures_can_be_taken_along_as_csv(busy: House) -> None:
    async with busy.signed_in() as browser:
        answer = await browser.get("/reports/figures.csv?by=owner")
    assert answer.content.startswith(b"\xef\xbb\xbf"), "Excel would take it for another encoding"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert OWNER in {row["owner"] for row in rows}


async def test_an_audience_is_paused_and_resumed(busy: House) -> None:
    async with busy.signed_in("marketing") as browser:
        paused = await browser.post("/audiences/hesitating-leads/pause", on="/audiences")
        assert "Removals go on" in paused.text
        assert "Resume additions" in paused.text
        resumed = await browser.post("/audiences/hesitating-leads/resume", on="/audiences")
        assert "Pause additions" in resumed.text


async def test_mistakes_of_the_playbook_stand_by_file_in_the_readers_language(house: House) -> None:
    """Applied by an older program, which let them pass."""
    subject = "templates/email/welcome/subject.da.txt"
    files = {**read_files(Path()), subject: "{{ lead.frist_name }}"}
    await house.world.shelf.put_in_force(compile_playbook(files), files, "Bo", NOW)
    async with house.signed_in("marketing") as browser:
        page = (await browser.get("/playbook", **{"accept-language": "da"})).text
    assert f'#{subject}">{subject}</a>' in page
    assert "lead.frist_name er ukendt" in page
    assert "linje 1, kolonne 4 · kendte er city, country" in page


async def test_the_playbook_shows_its_files_and_what_changed(house: House) -> None:
    async with house.signed_in("marketing") as browser:
        page = (await browser.get("/playbook")).text
        [version] = set(re.findall(r'href="/playbook/([0-9a-f]{64})"', page))
        files = (await browser.get(f"/playbook/{version}")).text
        assert "config/sla.yaml" in files
        assert "contact:" in files
        same = (await browser.get(f"/playbook/{version}?since={version}")).text
        assert "the same" in same
        assert (await browser.get("/playbook/unknown")).status_code == 404


@pytest.mark.parametrize("key", ["x", "AAAA", "MjAyNi0xMS0yNSBh"])
async def test_a_page_that_was_never_linked_to_is_not_there(house: House, key: str) -> None:
    async with house.signed_in() as browser:
        assert (await browser.get(f"/handovers?after={key}")).status_code == 404
        assert (await browser.get(f"/audit?before={key}")).status_code == 404
