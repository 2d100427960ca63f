"""Meta's adapter against a strict stand-in."""

import json
import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest

from embedded.ads.faults import Fault
from embedded.ads.meta import MetaRules
from embedded.ads.standin import StandIn
from nurture.delivery.ads.meta import MetaAudiences
from nurture.domain.errors import Permanent, Transient
from nurture.ports import Person, Portion
from tests.support.ads import SOREN, client_of, crowd

AUDIENCE = "23840000001"


@pytest.fixture
def clock() -> list[float]:
    return [1_700_000_000.0]


@pytest.fixture
def meta(clock: list[float]) -> StandIn:
    rules = MetaRules("secret-token", audiences=[AUDIENCE], quota=100)
    return StandIn(rules, now=lambda: clock[0])


@pytest.fixture
def sink(meta: StandIn) -> MetaAudiences:
    return MetaAudiences(client_of(meta), "http://meta", "v26.0", "secret-token")


def broken(code: int, subcode: int = 0, status: int = 400, **more: Any) -> Fault:
    error = {"code": code, "error_subcode": subcode, "message": "about soren@firma.dk", **more}
    return Fault("answer", status=status, body={"error": error})


async def test_people_come_and_go(meta: StandIn, sink: MetaAudiences) -> None:
    await sink.add(AUDIENCE, crowd(3))
    await sink.remove(AUDIENCE, crowd(1))
    assert meta.members.keys(AUDIENCE) == {"lead-1", "lead-2"}
    assert meta.record.violations == []


async def test_meta_would_recognise_everyone_named(meta: StandIn, sink: MetaAudiences) -> None:
    only_phone = Person("crm-2", phone="20123456", country="DK")
    await sink.add(AUDIENCE, [SOREN, only_phone])
    known = [{"email": "foo.bar+x@gmail.com"}, {"phone": "+4520123456"}]
    assert meta.unmatched(AUDIENCE, known) == []
    assert meta.unmatched(AUDIENCE, known[:1]) == ["EXTERN_ID:crm-2"]


async def test_only_hashes_and_our_own_id_leave_the_house(
    meta: StandIn, sink: MetaAudiences
) -> None:
    await sink.add(AUDIENCE, [SOREN])
    request = meta.record.requests[-1]
    (row,) = json.loads(request["body"])["payload"]["data"]
    assert row[0] == "crm-1"
    assert row[3] == "6bea0147015afcbe7867cb289b53dd76f818718c50a1cd60f22ac7a2044708fb"
    assert [len(value) for value in row[1:]] == [64] * 5
    assert request["path"] == f"/v26.0/{AUDIENCE}/users"


async def test_a_replacement_says_who_was_left_out(meta: StandIn, sink: MetaAudiences) -> None:
    meta.faults.add(Fault("bad_rows", rows=(1,)))
    applied = await sink.replace(AUDIENCE, crowd(3), Portion(7, 1, False, 5))
    assert applied.refused == {"lead-1": "invalid_entry"}
    await sink.replace(AUDIENCE, crowd(2, start=3), Portion(7, 2, True, 5))
    assert meta.members.keys(AUDIENCE) == {"lead-0", "lead-2", "lead-3", "lead-4"}


async def test_the_same_batch_twice_changes_nothing(meta: StandIn, sink: MetaAudiences) -> None:
    for _ in range(2):
        await sink.add(AUDIENCE, crowd(3))
    assert meta.members.size(AUDIENCE) == 3
    for _ in range(2):
        await sink.remove(AUDIENCE, crowd(3))
    assert meta.members.size(AUDIENCE) == 0


async def test_300_removals_need_two_calls(meta: StandIn, sink: MetaAudiences) -> None:
    await sink.add(AUDIENCE, crowd(300))
    await sink.remove(AUDIENCE, crowd(300))
    calls = [request["method"] for request in meta.record.requests]
    assert calls == ["POST", "DELETE", "DELETE"]
    assert meta.members.size(AUDIENCE) == 0


async def test_someone_without_any_identifier_is_refused_and_not_sent(
    meta: StandIn, sink: MetaAudiences
) -> None:
    applied = await sink.add(AUDIENCE, [Person("nobody", first_name="Søren"), *crowd(1)])
    assert applied.refused == {"nobody": "no_identifier"}
    assert meta.members.keys(AUDIENCE) == {"lead-0"}


async def test_when_nobody_can_be_named_nothing_is_sent(meta: StandIn, sink: MetaAudiences) -> None:
    await sink.add(AUDIENCE, [Person("nobody", phone="12")])
    assert meta.record.count == 0


async def test_invalid_entries_that_meta_points_at_are_refused(
    meta: StandIn, sink: MetaAudiences
) -> None:
    meta.faults.add(Fault("bad_rows", rows=(1, 3)))
    applied = await sink.add(AUDIENCE, crowd(5))
    assert applied.refused == {"lead-1": "invalid_entry", "lead-3": "invalid_entry"}
    assert meta.members.keys(AUDIENCE) == {"lead-0", "lead-2", "lead-4"}


async def test_an_invalid_entry_that_meta_only_counts_is_found_by_halving() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        rows = json.loads(request.content)["payload"]["data"]
        bad = sum(row[0] == "lead-5" for row in rows)
        return httpx.Response(200, json={"num_received": len(rows), "num_invalid_entries": bad})

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    applied = await MetaAudiences(client, "http://meta", "v26.0", "t").add(AUDIENCE, crowd(8))
    assert applied.refused == {"lead-5": "invalid_entry"}


