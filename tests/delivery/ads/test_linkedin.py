"""LinkedIn's adapter against a strict stand-in."""

import json

import pytest

from embedded.ads.faults import Fault
from embedded.ads.linkedin import LinkedInRules
from embedded.ads.standin import StandIn
from nurture.delivery.ads.hashing import sha256
from nurture.delivery.ads.linkedin import LinkedInAudiences
from nurture.delivery.ads.tokens import FixedToken
from nurture.domain.errors import Permanent, Transient
from nurture.ports import Person
from tests.support.ads import SOREN, client_of, crowd

SEGMENT = "7001"


@pytest.fixture
def linkedin() -> StandIn:
    return StandIn(LinkedInRules("t", segments=[SEGMENT], per_minute=50), now=lambda: 1e9)


@pytest.fixture
def sink(linkedin: StandIn) -> LinkedInAudiences:
    return LinkedInAudiences(client_of(linkedin), "http://linkedin", "202607", FixedToken("t"))


def named(*numbers: int) -> set[str]:
    return {sha256(f"person{number}@firma.dk") for number in numbers}


async def test_people_come_and_go(linkedin: StandIn, sink: LinkedInAudiences) -> None:
    for _ in range(2):
        await sink.add(SEGMENT, crowd(3))
    for _ in range(2):
        await sink.remove(SEGMENT, crowd(1))
    assert linkedin.members.keys(SEGMENT) == named(1, 2)
    assert linkedin.record.violations == []


async def test_linkedin_is_told_the_hash_of_the_address_and_nothing_else(
    linkedin: StandIn, sink: LinkedInAudiences
) -> None:
    await sink.add(SEGMENT, [SOREN])
    (element,) = json.loads(linkedin.record.requests[-1]["body"])["elements"]
    assert element.keys() == {"action", "userIds"}
    assert linkedin.unmatched(SEGMENT, [{"email": "foo.bar+x@gmail.com"}]) == []


async def test_an_element_refused_is_told_of_its_lead(
    linkedin: StandIn, sink: LinkedInAudiences
) -> None:
    linkedin.faults.add(Fault("bad_rows", rows=(1,)))
    applied = await sink.add(SEGMENT, [Person("phone-only", phone="+4520123456"), *crowd(3)])
    assert applied.refused == {"phone-only": "no_identifier", "lead-1": "element_400"}
    assert linkedin.members.keys(SEGMENT) == named(0, 2)


async def test_too_many_calls_in_a_minute_name_no_time_to_wait(
    linkedin: StandIn, sink: LinkedInAudiences
) -> None:
    for _ in range(50):
        await sink.add(SEGMENT, crowd(1))
    for _ in range(3):
        with pytest.raises(Transient, match="rate_limited") as caught:
            await sink.add(SEGMENT, crowd(2))
        assert caught.value.retry_after is None
    linkedin.forward(61)
    await sink.add(SEGMENT, crowd(2))
    assert linkedin.members.keys(SEGMENT) == named(0, 1)


@pytest.mark.parametrize(
    ("version", "token", "segment", "kind", "reason"),
    [
        ("202607", "t", "9", Transient, "segment_not_found"),
        ("202511", "t", SEGMENT, Permanent, "version_not_supported"),
        ("", "t", SEGMENT, Permanent, "invalid_request"),
        ("202607", "old", SEGMENT, Permanent, "token_refused"),
    ],
)
async def test_a_wrong_setting_is_named(
    linkedin: StandIn,
    version: str,
    token: str,
    segment: str,
    kind: type[Transient],
    reason: str,
) -> None:
    sink = LinkedInAudiences(client_of(linkedin), "http://linkedin", version, FixedToken(token))
    with pytest.raises(kind) as caught:
        await sink.add(segment, crowd(1))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (Fault("answer", status=500, body={}), Transient, "platform_error"),
        (Fault("answer", status=200, body={"elements": []}), Transient, "answer_incomplete"),
        (Fault("answer", status=200, body="<html>"), Transient, "not_json"),
        (Fault("reset_after"), Transient, "no_answer"),
        (Fault("answer", status=403, body={}), Permanent, "not_permitted"),
    ],
)
async def test_a_failure_is_worth_another_try_or_not(
    linkedin: StandIn, sink: LinkedInAudiences, fault: Fault, kind: type[Transient], reason: str
) -> None:
    linkedin.faults.add(fault)
    with pytest.raises(kind) as caught:
        await sink.add(SEGMENT, crowd(1))
    assert caught.value.reason == reason


async def test_a_segment_can_be_made_once_and_used_after_five_seconds(linkedin: StandIn) -> None:
    client = client_of(linkedin)
    headers = {
        "Authorization": "Bearer t",
        "LinkedIn-Version": "202607",
        "X-Restli-Protocol-Version": "2.0.0",
    }
    segment = {
        "name": "Hesitating",
        "sourcePlatform": "NURTURE",
        "sourceSegmentId": "hesitating",
        "account": "urn:li:sponsoredAccount:1",
        "type": "USER",
        "destinations": [{"destination": "LINKEDIN"}],
    }
    url = "http://linkedin/rest/dmpSegments"
    made = await client.post(url, json=segment, headers=headers)
    again = await client.post(url, json=segment, headers=headers)
    assert (made.status_code, again.status_code) == (201, 409)
    sink = LinkedInAudiences(client, "http://linkedin", "202607", FixedToken("t"))
    with pytest.raises(Transient, match="segment_not_found"):
        await sink.add(made.headers["x-restli-id"], crowd(1))
    linkedin.forward(5)
    await sink.add(made.headers["x-restli-id"], crowd(1))
