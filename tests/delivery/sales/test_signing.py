import base64
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from nurture.delivery.sales.signing import ID, SIGNATURE, TIMESTAMP, key_of, sign, verify
from nurture.domain.errors import InputError
from tests.support.domain import NOW
from tests.support.sales import LATER, OTHER_SECRET, SECRET

BODY = '{"name":"Søren Ærø 🚀"}'.encode()

secrets = st.binary(min_size=24, max_size=64).map(
    lambda key: "whsec_" + base64.b64encode(key).decode()
)
ids = st.text(
    st.characters(codec="ascii", categories=("L", "N"), include_characters="_-"), min_size=1
)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def test_the_signature_is_the_one_that_the_specification_publishes() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers == {
        ID: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        TIMESTAMP: "1614265330",
        SIGNATURE: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_official_package_accepts_what_we_sign() -> None:
    now = datetime.now(UTC)
    headers = sign([SECRET], "msg_1", now, BODY)
    assert Webhook(SECRET).verify(BODY, headers) == json.loads(BODY)


def test_we_accept_what_the_official_package_signs() -> None:
    signature = Webhook(SECRET).sign("msg_1", NOW, BODY.decode())
    headers = {ID: "msg_1", TIMESTAMP: str(int(NOW.timestamp())), SIGNATURE: signature}
    assert verify([SECRET], headers, BODY, NOW) == "msg_1"


def test_the_receiver_that_the_manual_shows_accepts_us_and_refuses_a_forgery() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "sales.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", manual, re.DOTALL)
    receiver: dict[str, Any] = {}
    exec(shown, receiver)
    headers = sign([OTHER_SECRET, SECRET], "msg_1", datetime.now(UTC), BODY)
    assert receiver["verify"](SECRET, headers, BODY) == "msg_1"
    with pytest.raises(ValueError, match="not genuine"):
        receiver["verify"](SECRET, headers, BODY + b" ")


def test_the_zone_in_which_an_attempt_is_timed_changes_nothing() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=13)))
    assert sign([SECRET], "msg_1", elsewhere, BODY) == sign([SECRET], "msg_1", NOW, BODY)


@pytest.mark.parametrize("known", [SECRET, OTHER_SECRET])
def test_while_a_secret_is_rotated_a_receiver_with_either_is_satisfied(known: str) -> None:
    now = datetime.now(UTC)
    headers = sign([OTHER_SECRET, SECRET], "msg_1", now, BODY)
    assert verify([known], headers, BODY, now) == "msg_1"
    Webhook(known).verify(BODY, headers)


def test_a_receiver_with_two_secrets_accepts_a_sender_with_one() -> None:
    headers = sign([SECRET], "msg_1", NOW, BODY)
    assert verify([OTHER_SECRET, SECRET], headers, BODY, NOW) == "msg_1"


def test_a_call_signed_with_another_secret_is_refused() -> None:
    headers = sign([OTHER_SECRET], "msg_1", NOW, BODY)
    with pytest.raises(InputError, match="the signature does not match"):
        verify([SECRET], headers, BODY, NOW)


@pytest.mark.parametrize("clock", [NOW + LATER, NOW - LATER])
def test_a_replayed_call_is_refused(clock: datetime) -> None:
    headers = sign([SECRET], "msg_1", NOW, BODY)
    with pytest.raises(InputError, match="webhook-timestamp is more than 5 minutes away from now"):
        verify([SECRET], headers, BODY, clock)


@pytest.mark.parametrize("header", [ID, TIMESTAMP, SIGNATURE])
def test_a_call_without_one_of_the_headers_is_refused(header: str) -> None:
    headers = sign([SECRET], "msg_1", NOW, BODY)
    del headers[header]
    with pytest.raises(InputError, match=f"{header} is missing"):
        verify([SECRET], headers, BODY, NOW)


def test_a_time_that_is_none_is_refused() -> None:
    headers = {**sign([SECRET], "msg_1", NOW, BODY), TIMESTAMP: "noon"}
    with pytest.raises(InputError, match="webhook-timestamp is not a number of seconds"):
        verify([SECRET], headers, BODY, NOW)


def test_headers_are_found_in_any_case() -> None:
    headers = {name.title(): value for name, value in sign([SECRET], "msg_1", NOW, BODY).items()}
    assert verify([SECRET], headers, BODY, NOW) == "msg_1"


@pytest.mark.parametrize("id", ["", "a.b", "a b", "æ", "a\n"])
def test_an_id_that_would_make_the_signed_text_ambiguous_is_refused(id: str) -> None:
    with pytest.raises(InputError, match="a webhook id is plain ASCII without dots and blanks"):
        sign([SECRET], id, NOW, BODY)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_abc", "whsec_c2hvcnQ=", "MfKQ", "whsec_æ"])
def test_a_secret_that_is_too_short_or_damaged_is_refused_without_being_repeated(
    secret: str,
) -> None:
    with pytest.raises(InputError) as refusal:
        key_of(secret)
    assert secret in ("", "whsec_") or secret not in str(refusal.value)


@given(st.lists(secrets, min_size=1, max_size=3), ids, moments, st.binary())
def test_what_is_signed_is_verified_by_each_secret(
    keys: list[str], id: str, at: datetime, body: bytes
) -> None:
    headers = sign(keys, id, at, body)
    for key in keys:
        assert verify([key], headers, body, at) == id


@given(st.binary(), st.binary())
def test_another_body_under_the_same_signature_is_refused(body: bytes, other: bytes) -> None:
    headers = sign([SECRET], "msg_1", NOW, body)
    if other != body:
        with pytest.raises(InputError):
            verify([SECRET], headers, other, NOW)


@given(st.text(), st.text() | st.just(str(int(NOW.timestamp()))), st.text(), st.binary())
def test_whatever_a_stranger_sends_is_refused_and_nothing_else(
    id: str, timestamp: str, signature: str, body: bytes
) -> None:
    headers = {ID: id, TIMESTAMP: timestamp, SIGNATURE: signature}
    with pytest.raises(InputError):
        verify([SECRET], headers, body, NOW)
