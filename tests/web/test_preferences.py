"""The page on which a reader chooses: every mail, some, later, none; without sign-in, cookie or script."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nurture.mail.preferences import Wanted
from nurture.tokens import UNSUBSCRIBE
from tests.support.web import World


@pytest.fixture
def here(world: World) -> str:
    return "/u/" + world.tokens.sign(UNSUBSCRIBE, ["l1", "m1"])


def _now(world: World, **changes: Any) -> None:
    assert world.preferences.wanted
    world.preferences.wanted = replace(world.preferences.wanted, **changes)


async def test_neither_head_nor_a_prefetch_nor_looking_changes_anything(
    client: Any, world: World, here: str
) -> None:
    await client.head(here)
    await client.get(here, headers={"sec-purpose": "prefetch"})
    await client.get(f"{here}?done=left")
    for choice in ("kinds", "pause", "back"):
        assert (await client.get(f"{here}/{choice}")).status_code == 405
    assert world.intake.withdrawn == []
    assert world.preferences.said == []


async def test_the_page_needs_no_script_and_nothing_from_elsewhere(client: Any, here: str) -> None:
    answer = await client.get(here)
    assert "<script" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert "set-cookie" not in answer.headers
    assert "@" not in here


async def test_kinds_that_are_wanted_stay_ticked_and_the_others_are_declined(
    client: Any, world: World, here: str
) -> None:
    page = (await client.get(here)).text
    assert 'name="courses" value="yes" checked' in page
    assert 'name="stories" value="yes">' in page
    answer = await client.post(f"{here}/kinds", data={"stories": "yes"})
    assert answer.status_code == 303
    assert world.preferences.said == [("kinds", ["stories"])]
    assert "Your choice is saved." in (await client.get(answer.headers["location"])).text


@pytest.mark.parametrize("days", ["30", "90", "0"])
async def test_a_break_of_a_month_or_three_and_its_end(
    client: Any, world: World, here: str, days: str
) -> None:
    assert (await client.post(f"{here}/pause", data={"days": days})).status_code == 303
    assert world.preferences.said == [("pause", int(days))]


@pytest.mark.parametrize("data", [{"days": "9999"}, {"days": "-1"}, {}])
async def test_any_other_break_is_refused(
    client: Any, world: World, here: str, data: dict[str, str]
) -> None:
    assert (await client.post(f"{here}/pause", data=data)).status_code == 400
    assert world.preferences.said == []


async def test_during_a_break_the_page_says_until_when(
    client: Any, world: World, here: str
) -> None:
    until = world.at.replace(year=2026, month=12, day=3, hour=12)
    _now(world, paused_until=until + timedelta(0))
    page = (await client.get(here)).text
    assert "You get no mails until 3 Dec 2026." in page
    assert "End the break" in page


async def test_who_left_by_mistake_comes_back_and_the_words_on_the_button_are_the_proof(
    client: Any, world: World, here: str
) -> None:
    left = await client.post(here, data={"List-Unsubscribe": "One-Click"})
    assert left.status_code == 200
    assert "You are unsubscribed." in left.text
    _now(world, subscribed=False, left=True)
    assert "Was that a mistake?" in (await client.get(here)).text
    await client.post(f"{here}/back", headers={"accept-language": "da"})
    wording = "Ja, send mig mails igen. Jeg kan stoppe det når som helst."
    assert world.preferences.said == [("back", wording)]


async def test_who_never_was_in_may_say_no_and_is_not_welcomed_back(
    client: Any, world: World, here: str
) -> None:
    """Who was asked whether a form was theirs, and said nothing."""
    _now(world, subscribed=False)
    assert "Unsubscribe</button>" in (await client.get(here)).text
    answer = await client.post(f"{here}/back", follow_redirects=True)
    assert "Welcome back" not in answer.text


@pytest.mark.parametrize(
    ("told", "browser", "asked", "heading"),
    [
        ("", "da-DK,da;q=0.9", "", "Dine mails"),
        ("", "de", "", "Your mails"),
        ("da", "en-GB", "", "Dine mails"),
        ("da", "da", "?language=en", "Your mails"),
        ("xx", "da", "?language=zz", "Dine mails"),
    ],
)
async def test_the_page_speaks_the_readers_language(
    client: Any, world: World, here: str, told: str, browser: str, asked: str, heading: str
) -> None:
    _now(world, language=told)
    page = (await client.get(here + asked, headers={"accept-language": browser})).text
    assert f"<h1>{heading}</h1>" in page
    assert ("Kurser og guider" in page) == (heading == "Dine mails")


async def test_a_person_who_was_forgotten_is_told_so(client: Any, world: World, here: str) -> None:
    world.preferences.wanted = None
    answer = await client.get(here)
    assert "we keep no address of yours" in answer.text
    assert (await client.post(here)).status_code == 200


async def test_whatever_else_is_chosen_is_not_there(client: Any, here: str) -> None:
    assert (await client.post(f"{here}/erase")).status_code == 404
    assert (await client.post("/u/nonsense/kinds")).status_code == 404


async def test_fields_that_name_no_kind_are_handed_on_and_mean_nothing(
    client: Any, world: World, here: str
) -> None:
    await client.post(f"{here}/kinds", data={"../x": "1", "courses": ""})
    assert world.preferences.said == [("kinds", ["../x"])]
    assert world.preferences.wanted == Wanted(True, False, frozenset({"courses"}), None, "")
