"""Leads, their flows and their mails, as colleagues see and change them."""

import re
from datetime import timedelta

import pytest

from nurture.domain import keys
from nurture.store import enrolments, messages
from nurture.store.tables import EnrolmentRow, MessageRow, WakeupRow
from tests.support.domain import NOW
from tests.support.filled import OWNER
from tests.support.house import House

HANS, GITTE = "hans@firm.example", "gitte@firm.example"


async def run_of(house: House, email: str) -> EnrolmentRow:
    lead = await house.world.lead(email)
    async with house.world.db.read() as session:
        [run] = await enrolments.of_lead(session, lead.id)
        return run


async def mailed(house: House, email: str, state: str = messages.ACCEPTED) -> str:
    """The id of that lead's welcome mail, of which that became."""
    run = await run_of(house, email)
    mail = keys.message_id(run.id, "welcome")
    async with house.world.db.write() as session:
        row = await session.get(MessageRow, mail)
        assert row
        row.state = state
    return mail


@pytest.mark.parametrize("name", ["HANS@", "hans", "Clausen hans", "brewery"])
async def test_a_lead_is_found_by_its_name_company_or_address(busy: House, name: str) -> None:
    told = {"last_name": "Clausen", "company": "The Old Brewery"}
    await busy.world.tell("page", email=HANS, traits=told)
    async with busy.signed_in("marketing") as browser:
        found = await browser.post("/leads/find", on="/leads", name=name, stage="", persona="")
        assert HANS in found.text
        assert GITTE not in found.text
        none = await browser.post("/leads/find", on="/leads", name="nobody@", stage="", persona="")
        assert "No lead is like that" in none.text


async def test_leads_are_filtered_and_paged(busy: House) -> None:
    for number in range(60):
        await busy.world.tell("page", email=f"p{number}@firm.example", at=NOW)
    async with busy.signed_in("marketing") as browser:
        first = (await browser.get("/leads?stage=lead")).text
        onward = re.search(r'rel="next" href="([^"]+)"', first)
        assert onward
        second = (await browser.get(onward[1].replace("&amp;", "&"))).text
        assert 'rel="next"' not in second
        links = [re.findall(r'href="/leads/([^"?]+)"', page) for page in (first, second)]
        assert len(links[0]) == 50
        assert not set(links[0]) & set(links[1])
        assert 'rel="prev"' not in first
        back = re.search(r'rel="prev" href="([^"]+)"', second)
        assert back
        again = (await browser.get(back[1].replace("&amp;", "&"))).text
        assert re.findall(r'href="/leads/([^"?]+)"', again) == links[0]
        assert 'rel="prev"' not in again
        assert onward[0] in again
        assert (await browser.get("/leads?after=nonsense")).status_code == 404


async def test_a_leads_page_says_what_comes_next_and_why(busy: House) -> None:
    lead = await busy.world.lead(HANS)
    async with busy.signed_in("marketing") as browser:
        page = (await browser.get(f"/leads/{lead.id}")).text
    assert "Next: mail “course-guide” on" in page
    assert "because the wait “wait-after-welcome” ends then" in page
    assert "Student" in page
    assert "welcome" in page


async def test_every_point_of_the_score_is_explained(busy: House) -> None:
    lead = await busy.world.lead(HANS)
    async with busy.signed_in("marketing") as browser:
        page = (await browser.get(f"/leads/{lead.id}")).text
    points = [int(each) for each in re.findall(r"<td>([+-]\d+)</td>", page)]
    assert points
    assert sum(points) == lead.fit + lead.engagement


async def test_what_is_known_of_a_lead_is_told_in_words(busy: House) -> None:
    lead = await busy.world.tell("page", email=HANS, traits={"manages_people": False})
    async with busy.signed_in("marketing") as browser:
        page = (await browser.get(f"/leads/{lead.id}")).text
    assert "<dt>Manages people</dt><dd>no</dd>" in page


