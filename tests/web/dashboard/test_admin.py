"""Accounts, tokens and the audit log, for administrators."""

import re
from datetime import timedelta

from tests.support.house import Browser, House, csrf


def secret(page: str) -> str:
    found = re.search(r'class="secret">([^<]+)<', page)
    assert found, page
    return found[1]


async def test_who_is_let_in_signs_in_with_the_password_shown_once(house: House) -> None:
    async with house.signed_in() as admin:
        told = {"email": "Ida@Firm.example", "name": "Ida", "role": "marketing", "owner": ""}
        made = await admin.post("/accounts", on="/accounts", **told)
        password = secret(made.text)
        assert password not in (await admin.get("/accounts")).text
        again = await admin.post("/accounts", on="/accounts", **told)
        assert again.status_code == 422
        assert "has an account already" in again.text
    async with house.client() as client:
        assert (await Browser(client).sign_in("ida@firm.example", password)).status_code == 303
        refused = await client.get("/accounts", headers={"accept": "text/html"})
        assert refused.status_code == 403
        assert "To the dashboard" in refused.text


async def test_who_loses_a_role_loses_it_at_once(house: House) -> None:
    async with house.signed_in("marketing") as browser, house.signed_in() as admin:
        assert (await browser.get("/audiences")).status_code == 200
        row = await house.world.access.accounts.find("marketing@firm.example")
        await admin.post(f"/accounts/{row.id}", on="/accounts", name="M", role="sales", owner="Bo")
        assert (await browser.get("/audiences")).status_code == 303
        gone = await admin.post(f"/accounts/{row.id}/remove", on="/accounts", sure="yes")
        assert "marketing@firm.example" not in gone.text


async def test_the_last_administrator_stays_one(house: House) -> None:
    async with house.signed_in() as admin:
        row = await house.world.access.accounts.find("admin@firm.example")
        path = f"/accounts/{row.id}"
        demoted = await admin.post(path, on="/accounts", name="A", role="sales", owner="")
        removed = await admin.post(f"{path}/remove", on="/accounts", sure="yes")
        for answer in (demoted, removed):
            assert answer.status_code == 422
            assert "only administrator; make somebody else one first" in answer.text


async def test_a_token_opens_what_its_scopes_say_until_it_is_revoked(house: House) -> None:
    async with house.signed_in() as admin, house.client() as program:
        fields = {"name": "CRM", "days": "90", "scope-figures:read": "yes"}
        made = await admin.post("/tokens", on="/tokens", **fields)
        bearer = {"authorization": f"Bearer {secret(made.text)}"}
        assert (await program.get("/api/report", headers=bearer)).status_code == 200
        refused = await program.get("/api/handovers", headers=bearer)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
        assert "handovers:read" in refused.json()["message"]
        [row] = await house.world.access.tokens.all()
        assert secret(made.text) not in repr(row)
        await admin.post(f"/tokens/{row.id}/revoke", on="/tokens")
        assert (await program.get("/api/report", headers=bearer)).status_code == 401


async def test_a_token_ends_when_it_was_said_to(house: House) -> None:
    async with house.signed_in() as admin, house.client() as program:
        fields = {"name": "CRM", "days": "90", "scope-figures:read": "yes"}
        made = await admin.post("/tokens", on="/tokens", **fields)
        bearer = {"authorization": f"Bearer {secret(made.text)}"}
        house.at += timedelta(days=91)
        assert (await program.get("/api/report", headers=bearer)).status_code == 401


async def test_a_token_without_a_scope_is_not_made(house: House) -> None:
    async with house.signed_in() as admin:
        answer = await admin.post("/tokens", on="/tokens", name="CRM", days="90")
        assert answer.status_code == 422
        assert "a token without a scope opens nothing; choose at least one" in answer.text


async def test_a_program_that_may_answer_may_not_note_revenue_by_that(house: House) -> None:
    secret_, _ = await house.world.access.tokens.create(
        "CRM", ["handovers:answer"], "tests", house.at
    )
    async with house.client() as program:
        path, bearer = "/api/handovers/h1/answers", {"authorization": f"Bearer {secret_}"}
        won = await program.post(path, json={"state": "won", "amount": 1}, headers=bearer)
        assert (won.status_code, won.json()["code"]) == (403, "not_permitted")
        assert won.json()["message"].startswith("won needs the permission ")
        assert (
            await program.post(path, json={"state": "accepted"}, headers=bearer)
        ).status_code == 404


async def test_the_log_says_who_did_what_and_what_became_of_it(house: House) -> None:
    async with house.signed_in() as admin:
        await admin.post("/accounts", on="/accounts", email="x", name="", role="sales", owner="")
        await admin.post("/tokens", on="/tokens", **{"name": "CRM", "scope-leads:read": "yes"})
        rows = await house.world.access.audit.page()
        page = (await admin.get("/audit")).text
        only = (await admin.get("/audit?action=create_token")).text
    told = [(row.who, row.action, row.outcome) for row in reversed(rows)]
    assert told == [
        ("The admin person", "sign_in", "done"),
        ("The admin person", "add_account", "refused"),
        ("The admin person", "create_token", "done"),
    ]
    assert rows[0].detail == "leads:read"
    assert "Add account" in page
    assert "<td>Add account" not in only


async def test_the_log_is_read_page_by_page(house: House) -> None:
    for number in range(120):
        await house.world.access.audit.note("somebody", "something", house.at, str(number), "done")
    async with house.signed_in() as admin:
        path, seen = "/audit?action=something", 0
        while path:
            page = (await admin.get(path)).text
            seen += len(re.findall(r"<td>Something", page))
            more = re.search(r'href="(/audit\?before=[^"]+)"', page)
            path = more[1].replace("&amp;", "&") if more else ""
    assert seen == 120


async def test_an_address_in_a_path_stays_out_of_the_log(house: House) -> None:
    secret_, _ = await house.world.access.tokens.create("CRM", ["leads:erase"], "tests", house.at)
    lead = await house.world.tell("page", email="anna@firm.example")
    async with house.client() as program:
        bearer = {"authorization": f"Bearer {secret_}"}
        gone = await program.delete("/api/leads/anna@firm.example", headers=bearer)
        unknown = await program.delete("/api/leads/stranger@firm.example", headers=bearer)
    assert (gone.status_code, unknown.status_code) == (200, 404)
    rows = await house.world.access.audit.page(action="erase")
    assert [(row.who, row.subject, row.outcome) for row in rows] == [
        ("token CRM", "", "refused"),
        ("token CRM", lead.id, "done"),
    ]


async def test_the_user_id_of_somebody_erased_stays_out_of_the_log(house: House) -> None:
    secret_, _ = await house.world.access.tokens.create("CRM", ["leads:erase"], "tests", house.at)
    lead = await house.world.tell("page", user_id="anna-skovgaard")
    async with house.client() as program:
        bearer = {"authorization": f"Bearer {secret_}"}
        for status in (200, 404):
            answer = await program.delete("/api/leads/anna-skovgaard", headers=bearer)
            assert answer.status_code == status
    rows = await house.world.access.audit.page(action="erase")
    assert [row.subject for row in rows] == ["", lead.id]


async def test_a_change_that_broke_off_is_seen_as_such(house: House) -> None:
    async with house.signed_in() as admin:
        assert csrf((await admin.get("/")).text)
        await house.world.access.audit.note("somebody", "erase", house.at, "l1")
        assert "Broke off" in (await admin.get("/audit")).text
