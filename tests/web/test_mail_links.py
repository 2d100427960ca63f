"""Opens, clicks and unsubscribing: people are counted, machines told apart, nobody is redirected elsewhere."""

import re
from datetime import timedelta

import pytest

from nurture.mail.preferences import Wanted
from nurture.tokens import CLICK, CONFIRM, OPEN, UNSUBSCRIBE

HUMAN = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
TARGET = "https://shop.example/pricing?a=1"


@pytest.fixture
def click(world):
    return "/c/" + world.tokens.sign(CLICK, ["m1", TARGET])


@pytest.fixture
def pixel(world):
    return "/o/" + world.tokens.sign(OPEN, ["m1"])


@pytest.fixture
def leave(world):
    return "/u/" + world.tokens.sign(UNSUBSCRIBE, ["l1", "m1"])


async def test_a_click_is_told_and_leads_on(client, world, click):
    answer = await client.get(click, headers=HUMAN)
    assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
    assert world.intake.hits == [("m1", "clicked", {"url": TARGET}, None)]


async def test_a_link_leads_on_and_a_pixel_is_one_also_while_the_database_is_away(
    client, world, click, pixel
):
    world.intake.away = 2
    answer = await client.get(click, headers=HUMAN)
    assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
    assert (await client.get(pixel, headers=HUMAN)).content.startswith(b"GIF89a")


async def test_the_pixel_is_a_gif_that_no_cache_keeps(client, world, pixel):
    answer = await client.get(pixel + ".gif", headers=HUMAN)
    assert answer.headers["content-type"] == "image/gif"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.content.startswith(b"GIF89a")
    assert world.intake.hits == [("m1", "opened", {}, None)]


async def test_a_head_request_leads_on_and_is_kept_as_a_machines(client, world, click, pixel):
    assert (await client.head(click, headers=HUMAN)).headers["location"] == TARGET
    assert (await client.head(pixel, headers=HUMAN)).status_code == 200
    assert [(name, machine) for _, name, _, machine in world.intake.hits] == [
        ("clicked", "head request"),
        ("opened", "head request"),
    ]


async def test_a_scanners_click_is_kept_with_its_reason(client, world, click):
    await client.get(click, headers={"user-agent": "Mozilla/5.0 (compatible; Barracuda Sentinel)"})
    assert world.intake.hits[0][3] == "scanner"


async def test_a_click_right_after_sending_is_a_machines(client, world, click):
    world.at -= timedelta(hours=1)
    await client.get(click, headers=HUMAN)
    assert world.intake.hits[0][3] == "too soon after sending"


async def test_under_a_compressed_clock_people_may_be_as_fast_as_it_is(client, world, click):
    world.day = timedelta(seconds=1)
    world.at += timedelta(seconds=1) - timedelta(hours=1)
    await client.get(click, headers=HUMAN)
    assert world.intake.hits[0][3] is None


async def test_an_altered_link_leads_nowhere_and_an_altered_pixel_is_still_one(
    client, world, click
):
    assert (await client.get(click[:-2] + "xx", headers=HUMAN)).status_code == 404
    assert (await client.get("/o/nonsense", headers=HUMAN)).headers["content-type"] == "image/gif"
    assert world.intake.hits == []


async def test_a_token_of_one_use_is_worthless_for_another(client, world):
    token = world.tokens.sign(OPEN, ["l1", "m1"])
    assert (await client.post(f"/u/{token}")).status_code == 404
    assert (await client.get(f"/c/{token}")).status_code == 404


@pytest.mark.parametrize("target", ["javascript:alert(1)", "data:text/html,x", "/relative"])
async def test_only_the_web_is_linked_to(client, world, target):
    token = world.tokens.sign(CLICK, ["m1", target])
    assert (await client.get(f"/c/{token}", headers=HUMAN)).status_code == 404


async def test_looking_at_the_unsubscribe_page_changes_nothing(client, world, leave):
    answer = await client.get(leave)
    assert "<button" in answer.text
    assert 'method="post"' in answer.text
    assert world.intake.withdrawn == []


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {},
    ],
)
async def test_one_post_unsubscribes_without_cookie_or_redirect(client, world, leave, body):
    answer = await client.post(leave, **body)
    assert answer.status_code == 200
    assert world.intake.withdrawn == [("l1", "email_marketing")]


async def test_unsubscribing_twice_is_fine(client, leave):
    assert [(await client.post(leave)).status_code for _ in range(2)] == [200, 200]


async def test_a_bad_unsubscribe_link_says_what_to_do(client, world):
    answer = await client.post("/u/nonsense", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "the one in the mail itself" in answer.text
    assert world.intake.withdrawn == []


@pytest.fixture
def confirm(world):
    return "/y/" + world.tokens.sign(CONFIRM, ["l1", "m1"])


async def test_the_link_of_a_double_opt_in_asks_and_only_its_button_confirms(
    client, world, confirm
):
    page = (await client.get(confirm, headers=HUMAN)).text
    assert "<button" in page
    assert page.count(f"<li>{world.form.wording['newsletter']}</li>") == 1
    assert (await client.head(confirm, headers=HUMAN)).status_code < 500
    assert world.intake.confirmed == []
    assert "may write to you" in (await client.post(confirm)).text
    assert "Nothing to confirm" in (await client.post(confirm)).text
    assert world.intake.confirmed == [("l1", "m1")] * 2


async def test_where_nothing_waits_for_a_confirmation_there_is_no_button(client, world, confirm):
    world.preferences.waits = []
    page = (await client.get(confirm, headers=HUMAN)).text
    assert "Nothing to confirm" in page
    assert "<button" not in page


async def test_a_token_for_unsubscribing_confirms_nothing(client, world):
    token = world.tokens.sign(UNSUBSCRIBE, ["l1", "m1"])
    assert (await client.post(f"/y/{token}")).status_code == 404
    assert world.intake.confirmed == []


@pytest.mark.parametrize(
    ("told", "asked", "browser", "heading", "button", "thanks"),
    [
        ("", "", "da,en;q=0.8", "Må vi skrive til dig?", "Ja, skriv til mig", "Tak"),
        ("da", "", "en", "Må vi skrive til dig?", "Ja, skriv til mig", "Tak"),
        ("da", "?language=en", "da", "May we write to you?", "Yes, write to me", "Thank you"),
        ("", "", "fr", "May we write to you?", "Yes, write to me", "Thank you"),
    ],
)
async def test_the_double_opt_in_is_asked_and_answered_in_the_readers_language(
    client, world, confirm, told, asked, browser, heading, button, thanks
):
    world.preferences.wanted = Wanted(False, True, frozenset(), None, told)
    headers = {"accept-language": browser}
    page = await client.get(confirm + asked, headers=headers)
    assert f"<h1>{heading}</h1>" in page.text
    assert button in page.text
    action = re.search(r'action="([^"]+)"', page.text)[1]
    answer = await client.post(action, headers=headers)
    assert f"<h1>{thanks}</h1>" in answer.text
    assert answer.headers["content-language"] == page.headers["content-language"]
