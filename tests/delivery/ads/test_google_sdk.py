"""Google's own client against our stand-in, and what it sends beside what we send."""

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from embedded.ads.google import GoogleRules
from embedded.ads.platform import AdPlatform
from embedded.ads.standin import StandIn
from nurture.delivery.ads.google import GoogleAudiences
from nurture.delivery.ads.hashing import sha256
from nurture.delivery.ads.tokens import FixedToken
from tests.support.ads import SOREN, client_of

datamanager = pytest.importorskip("google.ads.datamanager_v1", reason="google-ads-datamanager")
rest = importlib.import_module(
    "google.ads.datamanager_v1.services.ingestion_service.transports.rest"
)
BadRequest = importlib.import_module("google.api_core.exceptions").BadRequest
RefreshError = importlib.import_module("google.auth.exceptions").RefreshError
Credentials = importlib.import_module("google.oauth2.credentials").Credentials

LIST = "777"
GRANTED = datamanager.ConsentStatus.CONSENT_GRANTED
CONSENT = datamanager.Consent(ad_user_data=GRANTED, ad_personalization=GRANTED)
TERMS = datamanager.TermsOfService(
    customer_match_terms_of_service_status=datamanager.TermsOfServiceStatus.ACCEPTED
)


@pytest.fixture
async def platform() -> AsyncIterator[AdPlatform]:
    platform = AdPlatform(0, "sdk-token")
    await platform.start()
    yield platform
    await platform.stop()


def client(platform: AdPlatform, token: str = "sdk-token") -> Any:
    transport = rest.IngestionServiceRestTransport(
        host=f"{platform.url}/google", credentials=Credentials(token=token)
    )
    return datamanager.IngestionServiceClient(transport=transport)


def destination() -> Any:
    account = datamanager.ProductAccount(
        account_type=datamanager.ProductAccount.AccountType.GOOGLE_ADS, account_id="1234567890"
    )
    return datamanager.Destination(operating_account=account, product_destination_id=LIST)


def member(*digests: str) -> Any:
    named = [datamanager.UserIdentifier(email_address=digest) for digest in digests]
    return datamanager.AudienceMember(
        user_data=datamanager.UserData(user_identifiers=named), consent=CONSENT
    )


def ingestion(*digests: str) -> Any:
    return datamanager.IngestAudienceMembersRequest(
        destinations=[destination()],
        audience_members=[member(digest) for digest in digests],
        encoding=datamanager.Encoding.HEX,
        terms_of_service=TERMS,
    )


async def test_the_sdk_adds_asks_and_removes(platform: AdPlatform) -> None:
    with client(platform) as sdk:
        one, two = sha256("one@firma.dk"), sha256("two@firma.dk")
        answer = await asyncio.to_thread(sdk.ingest_audience_members, ingestion(one, two))
        assert answer.request_id
        removal = datamanager.RemoveAudienceMembersRequest(
            destinations=[destination()],
            audience_members=[
                datamanager.AudienceMember(user_data=member(one).user_data),
            ],
            encoding=datamanager.Encoding.HEX,
        )
        answer = await asyncio.to_thread(sdk.remove_audience_members, removal)
        platform.google.forward(3600)
        asked = datamanager.RetrieveRequestStatusRequest(request_id=answer.request_id)
        told = await asyncio.to_thread(sdk.retrieve_request_status, asked)
    [each] = told.request_status_per_destination
    assert each.request_status == datamanager.RequestStatusPerDestination.RequestStatus.SUCCESS
    assert each.audience_members_removal_status.user_data_removal_status.record_count == 1
    assert platform.google.members.keys(LIST) == {two}
    assert platform.google.record.violations == []


async def test_one_bad_record_refuses_the_whole_request_of_the_sdk(platform: AdPlatform) -> None:
    with client(platform) as sdk, pytest.raises(BadRequest) as caught:
        await asyncio.to_thread(
            sdk.ingest_audience_members, ingestion(sha256("one@firma.dk"), "no hash")
        )
    assert caught.value.reason == "INVALID_HEX_ENCODING"
    assert platform.google.members.size(LIST) == 0


async def test_an_unknown_token_makes_the_sdk_ask_for_a_new_one(platform: AdPlatform) -> None:
    with client(platform, "other") as sdk, pytest.raises(RefreshError):
        await asyncio.to_thread(sdk.ingest_audience_members, ingestion(sha256("a@firma.dk")))


async def test_our_request_is_one_that_the_sdk_can_read() -> None:
    google = StandIn(GoogleRules("t"))
    sink = GoogleAudiences(client_of(google), "http://google", FixedToken("t"), "123-456-7890")
    await sink.add(LIST, [SOREN])
    await sink.remove(LIST, [SOREN])
    added, removed = (request["body"] for request in google.record.requests)
    read = datamanager.IngestAudienceMembersRequest.from_json(added)
    email, phone = read.audience_members[0].user_data.user_identifiers
    assert email.email_address == sha256("foobar@gmail.com")
    assert phone.phone_number == sha256("+4520123456")
    assert read.audience_members[0].consent == CONSENT
    assert read.terms_of_service == TERMS
    assert read.destinations == [destination()]
    datamanager.RemoveAudienceMembersRequest.from_json(removed)
    assert "addressInfo" not in json.loads(added)
