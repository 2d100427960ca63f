"""Google's adapter against a strict stand-in."""

import json
from datetime import timedelta
from typing import Any

import pytest

from embedded.ads.faults import Fault
from embedded.ads.google import GoogleRules
from embedded.ads.standin import StandIn
from nurture.delivery.ads.google import GoogleAudiences
from nurture.delivery.ads.hashing import sha256
from nurture.delivery.ads.tokens import FixedToken
from nurture.domain.audience import Progress
from nurture.domain.errors import Permanent, Transient
from nurture.ports import Person
from tests.support.ads import SOREN, client_of, crowd

LIST = "777"


class Renewable:
    """A token source whose first token has expired."""

    def __init__(self) -> None:
        self.current = "expired"

    async def token(self) -> str:
        return self.current

    def refused(self, token: str) -> bool:
        self.current = "t"
        return True


@pytest.fixture
def google() -> StandIn:
    return StandIn(GoogleRules("t", per_minute=60), now=lambda: 1_700_000_000.0)


@pytest.fixture
def sink(google: StandIn) -> GoogleAudiences:
    return GoogleAudiences(client_of(google), "http://google", FixedToken("t"), "123-456-7890")


def members(google: StandIn) -> set[str]:
    return google.members.keys(LIST)


def named(*numbers: int) -> set[str]:
    return {sha256(f"person{number}@firma.dk") for number in numbers}


def refusal(status: int, reason: str, quota: str = "") -> Fault:
    info = {"reason": reason, "metadata": {"quota_limit": quota}}
    return Fault("answer", status=status, body={"error": {"code": status, "details": [info]}})


async def test_people_come_and_go(google: StandIn, sink: GoogleAudiences) -> None:
    for _ in range(2):
        await sink.add(LIST, crowd(3))
    for _ in range(2):
        await sink.remove(LIST, crowd(1))
    assert members(google) == named(1, 2)
    assert google.record.violations == []


async def test_google_would_recognise_a_gmail_address_with_dots_and_a_danish_phone(
    google: StandIn, sink: GoogleAudiences
) -> None:
    await sink.add(LIST, [SOREN, Person("2", phone="20123457", country="DK")])
    known = [{"email": "foobar@gmail.com"}, {"phone": "+4520123457"}]
    assert google.unmatched(LIST, known) == []


async def test_every_member_carries_both_consents_and_only_additions_name_terms(
    google: StandIn, sink: GoogleAudiences
) -> None:
    await sink.add(LIST, crowd(1))
    await sink.remove(LIST, crowd(1))
    added, removed = (json.loads(request["body"]) for request in google.record.requests)
    granted = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
    assert added["audienceMembers"][0]["consent"] == granted
    assert removed.keys() == {"destinations", "audienceMembers", "encoding"}
    assert removed["audienceMembers"][0].keys() == {"userData"}


async def test_a_record_that_google_names_is_left_out_and_the_rest_goes(
    google: StandIn, sink: GoogleAudiences
) -> None:
    google.faults.add(Fault("bad_rows", rows=(2,)))
    applied = await sink.add(LIST, crowd(4))
    assert applied.refused == {"lead-2": "invalid_audience_member"}
    assert members(google) == named(0, 1, 3)
    assert google.record.count == 2


async def test_a_record_that_google_does_not_name_is_found_by_halving() -> None:
    class Unnamed(GoogleRules):
        """Knows that something is bad, and not what."""

        def answer(self, call: Any, *rest: Any) -> Any:
            if sha256("person5@firma.dk").encode() in call.body:
                return refusal(400, "INVALID_SHA256_FORMAT").reply
            return super().answer(call, *rest)

    google = StandIn(Unnamed("t"))
    sink = GoogleAudiences(client_of(google), "http://google", FixedToken("t"), "1")
    applied = await sink.add(LIST, crowd(8))
    assert applied.refused == {"lead-5": "invalid_sha256_format"}
    assert members(google) == named(0, 1, 2, 3, 4, 6, 7)


async def test_when_all_records_are_bad_the_search_ends(
    google: StandIn, sink: GoogleAudiences
) -> None:
    google.faults.add(
        Fault("answer", status=400, times=9999, body=refusal(400, "INVALID_FORMAT").body)
    )
    applied = await sink.add(LIST, crowd(500))
    assert len(applied.refused) == 500
    assert google.record.count <= 128


async def test_a_mistake_of_the_whole_request_is_not_searched_for_in_its_records(
    google: StandIn, sink: GoogleAudiences
) -> None:
    with pytest.raises(Permanent, match="invalid_user_list_id"):
        await sink.add("no-number", crowd(100))
    assert google.record.count == 1


async def test_over_the_quota_of_a_minute_one_waits_a_minute(
    google: StandIn, sink: GoogleAudiences
) -> None:
    for _ in range(60):
        await sink.add(LIST, crowd(1))
    with pytest.raises(Transient, match="rate_limited") as caught:
        await sink.add(LIST, crowd(2))
    assert caught.value.retry_after == timedelta(minutes=1)
    google.forward(61)
    await sink.add(LIST, crowd(2))
    assert members(google) == named(0, 1)