async def test_an_answer_that_took_nothing_is_tried_again(
    meta: StandIn, sink: MetaAudiences
) -> None:
    meta.faults.add(Fault("answer", status=200, body={"num_received": 0}))
    with pytest.raises(Transient, match="nothing_received"):
        await sink.add(AUDIENCE, crowd(1))


async def test_over_quota_the_wait_is_what_meta_says(
    meta: StandIn, sink: MetaAudiences, clock: list[float]
) -> None:
    for _ in range(100):
        await sink.add(AUDIENCE, crowd(1))
    for _ in range(3):
        with pytest.raises(Transient, match="rate_limited") as caught:
            await sink.add(AUDIENCE, crowd(2))
        assert caught.value.retry_after == timedelta(minutes=60)
    clock[0] += 3600
    await sink.add(AUDIENCE, crowd(2))
    assert meta.members.size(AUDIENCE) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (broken(1), "platform_error"),
        (broken(2), "platform_error"),
        (broken(99999, is_transient=True), "platform_error"),
        (broken(100, status=503), "platform_error"),
        (broken(4), "rate_limited"),
        (broken(17, 2446079), "rate_limited"),
        (broken(613, 1487742), "rate_limited"),
        (broken(80003), "rate_limited"),
        (Fault("answer", status=429, body={}), "rate_limited"),
        (broken(803), "audience_not_ready"),
        (broken(2650), "audience_busy"),
        (broken(368), "blocked_as_abusive"),
        (Fault("answer", status=502, body="<html>Bad gateway</html>"), "not_json"),
        (Fault("answer", status=200, body=[]), "not_json"),
        (Fault("answer", status=200, body="[" * 5_000), "not_json"),
    ],
)
async def test_what_may_pass_is_worth_another_try(
    meta: StandIn, sink: MetaAudiences, fault: Fault, reason: str
) -> None:
    meta.faults.add(fault)
    with pytest.raises(Transient) as caught:
        await sink.add(AUDIENCE, crowd(1))
    assert caught.value.reason == reason
    assert "soren" not in str(caught.value)
    await sink.add(AUDIENCE, crowd(1))
    assert meta.members.size(AUDIENCE) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (broken(190, 463), "token_expired"),
        (broken(190, 460), "password_changed"),
        (broken(190), "token_refused"),
        (broken(10), "not_permitted"),
        (broken(200), "not_permitted"),
        (broken(100), "invalid_parameter"),
        (broken(100, 33), "no_such_audience"),
        (broken(100, 1713230), "audience_flagged"),
        (broken(105), "too_many_parameters"),
        (broken(2655), "terms_not_accepted"),
        (broken(1487366), "audience_deleted"),
        (broken(424242), "refused"),
        (Fault("answer", status=403, body={}), "refused"),
    ],
)
async def test_what_cannot_pass_is_not_tried_again(
    meta: StandIn, sink: MetaAudiences, fault: Fault, reason: str
) -> None:
    meta.faults.add(fault)
    with pytest.raises(Permanent) as caught:
        await sink.add(AUDIENCE, crowd(1))
    assert caught.value.reason == reason
    assert "soren" not in str(caught.value)


async def test_a_connection_that_breaks_after_the_effect_is_simply_repeated(
    meta: StandIn, sink: MetaAudiences
) -> None:
    meta.faults.add(Fault("reset_after"), Fault("reset_before", method="DELETE"))
    with pytest.raises(Transient, match="no_answer"):
        await sink.add(AUDIENCE, crowd(2))
    assert meta.members.size(AUDIENCE) == 2
    await sink.add(AUDIENCE, crowd(2))
    with pytest.raises(Transient, match="no_answer"):
        await sink.remove(AUDIENCE, crowd(2))
    await sink.remove(AUDIENCE, crowd(2))
    assert meta.members.size(AUDIENCE) == 0


async def test_a_platform_that_cannot_be_reached_is_tried_again() -> None:
    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(unreachable))
    with pytest.raises(Transient, match="unreachable"):
        await MetaAudiences(client, "http://meta", "v26.0", "t").add(AUDIENCE, crowd(1))


@pytest.mark.parametrize(
    ("version", "token", "audience", "reason"),
    [
        ("v12.0", "secret-token", AUDIENCE, "version_not_supported"),
        ("v26.0", "other", AUDIENCE, "token_refused"),
        ("v26.0", "secret-token", "999", "no_such_audience"),
    ],
)
async def test_a_wrong_setting_is_named(
    meta: StandIn, version: str, token: str, audience: str, reason: str
) -> None:
    sink = MetaAudiences(client_of(meta), "http://meta", version, token)
    with pytest.raises(Permanent) as caught:
        await sink.add(audience, crowd(1))
    assert caught.value.reason == reason


async def test_an_app_with_a_secret_proves_that_it_knows_it() -> None:
    meta = StandIn(MetaRules("secret-token", app_secret="hush"))
    client = client_of(meta)
    await MetaAudiences(client, "http://m", "v26.0", "secret-token", "hush").add("1", crowd(1))
    with pytest.raises(Permanent, match="invalid_parameter"):
        await MetaAudiences(client, "http://m", "v26.0", "secret-token", "guess").add("1", crowd(1))


async def test_neither_people_nor_secrets_are_logged(
    meta: StandIn, sink: MetaAudiences, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    meta.faults.add(broken(100))
    with pytest.raises(Permanent) as caught:
        await sink.add(AUDIENCE, [SOREN])
    said = caplog.text.lower() + str(caught.value)
    assert "secret-token" not in said
    assert "foo.bar" not in said
    assert "20123456" not in said
