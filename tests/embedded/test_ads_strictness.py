"""What the stand-ins refuse: a stand-in that says yes to everything would prove nothing."""

from typing import Any

import httpx
import pytest

from embedded.ads.faults import Fault
from embedded.ads.google import GoogleRules
from embedded.ads.linkedin import LinkedInRules
from embedded.ads.meta import MetaRules
from embedded.ads.standin import StandIn
from nurture.delivery.ads.hashing import sha256
from tests.support.ads import client_of

A = sha256("a@firma.dk")
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
META_USERS = "http://ads/v26.0/1/users"
INGEST = "http://ads/v1/audienceMembers:ingest"
REMOVE = "http://ads/v1/audienceMembers:remove"


@pytest.fixture
def meta() -> StandIn:
    return StandIn(MetaRules("t"))


@pytest.fixture
def google() -> StandIn:
    return StandIn(GoogleRules("t"))


async def post(app: StandIn, url: str, json: Any, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client_of(app).post(url, json=json, headers={"Authorization": "Bearer t", **named})


def users(schema: Any, *rows: Any, **more: Any) -> dict[str, Any]:
    return {"payload": {"schema": schema, "data": list(rows)}, **more}


@pytest.mark.parametrize(
    "body",
    [
        {},
        users(["EMAIL"]),
        users([], [A]),
        users(["EMAIL", "EMAIL"], [A, A]),
        users(["SHOE_SIZE"], [A]),
        users(["EMAIL"], [A, A]),
        users(["EMAIL"], [A], colour="red"),
        users(["EMAIL"], *[[A]] * 10_001),
        users(["EMAIL"], [A], session={"session_id": 0, "batch_seq": 1}),
        users(["EMAIL"], [A], session={"session_id": 1, "batch_seq": 2}),
        users(
            ["EMAIL"], [A], [A], session={"session_id": 1, "batch_seq": 1, "estimated_num_total": 1}
        ),
    ],
)
async def test_meta_refuses_an_upload_that_is_not_as_documented(meta: StandIn, body: Any) -> None:
    answer = await post(meta, META_USERS, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    assert meta.members.size("1") == 0
    assert "X-Business-Use-Case-Usage" in answer.headers


@pytest.mark.parametrize(
    ("key", "value", "seen"),
    [
        ("EMAIL", "a@firma.dk", "an e-mail address"),
        ("EMAIL", A.upper(), "no lower-case SHA-256"),
        ("EMAIL", NOTHING, "the hash of nothing"),
        ("PHONE", "+45 20 12 34 56", "a phone number"),
        ("EXTERN_ID", "a@firma.dk", "EXTERN_ID holds an e-mail address"),
        ("COUNTRY", sha256("DK"), "COUNTRY is not the hash"),
    ],
)
async def test_what_is_personal_or_worthless_is_a_violation(
    meta: StandIn, key: str, value: str, seen: str
) -> None:
    await post(meta, META_USERS, users([key], [value]))
    assert any(seen in violation for violation in meta.record.violations)
    assert not any("firma" in violation for violation in meta.record.violations)


async def test_an_invalid_entry_is_counted_and_the_others_are_taken(meta: StandIn) -> None:
    answer = await post(meta, META_USERS, users(["EMAIL"], ["no hash"], [A]))
    assert answer.json()["num_received"] == 2
    assert answer.json()["num_invalid_entries"] == 1
    assert list(answer.json()["invalid_entry_samples"]) == ["0"]
    assert meta.members.keys("1") == {A}


GRANTED = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}


def ingestion(**changed: Any) -> dict[str, Any]:
    body = {
        "destinations": [
            {
                "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "1"},
                "productDestinationId": "7",
            }
        ],
        "audienceMembers": [
            {"userData": {"userIdentifiers": [{"emailAddress": A}]}, "consent": GRANTED}
        ],
        "encoding": "HEX",
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
    }
    return {name: value for name, value in (body | changed).items() if value is not None}


def named(*identifiers: Any) -> dict[str, Any]:
    return ingestion(audienceMembers=[{"userData": {"userIdentifiers": list(identifiers)}}])


ADDRESS = {"givenName": A, "familyName": A, "regionCode": "DK", "postalCode": "8000"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (ingestion(colour="red"), "INVALID_ARGUMENT"),
        (ingestion(encoding=None), "REQUIRED_FIELD_MISSING"),
        (ingestion(destinations=[]), "REQUIRED_FIELD_MISSING"),
        (ingestion(audienceMembers=[]), "REQUIRED_FIELD_MISSING"),
        (ingestion(termsOfService=None), "TERMS_AND_CONDITIONS_NOT_SIGNED"),
        (named({"addressInfo": ADDRESS}), "INVALID_ARGUMENT"),
        (named({"address": ADDRESS | {"regionCode": "dk"}}), "INVALID_REGION_CODE"),
        (named({"address": {"givenName": A}}), "REQUIRED_FIELD_MISSING"),
        (named({"emailAddress": A, "phoneNumber": A}), "INVALID_ARGUMENT"),
        (named({"emailAddress": "a@firma.dk"}), "INVALID_HEX_ENCODING"),
        (named({"emailAddress": A[:40]}), "INVALID_SHA256_FORMAT"),
        (named(*[{"emailAddress": A}] * 11), "TOO_MANY_USER_IDENTIFIERS"),
    ],
)
async def test_google_refuses_a_request_that_is_not_as_documented(
    google: StandIn, body: Any, reason: str
) -> None:
    answer = await post(google, INGEST, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["reason"] == reason
    assert google.members.size("7") == 0


async def test_google_knows_no_consent_and_no_terms_in_a_removal(google: StandIn) -> None:
    assert (await post(google, REMOVE, ingestion())).status_code == 400
    assert (await post(google, REMOVE, ingestion(termsOfService=None))).status_code == 200


async def told_by(google: StandIn, taken: httpx.Response) -> Any:
    """What Google says came of it."""
    url = f"http://ads/v1/requestStatus:retrieve?requestId={taken.json()['requestId']}"
    answer = await client_of(google).get(url, headers={"Authorization": "Bearer t"})
    return answer.json()["requestStatusPerDestination"][0]


async def test_google_takes_people_without_consent_and_processes_none(google: StandIn) -> None:
    taken = await post(google, INGEST, named({"emailAddress": A}))
    assert google.record.violations == ["request 1: member 0 is sent without both consents"]
    assert (await told_by(google, taken))["requestStatus"] == "PROCESSING"
    google.forward(3600)
    assert (await told_by(google, taken))["requestStatus"] == "PARTIAL_SUCCESS"
    assert google.members.size("7") == 0


async def test_google_takes_a_change_in_that_fails_later_and_says_so_when_asked(
    google: StandIn,
) -> None:
    await post(google, INGEST, ingestion())
    google.faults.add(Fault("fails_later"))
    taken = await post(google, REMOVE, ingestion(termsOfService=None))
    google.forward(3600)
    told = await told_by(google, taken)
    assert told["requestStatus"] == "FAILED"
    assert told["errorInfo"]["errorCounts"] == [
        {"recordCount": "1", "reason": "PROCESSING_ERROR_REASON_INTERNAL_ERROR"}
    ]
    assert "audienceMembersRemovalStatus" in told
    assert google.members.size("7") == 1


async def test_google_takes_a_change_in_that_fails_for_some(google: StandIn) -> None:
    google.faults.add(Fault("fails_later", rows=(0,)))
    b = sha256("b@firma.dk")
    members = [named({"emailAddress": each})["audienceMembers"][0] for each in (A, b)]
    taken = await post(google, INGEST, ingestion(audienceMembers=members, consent=GRANTED))
    google.forward(3600)
    assert (await told_by(google, taken))["requestStatus"] == "PARTIAL_SUCCESS"
    assert google.members.keys("7") == {b}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Authorization": "Bearer other"}, 401),
        ({"LinkedIn_Version": "202511"}, 426),
        ({"LinkedIn_Version": "1"}, 400),
        ({"X_Restli_Protocol_Version": "1.0.0"}, 400),
        ({"X_RestLi_Method": "CREATE"}, 400),
        ({}, 200),
    ],
)
async def test_linkedin_wants_all_its_headers(changed: dict[str, str], status: int) -> None:
    headers = {
        "LinkedIn_Version": "202607",
        "X_Restli_Protocol_Version": "2.0.0",
        "X_RestLi_Method": "BATCH_CREATE",
    }
    user = {"idType": "SHA256_EMAIL", "idValue": A}
    body = {"elements": [{"action": "ADD", "userIds": [user]}]}
    app = StandIn(LinkedInRules("t"))
    answer = await post(app, "http://ads/rest/dmpSegments/1/users", body, **(headers | changed))
    assert answer.status_code == status


