"""Coming in and going out."""

import re
from datetime import timedelta

import pytest

from nurture.access.sessions import IDLE, LONGEST, PER_ADDRESS, PER_PAIR, WINDOW
from tests.support.house import PASSWORD, Browser, House, csrf

HTML = {"accept": "text/html"}


async def test_a_stranger_is_led_to_the_sign_in_page_and_back_to_where_it_wanted_to_go(
    house: House,
) -> None:
    email = await house.person()
    async with house.client() as client:
        asked = await client.get("/account?x=1", headers=HTML)
        assert asked.status_code == 303
        assert asked.headers["location"] == "/sign-in?next=/account%3Fx%3D1"
        page = await client.get(asked.headers["location"])
        onward = re.search(r'name="next" value="([^"]+)"', page.text)
        assert onward
        fields = {"email": email, "password": PASSWORD, "csrf": csrf(page.text), "next": onward[1]}
        answer = await client.post("/sign-in", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1")
        assert (await client.get("/account")).status_code == 200


@pytest.mark.parametrize(
    "onward", ["//evil.example", "https://evil.example", "/\\\\evil.example", "javascript:1", "/\n"]
)
async def test_no_link_leads_from_our_sign_in_page_to_elsewhere(house: House, onward: str) -> None:
    email = await house.person()
    async with house.client() as client:
        page = await client.get("/sign-in")
        fields = {"email": email, "password": PASSWORD, "csrf": csrf(page.text), "next": onward}
        assert (await client.post("/sign-in", data=fields)).headers["location"] == "/"


async def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(house: House) -> None:
    async with house.client() as client:
        answer = await Browser(client).sign_in(await house.person())
        [cookie] = [c for c in answer.headers.get_list("set-cookie") if c.startswith("__Host-")]
        for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
            assert part in cookie
        assert "Domain" not in cookie


async def test_a_wrong_password_and_an_unknown_name_look_alike(house: House) -> None:
    email = await house.person()
    async with house.client() as client:
        wrong = await Browser(client).sign_in(email, "not the password")
        unknown = await Browser(client).sign_in("nobody@firm.example")
    assert wrong.status_code == unknown.status_code == 401
    said = [re.search(r'role="alert">([^<]+)<', page.text) for page in (wrong, unknown)]
    assert said[0]
    assert said[1]
    assert said[0][1] == said[1][1]
    assert "not the password" not in wrong.text


async def test_after_five_wrong_passwords_not_even_the_right_one_opens_for_a_while(
    house: House,
) -> None:
    email = await house.person()
    async with house.client() as client:
        browser = Browser(client)
        for _ in range(PER_PAIR):
            assert (await browser.sign_in(email, "wrong password")).status_code == 401
        blocked = await browser.sign_in(email)
        assert blocked.status_code == 429
        assert 0 < int(blocked.headers["retry-after"]) <= WINDOW.total_seconds()
        house.at += WINDOW + timedelta(seconds=1)
        assert (await browser.sign_in(email)).status_code == 303


async def test_an_address_that_tries_many_names_has_to_wait(house: House) -> None:
    async with house.client() as client:
        browser = Browser(client)
        for number in range(PER_ADDRESS):
            assert (await browser.sign_in(f"p{number}@firm.example")).status_code == 401
        assert (await browser.sign_in("another@firm.example")).status_code == 429


async def test_signing_in_often_is_no_attack(house: House) -> None:
    email = await house.person()
    for _ in range(PER_PAIR + 2):
        async with house.client() as client:
            assert (await Browser(client).sign_in(email)).status_code == 303


async def test_signed_out_is_signed_out_also_for_who_copied_the_cookie(house: House) -> None:
    async with house.signed_in() as browser:
        kept = dict(browser.client.cookies)
        await browser.post("/sign-out")
        browser.client.cookies.update(kept)
        assert (await browser.get("/")).status_code == 303


@pytest.mark.parametrize("rest", [IDLE, LONGEST])
async def test_a_session_ends_by_itself(house: House, rest: timedelta) -> None:
    async with house.signed_in() as browser:
        assert (await browser.get("/")).status_code == 200
        house.at += rest + timedelta(minutes=6)
        assert (await browser.get("/")).status_code == 303


async def test_a_form_without_its_token_changes_nothing(house: House) -> None:
    async with house.signed_in() as browser:
        for data in ({}, {"csrf": "x" * 43}):
            answer = await browser.client.post("/sign-out", data=data, headers=HTML)
            assert answer.status_code == 403
        assert (await browser.get("/")).status_code == 200


async def test_a_form_of_another_website_is_refused_even_with_the_token(house: House) -> None:
    async with house.signed_in() as browser:
        data = {"csrf": csrf((await browser.get("/")).text)}
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            answer = await browser.client.post("/sign-out", data=data, headers={**HTML, **headers})
            assert answer.status_code == 403


async def test_nobody_is_signed_in_by_another_website(house: House) -> None:
    email = await house.person()
    async with house.client() as client:
        answer = await client.post("/sign-in", data={"email": email, "password": PASSWORD})
        assert answer.status_code == 403


async def test_who_changes_the_password_stays_and_all_others_are_out(house: House) -> None:
    async with house.signed_in() as browser, house.client() as other:
        await Browser(other).sign_in("admin@firm.example")
        wrong = await browser.post("/account/password", old="not it at all", password="x" * 12)
        assert wrong.status_code == 422
        short = await browser.post("/account/password", old=PASSWORD, password="short")
        assert short.status_code == 422
        done = await browser.post("/account/password", old=PASSWORD, password="another password")
        assert "Your password is changed" in done.text
        assert (await other.get("/", headers=HTML)).status_code == 303


async def test_the_page_speaks_the_language_of_the_browser_until_the_account_says_another(
    house: House,
) -> None:
    async with house.signed_in() as browser:
        assert 'lang="en"' in (await browser.get("/account")).text
        danish = {"accept-language": "da-DK,da;q=0.9,en;q=0.5"}
        assert 'lang="da"' in (await browser.get("/account", **danish)).text
        await browser.post("/account/look", language="en", theme="dark")
        page = (await browser.get("/account", **danish)).text
        assert 'lang="en"' in page
        assert 'data-theme="dark"' in page
