"""Coming in by the company's own identity provider."""

import time
from html import unescape
from typing import Any

import httpx
import pytest

from nurture.access.company import CompanySignIn, Provider
from tests.support.house import House
from tests.support.provider import CLIENT, ISSUER, SECRET, IdentityProvider


def with_provider(house: House, role: str = "") -> IdentityProvider:
    provider = IdentityProvider()
    house.company = CompanySignIn(
        Provider(ISSUER, CLIENT, SECRET, role),
        house.world.access.accounts,
        provider.transport,
    )
    return provider


def sentence(answer: httpx.Response) -> str:
    """What the page says."""
    return unescape(answer.text)


async def through(client: httpx.AsyncClient, provider: IdentityProvider) -> httpx.Response:
    """There and back, as a browser goes."""
    left = await client.get("/sign-in/company?next=/account")
    assert left.status_code == 303, left.text
    return await client.get(provider.authorize(left.headers["location"]))


async def test_who_has_an_account_comes_in_without_a_password(house: House) -> None:
    provider = with_provider(house)
    await house.world.access.accounts.add(
        "anna@firm.example", "Anna", "marketing", "", "", house.at
    )
    async with house.client() as client:
        assert "company account" in (await client.get("/sign-in")).text
        answer = await through(client, provider)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert "anna@firm.example" in (await client.get("/account")).text


async def test_a_newcomer_gets_the_role_of_the_settings_or_is_told_to_ask(house: House) -> None:
    provider = with_provider(house)
    async with house.client() as client:
        refused = await through(client, provider)
        assert refused.status_code == 401
        assert "you have no account here; ask an administrator for one" in sentence(refused)
    provider = with_provider(house, "marketing")
    async with house.client() as client:
        assert (await through(client, provider)).status_code == 303
    row = await house.world.access.accounts.find("anna@firm.example")
    assert (row.role, row.name, row.password) == ("marketing", "Anna", "")


UNVOUCHED = "the company's sign-in does not vouch for an e-mail address"
UNPROVEN = "the company's sign-in sent a proof that does not hold"


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email": None},
        {"nonce": "another"},
        {"nonce": "é"},
        {"nonce": None},
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 3600},
        {"sub": None},
    ],
)
async def test_a_proof_that_does_not_hold_lets_nobody_in(
    house: House, claims: dict[str, Any]
) -> None:
    provider = with_provider(house, "marketing")
    provider.claims |= claims
    async with house.client() as client:
        refused = await through(client, provider)
        assert refused.status_code == 401
        unvouched = any(claim.startswith("email") for claim in claims)
        assert (UNVOUCHED if unvouched else UNPROVEN) in sentence(refused)
        assert (await client.get("/account")).status_code == 303


@pytest.mark.parametrize("forger", ["another key", "the client's secret", "nothing"])
async def test_a_proof_signed_by_somebody_else_lets_nobody_in(house: House, forger: str) -> None:
    provider = with_provider(house, "marketing")
    match forger:
        case "another key":
            provider.signs_with = IdentityProvider().key
        case "the client's secret":
            provider.signs_with, provider.algorithm = SECRET * 4, "HS256"
        case _:
            provider.signs_with, provider.algorithm = "", "none"
    async with house.client() as client:
        assert (await through(client, provider)).status_code == 401


async def test_a_sign_in_that_another_browser_began_is_refused(house: House) -> None:
    provider = with_provider(house, "marketing")
    async with house.client() as attacker, house.client() as victim:
        left = await attacker.get("/sign-in/company")
        link = provider.authorize(left.headers["location"])
        assert (await victim.get(link)).status_code == 401
        await victim.get("/sign-in/company")
        refused = await victim.get(link)
        assert refused.status_code == 401
        assert "this sign-in was not begun here; please try again" in sentence(refused)


async def test_a_way_back_in_letters_that_were_never_sent_is_refused(house: House) -> None:
    with_provider(house)
    async with house.client() as client:
        await client.get("/sign-in/company")
        refused = await client.get("/sign-in/company/back?code=c&state=h%C3%A9")
        assert refused.status_code == 401
        assert "this sign-in was not begun here; please try again" in sentence(refused)


async def test_a_code_works_once(house: House) -> None:
    provider = with_provider(house, "marketing")
    async with house.client() as client:
        left = await client.get("/sign-in/company")
        link = provider.authorize(left.headers["location"])
        kept = dict(client.cookies)
        assert (await client.get(link)).status_code == 303
        client.cookies.clear()
        client.cookies.update(kept)
        assert (await client.get(link)).status_code == 401


async def test_a_provider_that_is_away_or_calls_itself_otherwise_is_told(house: House) -> None:
    provider = with_provider(house)
    async with house.client() as client:
        provider.down = True
        away = await client.get("/sign-in/company")
        assert away.status_code == 401
        assert "the company's sign-in does not answer; please try again" in sentence(away)
        provider.down, provider.issuer = False, "https://evil.example"
        other = await client.get("/sign-in/company")
        assert "the company's sign-in calls itself by another name" in sentence(other)


async def test_who_changes_their_mind_comes_back_to_the_form(house: House) -> None:
    provider = with_provider(house)
    async with house.client() as client:
        left = await client.get("/sign-in/company")
        state = provider.authorize(left.headers["location"]).partition("state=")[2]
        answer = await client.get(f"/sign-in/company/back?error=access_denied&state={state}")
        assert "the company's sign-in was not completed" in sentence(answer)


async def test_without_a_provider_there_is_nothing_to_go_to(house: House) -> None:
    async with house.client() as client:
        assert "company account" not in (await client.get("/sign-in")).text
        assert (await client.get("/sign-in/company")).status_code == 404
