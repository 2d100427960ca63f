"""A newer release's playbook is in force while this server still takes touches."""

import pytest
from structlog.testing import capture_logs

from nurture.store import playbooks
from tests.support import newer
from tests.support.house import House

WEBSITE = {"writeKey": "wk", "type": "page", "anonymousId": "a", "messageId": "m1"}
TOKEN = {"authorization": "Bearer token"}


@pytest.fixture
async def house(sqlite_house: House) -> House:
    async with sqlite_house.world.db.read() as session:
        playbook = await sqlite_house.world.shelf.current(session)
        texts = await playbooks.files(session, playbook.hash)
    await newer.put_in_force(sqlite_house.world.db, texts or {}, "config/flows/welcome.yaml")
    return sqlite_house


async def test_a_website_is_asked_to_send_its_touch_again_and_told_nothing(house: House) -> None:
    """Only the log says what it waits for."""
    with capture_logs() as logged:
        async with house.client() as client:
            told = await client.post("/v1/page", json=WEBSITE)
    assert (told.status_code, told.headers["retry-after"]) == (503, "5")
    assert told.json() == {"code": "away", "message": "please try again soon"}
    [line] = logged
    assert (line["event"], line["route"]) == ("request_put_off", "/v1/{call}")
    assert "welcome.yaml" in line["error"]


@pytest.mark.parametrize("path", ["/metrics", "/api/report"])
async def test_whoever_asks_for_figures_hears_that_it_passes(house: House, path: str) -> None:
    async with house.client() as client:
        assert (await client.get(path, headers=TOKEN)).status_code == 503