async def test_a_lead_is_taken_out_of_a_flow_and_brought_into_another(busy: House) -> None:
    run = await run_of(busy, HANS)
    here = f"/leads/{run.lead_id}"
    async with busy.signed_in("marketing") as browser:
        gone = await browser.post(f"{here}/remove", on=here, run=run.id)
        assert "The lead has left the flow" in gone.text
        assert "The lead is in no flow" in gone.text
        again = await browser.post(f"{here}/remove", on=here, run=run.id)
        assert again.status_code == 422
        entered = await browser.post(f"{here}/enrol", on=here, flow="win-back")
        assert "The lead enters the flow" in entered.text
        assert "comeback" in entered.text
        twice = await browser.post(f"{here}/enrol", on=here, flow="win-back")
        assert twice.status_code == 422
        assert "in this flow already" in twice.text
    assert (await run_of_id(busy, run.id)).ended == "removed by hand"
    assert ("enrolment", run.id) in [(row.kind, row.key) for row in await wakeups_of(busy)]


async def run_of_id(house: House, run_id: str) -> EnrolmentRow:
    async with house.world.db.read() as session:
        row = await session.get(EnrolmentRow, run_id)
        assert row
        return row


async def wakeups_of(house: House) -> list[WakeupRow]:
    return await house.world.rows(WakeupRow)


async def test_nobody_takes_another_leads_run_out(busy: House) -> None:
    run, other = await run_of(busy, HANS), await busy.world.lead(GITTE)
    async with busy.signed_in("marketing") as browser:
        here = f"/leads/{other.id}"
        assert (await browser.post(f"{here}/remove", on=here, run=run.id)).status_code == 422
    assert (await run_of(busy, HANS)).ended is None


async def test_a_lead_is_given_to_sales_with_a_reason(busy: House) -> None:
    lead = await busy.world.lead(HANS)
    here = f"/leads/{lead.id}"
    async with busy.signed_in("marketing") as browser:
        silent = await browser.post(f"{here}/hand-over", on=here, reason=" ")
        assert silent.status_code == 422
        assert "say why sales should call" in silent.text
        given = await browser.post(f"{here}/hand-over", on=here, reason="asked on the phone")
        assert "Sales has the lead now" in given.text
        assert "asked on the phone" in given.text


async def test_an_erasure_is_confirmed_and_stands_in_the_audit_log(busy: House) -> None:
    lead = await busy.world.lead(HANS)
    here = f"/leads/{lead.id}"
    async with busy.signed_in() as browser:
        unsure = await browser.post(f"{here}/erase", on=here)
        assert unsure.status_code == 422
        assert HANS in unsure.text
        assert "nothing was erased: confirm that you mean it" in unsure.text
        done = await browser.post(f"{here}/erase", on=here, sure="yes")
        assert "Everything about the person is erased" in done.text
        assert HANS not in done.text
        log = (await browser.get("/audit")).text
        assert lead.id in log
        assert HANS not in log


async def test_sales_sees_the_leads_it_owns_and_their_mails_and_no_others(busy: House) -> None:
    hans = await busy.world.lead(HANS)
    async with busy.signed_in("sales", OWNER) as browser:
        listed = (await browser.get("/leads")).text
        mine = set(re.findall(r'href="/leads/([^"?]+)"', listed))
        assert mine
        assert hans.id not in mine
        for lead in mine:
            page = await browser.get(f"/leads/{lead}")
            assert page.status_code == 200
            assert "/erase" not in page.text
            assert "/enrol" not in page.text
        assert (await browser.get(f"/leads/{hans.id}")).status_code == 404
        mail = await mailed(busy, HANS)
        assert (await browser.get(f"/mails/{mail}")).status_code == 404
        assert (await browser.get(f"/mails/{mail}/page")).status_code == 404
        assert mail not in (await browser.get("/mails")).text
        found = await browser.post("/leads/find", on="/leads", name="hans", stage="", persona="")
        assert HANS not in found.text


async def test_no_address_of_a_lead_stands_in_a_link(busy: House) -> None:
    async with busy.signed_in() as browser:
        assert (await browser.get(f"/leads/{HANS}")).status_code == 404
        for page in ("/leads", "/mails"):
            links = re.findall(r'href="([^"]+)"', (await browser.get(page)).text)
            assert not [link for link in links if "@" in link or "%40" in link]


