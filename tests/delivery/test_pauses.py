"""For how long a receiver that asks for it is left alone."""

import json
from datetime import timedelta

import httpx
import pytest

from nurture.delivery.ads.linkedin import LinkedInAudiences
from nurture.delivery.ads.meta import MetaAudiences
from nurture.delivery.ads.tokens import FixedToken
from nurture.delivery.pauses import retry_after
from nurture.domain.errors import Transient
from nurture.ports import AudienceSink
from tests.support.ads import crowd
from tests.support.domain import NOW

WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("0", timedelta()),
        (" 90 ", timedelta(seconds=90)),
        ("Wed, 04 Mar 2026 10:05:00 GMT", timedelta(minutes=5)),
        ("Wed, 04 Mar 2026 09:00:00 GMT", timedelta()),
        ("9" * 400, timedelta(days=7)),
        ("Fri, 31 Dec 2100 23:59:59 GMT", timedelta(days=7)),
        ("-5", None),
        ("soon", None),
        ("Mon, 04 Jan 2027 00:00:00 +" + "9" * 20, None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, wait: timedelta | None) -> None:
    assert retry_after(text, NOW) == wait


def busy(headers: dict[str, str]) -> httpx.AsyncClient:
    answer = httpx.Response(429, headers=headers, json={})
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer))


USAGE = json.dumps({"1000": [{"estimated_time_to_regain_access": 1e300}]})


@pytest.mark.parametrize(
    "sink",
    [
        LinkedInAudiences(
            busy({"retry-after": "99999999999999"}), "http://ads", "202607", FixedToken("t")
        ),
        MetaAudiences(busy({"x-business-use-case-usage": USAGE}), "http://ads", "v26.0", "t"),
    ],
    ids=["linkedin", "meta"],
)
async def test_an_ad_platform_that_asks_for_ages_is_left_alone_for_a_week(
    sink: AudienceSink,
) -> None:
    with pytest.raises(Transient) as failure:
        await sink.add("1", crowd(1))
    assert failure.value.retry_after == WEEK