async def test_over_the_quota_of_a_day_one_waits_longer(
    google: StandIn, sink: GoogleAudiences
) -> None:
    quota = "IngestionMutateRequestsPerDayPerProject"
    google.faults.add(refusal(429, "RATE_LIMIT_EXCEEDED", quota))
    with pytest.raises(Transient) as caught:
        await sink.add(LIST, crowd(1))
    assert caught.value.retry_after == timedelta(hours=1)


async def test_an_expired_token_is_renewed_by_the_next_try(google: StandIn) -> None:
    sink = GoogleAudiences(client_of(google), "http://google", Renewable(), "1")
    with pytest.raises(Transient, match="token_expired"):
        await sink.add(LIST, crowd(1))
    await sink.add(LIST, crowd(1))
    assert members(google) == named(0)


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (refusal(500, "INTERNAL_ERROR"), Transient, "platform_error"),
        (refusal(503, ""), Transient, "platform_error"),
        (Fault("answer", status=502, body="<html>"), Transient, "not_json"),
        (Fault("reset_after"), Transient, "no_answer"),
        (refusal(401, ""), Permanent, "token_refused"),
        (refusal(403, "PERMISSION_DENIED"), Permanent, "permission_denied"),
        (refusal(404, "NOT_FOUND"), Permanent, "not_found"),
        (refusal(400, "NOT_ALLOWLISTED"), Permanent, "not_allowlisted"),
    ],
)
async def test_a_failure_is_worth_another_try_or_not(
    google: StandIn, sink: GoogleAudiences, fault: Fault, kind: type[Transient], reason: str
) -> None:
    google.faults.add(fault)
    with pytest.raises(kind) as caught:
        await sink.add(LIST, crowd(1))
    assert caught.value.reason == reason


async def test_a_change_is_under_way_until_google_says_that_it_is_made(
    google: StandIn, sink: GoogleAudiences
) -> None:
    for change in (sink.add, sink.remove):
        applied = await change(LIST, crowd(2))
        [request] = set(applied.accepted.values())
        assert applied.accepted.keys() == {"lead-0", "lead-1"}
        assert await sink.progress(request) == Progress()
        google.forward(3600)
        assert await sink.progress(request) == Progress(done=True)
    google.forward(51 * 86_400)
    assert await sink.progress(request) == Progress(error="request_unknown")


async def test_each_part_of_a_batch_that_was_halved_is_asked_about(
    google: StandIn, sink: GoogleAudiences
) -> None:
    google.faults.add(refusal(400, "INVALID_SHA256_FORMAT"))
    applied = await sink.remove(LIST, crowd(4))
    parts = list(applied.accepted.values())
    assert (len(parts), len(set(parts))) == (4, 2)


def status(status: str, *reasons: Any) -> dict[str, Any]:
    counts = [{"recordCount": "1", "reason": reason} for reason in reasons]
    return {"requestStatus": status, "errorInfo": {"errorCounts": counts}}


@pytest.mark.parametrize(
    ("told", "progress"),
    [
        ([status("SUCCESS")], Progress(done=True)),
        ([status("PROCESSING")], Progress()),
        ([status("REQUEST_STATUS_UNKNOWN")], Progress()),
        ([], Progress()),
        (None, Progress()),
        ([status("FAILED")], Progress(error="request_failed")),
        (
            [status("FAILED", "PROCESSING_ERROR_REASON_INTERNAL_ERROR", "x@firma.dk", None)],
            Progress(error="request_failed: INTERNAL_ERROR"),
        ),
        (
            [
                status(
                    "PARTIAL_SUCCESS",
                    "PROCESSING_ERROR_REASON_NO_CONSENT",
                    "PROCESSING_ERROR_REASON_INVALID_FORMAT",
                )
            ],
            Progress(done=True, error="done_in_part: INVALID_FORMAT, NO_CONSENT"),
        ),
    ],
)
async def test_what_became_of_a_change_is_read_from_googles_words(
    google: StandIn, sink: GoogleAudiences, told: Any, progress: Progress
) -> None:
    google.faults.add(Fault("answer", status=200, body={"requestStatusPerDestination": told}))
    assert await sink.progress("any") == progress


async def test_a_question_that_is_refused_says_nothing_about_the_change(
    google: StandIn, sink: GoogleAudiences
) -> None:
    google.faults.add(refusal(403, "PERMISSION_DENIED"))
    with pytest.raises(Permanent, match="permission_denied"):
        await sink.progress("any")


async def test_a_change_by_whose_number_nobody_can_ask_is_sent_again(
    google: StandIn, sink: GoogleAudiences
) -> None:
    google.faults.add(Fault("answer", status=200, body={}))
    with pytest.raises(Transient, match="answer_incomplete"):
        await sink.remove(LIST, crowd(1))


async def test_someone_without_any_identifier_is_refused(sink: GoogleAudiences) -> None:
    applied = await sink.add(LIST, [Person("nobody", first_name="Søren", country="DK")])
    assert applied.refused == {"nobody": "no_identifier"}
