"""What the HTTP room says when it cannot take something, word by word."""

import gzip
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from nurture.domain.errors import InputError
from nurture.settings import Settings
from nurture.tokens import CLICK, HANDOVER, UNSUBSCRIBE
from nurture.web import fields, payload, sales, segment
from nurture.web.segment import Origin
from nurture.web.sources import Limiter
from tests.support.domain import NOW
from tests.support.house import House
from tests.support.web import SETTINGS, World, connect

WK = {"authorization": "Basic d2s6"}
BEARER = {"authorization": "Bearer token"}
SERVER = Origin("crm", trusted=True, received_at=NOW)
TRACK = {"type": "track", "event": "X", "userId": "u"}
TIME = "must be an ISO 8601 time such as 2026-11-23T10:00:00Z"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            {"type": "jump", "userId": "u"},
            "type: must be identify, track, page, screen, group or alias",
        ),
        ({"type": "group", "userId": "u"}, "groupId: is needed for group"),
        (
            {"type": "alias", "userId": "u"},
            "previousId and userId: both are needed for alias",
        ),
        ({**TRACK, "event": " "}, "event: must be a text that is not empty"),
        ({**TRACK, "event": "!!"}, "event: needs letters or digits, at most 255"),
        ({**TRACK, "userId": [1]}, "userId: must be a text or a whole number"),
        ({**TRACK, "userId": "u" * 256}, "userId: longer than 255 characters"),
        ({**TRACK, "timestamp": "noon"}, f"timestamp: {TIME}"),
        ({**TRACK, "timestamp": "1970-01-01"}, "timestamp: lies before the year 2000"),
        ({**TRACK, "timestamp": "2090-01-01"}, "timestamp: lies in the future"),
        (
            {**TRACK, "timestamp": "0001-01-01", "sentAt": "9999-01-01"},
            "timestamp: outside the calendar",
        ),
        ({**TRACK, "properties": {"n": 10**400}}, "properties.n: a number too large to keep"),
        ({**TRACK, "traits": {"n": 10**400}}, "traits.n: a number too large to keep"),
    ],
)
def test_a_message_that_cannot_be_used_is_told_why(message: Any, reason: str) -> None:
    [refused] = segment.parse([message], SERVER).refused
    assert refused.reason == reason


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else []


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (lambda: segment.unpack({"batch": {}}), "batch: must be a list of messages"),
        (
            lambda: segment.unpack({"batch": [{}] * 2501}),
            "batch: holds 2501 messages, at most 2500 are taken",
        ),
        (lambda: payload.clean(nested(90)), "nested deeper than 32 levels"),
        (lambda: payload.parse(b"{"), "the body is not JSON: Expecting property name"),
        (lambda: fields.text({"name": []}, "name"), "name: must be a text or a number"),
        (lambda: fields.text({"name": "x" * 9}, "name", 8), "name: longer than 8 characters"),
        (
            lambda: sales.read({"state": "maybe"}, "Bo", NOW),
            "state: must be one of accepted, contacted, ",
        ),
        (lambda: sales.read({"state": "contacted"}, "Bo", NOW), "how: say how: call, "),
        (
            lambda: sales.read({"state": "won", "amount": "12.5"}, "Bo", NOW),
            "amount: must be a whole number such as 12500",
        ),
        (
            lambda: sales.read({"state": "won", "amount": "9" * 30}, "Bo", NOW),
            "amount: must be at most ",
        ),
        (
            lambda: sales.read({"state": "won", "currency": "kr"}, "Bo", NOW),
            "currency: must be three letters such as DKK",
        ),
        (
            lambda: sales.read({"state": "booked", "until": "soon"}, "Bo", NOW),
            "until: must be a day or a time such as 2026-12-01T09:00",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(
    act: Callable[[], object], problem: str
) -> None:
    with pytest.raises(InputError) as refused:
        act()
    assert problem in str(refused.value)


def test_who_sends_too_fast_is_told_how_long_to_wait() -> None:
    limiter = Limiter(1)
    limiter.check("website", NOW)
    with pytest.raises(InputError, match="try again in 1 s"):
        limiter.check("website", NOW)


@pytest.mark.parametrize(
    ("path", "asked", "status", "message"),
    [
        ("/v1/track", {"json": TRACK}, 401, "a write key is needed"),
        ("/v1/track?writeKey=x", {"json": TRACK}, 401, "this write key is not known"),
        (
            "/v1/track",
            {"content": rb'{"writeKey": "\ud800", "event": "X"}'},
            401,
            "this write key is not known",
        ),
        (
            "/v1/track",
            {"json": TRACK, "headers": {"authorization": "Bearer nurture_abc"}},
            401,
            "a token of the dashboard opens /api only; use a server key here",
        ),
        (
            "/v1/jump",
            {"headers": WK},
            404,
            "/v1/jump is no call; there are identify, track, page, screen, group, alias, batch",
        ),
        (
            "/v1/batch",
            {"content": b"{}", "headers": {**WK, "content-encoding": "br"}},
            400,
            "Content-Encoding 'br': use gzip or none",
        ),
        (
            "/v1/batch",
            {"content": b"{}", "headers": {**WK, "content-encoding": "gzip"}},
            400,
            "not gzip: ",
        ),
        (
            "/v1/batch",
            {
                "content": gzip.compress(b'{"batch": []}', mtime=0)[:-4],
                "headers": {**WK, "content-encoding": "gzip"},
            },
            400,
            "the gzip data ends too early",
        ),
        (
            "/v1/batch",
            {"content": b" " * 501 * 1024, "headers": WK},
            400,
            "the body is larger than 500 KB",
        ),
        ("/forms/other", {"data": {"mail": "a@b.dk"}}, 404, "there is no form 'other'"),
        ("/forms/whitepaper", {"json": [1]}, 400, "the fields must be an object"),
        (
            "/forms/whitepaper",
            {
                "content": "&".join(f"f{number}=1" for number in range(2000)),
                "headers": {"content-type": "application/x-www-form-urlencoded"},
            },
            400,
            "not a form: ",
        ),
        (
            "/forms/whitepaper",
            {"content": b"x", "headers": {"content-type": "multipart/form-data"}},
            400,
            "not a form: ",
        ),
        (
            "/api/handovers",
            {"json": {}},
            401,
            "an API token is needed; an administrator makes one in the dashboard",
        ),
        (
            "/api/handovers/h9/answers",
            {"json": {"state": "accepted"}, "headers": BEARER},
            404,
            "there is no such handover",
        ),
        (
            "/api/mails/mail/settle",
            {"json": {}, "headers": BEARER},
            400,
            "sent: is needed: true or false",
        ),
        (
            "/api/handovers",
            {"json": {}, "headers": {**BEARER, "origin": "https://evil.example"}},
            403,
            "another website asked for this",
        ),
    ],
)
async def test_a_call_that_cannot_be_taken_is_told_why(
    client: Any, path: str, asked: dict[str, Any], status: int, message: str
) -> None:
    answer = await client.post(path, **asked)
    assert answer.status_code == status
    assert answer.json()["message"][: len(message)] == message


async def test_links_of_mails_say_what_is_wrong_with_them(client: Any, world: World) -> None:
    here = "/u/" + world.tokens.sign(UNSUBSCRIBE, ["l1", "m1"])
    gone, relative = world.tokens.sign(HANDOVER, ["gone"]), world.tokens.sign(CLICK, ["m1", "/x"])
    for call, message in (
        (client.get("/sourceConfig/", params={"writeKey": "x"}), "this write key is not known"),
        (
            client.post("/y/nonsense"),
            "this link is not valid; please use the one in the mail itself",
        ),
        (
            client.post("/u/nonsense"),
            "this link is not valid; please use the one in the mail itself",
        ),
        (client.get(f"/c/{relative}"), "this link leads nowhere"),
        (client.get(f"/h/{gone}"), "this lead is no longer here"),
        (client.post(f"{here}/pause", data={"days": "9"}), "days: must be 30, 90 or 0"),
        (client.post(f"{here}/erase"), "there is nothing to choose here"),
    ):
        assert (await call).json()["message"] == message


async def test_a_door_whose_secret_is_not_set_says_which_one_opens_it(world: World) -> None:
    world.settings = replace_settings(crm_secret=SecretStr(""))
    async with connect(world.app()) as client:
        for path, message in (
            ("/webhooks/crm", "closed until the server has a NURTURE_CRM_SECRET"),
            ("/webhooks/brevo", "closed until the server has a NURTURE_BREVO_WEBHOOK_SECRET"),
        ):
            assert (await client.post(path, content=b"{}")).json()["message"] == message


def replace_settings(**changes: Any) -> Settings:
    return SETTINGS.model_copy(update=changes)


def said(answer: httpx.Response) -> str:
    """On a page a sentence begins with a capital letter."""
    return answer.text.replace("<p>T", "<p>t")


async def test_pages_say_what_is_not_there_or_not_allowed(sqlite_house: House) -> None:
    house = sqlite_house
    async with house.client() as stranger:
        answer = await stranger.get("/leads", headers={"accept": "application/json"})
        assert answer.json()["message"] == "please sign in"
        missing = await stranger.get("/sign-in/company")
        assert missing.json()["message"] == "NURTURE_OIDC_ISSUER is not set"
    async with house.signed_in() as admin:
        for path, message in (
            ("/handovers?which=old", "there is no such list of handovers"),
            ("/handovers/h9", "there is no such handover"),
            ("/leads/l9", "there is no such lead"),
            ("/leads?after=x", "there is no such page; begin at the first one"),
            ("/audit?before=x", "there is no such page; begin at the first one"),
        ):
            assert message in said(await admin.get(path))
        old = await admin.client.post("/leads/l9/erase", headers={"accept": "text/html"})
        assert "this form is too old; open the page again and repeat it" in said(old)
    async with house.signed_in("marketing") as marketing:
        assert "this needs the permission accounts" in said(await marketing.get("/accounts"))