async def test_a_flow_is_drawn_with_what_happened_at_each_step(busy: House) -> None:
    mail = await mailed(busy, HANS)
    await busy.world.click(mail)
    async with busy.signed_in("marketing") as browser:
        page = (await browser.get("/flows/welcome")).text
    assert "<svg" in page
    row = re.search(r"wait-after-welcome</span></th>\s*<td[^>]*>(\d+)</td>", page)
    assert row
    assert int(row[1]) == 2
    welcome = page[page.index('<span class="hint under">welcome</span>') :].partition("</tr>")[0]
    figures = re.findall(r"<td[^>]*>(?:<a[^>]*>)?(\d+|–)", welcome)
    assert figures[-4:] == ["2", "1", "1", "–"]  # sent, opened, clicked, not sent
    assert figures[1] == "2"  # passed


async def test_a_flow_is_held_and_goes_on_with_a_version_for_each(house: House) -> None:
    async with house.signed_in("marketing") as browser:
        here = "/flows/win-back"
        held = await browser.post(f"{here}/pause", on=here)
        assert "The flow is on hold" in held.text
        assert "+paused: hold" in held.text
        assert "The marketing person" in held.text
        assert f'action="{here}/pause"' not in held.text
        on = await browser.post(f"{here}/resume", on=here)
        assert "The flow goes on" in on.text
        assert "-paused: hold" in on.text
        assert f'action="{here}/pause"' in on.text
    async with house.signed_in("sales", OWNER) as browser:
        assert "/pause" not in (await browser.get("/flows/win-back")).text


async def test_the_ledger_is_filtered_by_state(busy: House) -> None:
    mail = await mailed(busy, HANS, messages.UNKNOWN)
    async with busy.signed_in("marketing") as browser:
        assert mail in (await browser.get("/mails?state=unknown&flow=welcome")).text
        assert mail not in (await browser.get("/mails?state=delivered")).text
        assert "No mail is like that" in (await browser.get("/mails?state=delivered")).text


async def test_a_mail_is_shown_as_it_looks_where_nothing_in_it_can_do_anything(
    busy: House,
) -> None:
    mail = await mailed(busy, HANS)
    async with busy.signed_in("marketing") as browser:
        around = (await browser.get(f"/mails/{mail}")).text
        assert re.search(r"<iframe[^>]* sandbox", around)
        page = await browser.get(f"/mails/{mail}/page")
        assert "Hans" in page.text
        policy = page.headers["content-security-policy"]
        assert policy.startswith("sandbox; default-src 'none'")
        assert page.headers["x-frame-options"] == "SAMEORIGIN"
        [leave] = set(re.findall(r'href="([^"]*/u/[^"]+)"', page.text))
        token = leave.rpartition("/")[2]
        assert (await browser.client.post(f"/u/{token}")).status_code >= 400


async def test_a_mail_to_an_erased_person_is_not_shown(busy: House) -> None:
    mail = await mailed(busy, HANS)
    await busy.world.privacy.erase(HANS, "tests", NOW + timedelta(seconds=1))
    async with busy.signed_in("marketing") as browser:
        assert "cannot be shown any more" in (await browser.get(f"/mails/{mail}")).text
        gone = await browser.get(f"/mails/{mail}/page")
        assert gone.status_code == 404
        assert "this mail cannot be rendered any more" in gone.text.lower()


@pytest.mark.parametrize(("fate", "state"), [("sent", "accepted"), ("not sent", "planned")])
async def test_a_mail_of_which_nobody_knows_is_settled_by_somebody_who_is_sure(
    busy: House, fate: str, state: str
) -> None:
    here = f"/mails/{await mailed(busy, HANS, messages.UNKNOWN)}"
    async with busy.signed_in() as browser:
        for unsure in ({"fate": fate}, {"sure": "yes"}, {"sure": "yes", "fate": "lost"}):
            refused = await browser.post(f"{here}/settle", on=here, **unsure)
            assert refused.status_code == 422
            assert "say what became of the mail, and that you are sure" in refused.text
        done = await browser.post(f"{here}/settle", on=here, fate=fate, sure="yes")
        assert done.status_code == 200
        assert "/settle" not in done.text
        again = await browser.post(f"{here}/settle", on=here, fate=fate, sure="yes")
        assert again.status_code == 422
        assert "Settle mail" in (await browser.get("/audit?action=settle_mail")).text
    [row] = [row for row in await busy.world.rows(MessageRow) if row.id in here]
    assert row.state == state
    assert "The admin person" in row.reason
    run = await run_of(busy, HANS)
    assert (("enrolment", run.id) in [(row.kind, row.key) for row in await wakeups_of(busy)]) == (
        fate == "not sent"
    )