async def test_controls_are_no_part_of_the_platform(meta: StandIn) -> None:
    answer = await client_of(meta).get("http://ads/__fake/secrets")
    assert answer.status_code == 404


REPLACE = META_USERS.replace("users", "usersreplace")


def portion(session: int, number: int, last: bool, *hashes: str) -> dict[str, Any]:
    told = {"session_id": session, "batch_seq": number, "last_batch_flag": last}
    return users(["EMAIL"], *([each] for each in hashes), session=told)


async def code(app: StandIn, url: str, body: Any) -> int | None:
    found = (await post(app, url, body)).json().get("error", {}).get("code")
    return int(found) if found else None


async def test_meta_replaces_a_list_with_the_last_portion_of_a_session(meta: StandIn) -> None:
    b, c = sha256("b@firma.dk"), sha256("c@firma.dk")
    await post(meta, META_USERS, users(["EMAIL"], [A]))
    assert await code(meta, REPLACE, portion(1, 1, False, b)) is None
    assert meta.members.keys("1") == {A}
    assert await code(meta, REPLACE, portion(1, 2, True, c)) is None
    assert meta.members.keys("1") == {b, c}


async def test_meta_takes_no_other_change_while_a_list_is_being_replaced(meta: StandIn) -> None:
    assert await code(meta, REPLACE, portion(1, 1, False, A)) is None
    assert await code(meta, REPLACE, portion(2, 1, True, A)) == 2650
    assert await code(meta, META_USERS, users(["EMAIL"], [A])) == 2650
    meta.forward(90 * 60)
    assert await code(meta, REPLACE, portion(1, 2, True, A)) == 2650
    assert await code(meta, META_USERS, users(["EMAIL"], [A])) is None


@pytest.mark.parametrize(
    "body", [users(["EMAIL"], [A]), portion(1, 1, True), portion(1, 2, True, A)]
)
async def test_meta_refuses_a_replacement_by_nobody_or_out_of_order(
    meta: StandIn, body: Any
) -> None:
    assert await code(meta, REPLACE, body) == 100
