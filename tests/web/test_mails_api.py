"""Mails and senders for other systems."""

from typing import Any

import pytest

from tests.support.web import World

BEARER = {"authorization": "Bearer token"}


async def test_mails_are_listed_with_how_many_there_are(client: Any) -> None:
    told = (await client.get("/api/mails?state=unknown", headers=BEARER)).json()
    assert told == {"counts": {"unknown": 1}, "mails": [{"id": "mail", "state": "unknown"}]}
    assert (await client.get("/api/mails?state=lost", headers=BEARER)).status_code == 400


@pytest.mark.parametrize(("sent", "message"), [(True, "counted as sent"), (False, "once more")])
async def test_a_person_settles_an_unknown_mail(
    client: Any, world: World, sent: bool, message: str
) -> None:
    answer = await client.post("/api/mails/mail/settle", json={"sent": sent}, headers=BEARER)
    assert message in answer.json()["message"]
    assert [each[:2] for each in world.mails.settled] == [("mail", sent)]


async def test_only_an_unknown_mail_is_settled_and_somebody_says_how(client: Any) -> None:
    known = await client.post("/api/mails/other/settle", json={"sent": True}, headers=BEARER)
    assert (known.status_code, known.json()["code"]) == (409, "not_unknown")
    silent = await client.post("/api/mails/mail/settle", json={}, headers=BEARER)
    assert silent.status_code == 400


async def test_a_sender_is_paused_and_resumed(client: Any, world: World) -> None:
    for path in ("/api/senders/courses/pause", "/api/senders/nobody/pause"):
        answer = await client.post(path, json={"reason": "a new domain"}, headers=BEARER)
        assert answer.status_code == (200 if "courses" in path else 404)
    assert world.watch.paused == "a new domain"
    assert (await client.get("/api/senders", headers=BEARER)).json()[0]["alarm"] == "pause"
    resumed = await client.post("/api/senders/courses/resume", headers=BEARER)
    assert resumed.json() == {"held": 3}
    again = await client.post("/api/senders/courses/resume", headers=BEARER)
    assert again.status_code == 409
