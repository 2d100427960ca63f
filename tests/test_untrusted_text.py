"""Whatever a stranger sends to a reader of ours, it is understood or refused in words; nothing else happens."""

import string
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import csv_rows
from nurture.delivery.sales import http, signing
from nurture.domain.errors import InputError
from nurture.tokens import HANDOVER, Tokens
from nurture.web import sources

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKENS = Tokens(["a key that is long enough to sign"])
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WORDS = st.text(string.printable + "æøå\x00\u2028", max_size=60)


@given(st.text(max_size=200))
def test_no_text_is_a_token_that_we_did_not_sign(text: str) -> None:
    try:
        TOKENS.read(HANDOVER, text)
    except InputError:
        return
    raise AssertionError(text)


@given(st.data())
def test_a_token_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    token = TOKENS.sign(HANDOVER, "h1")
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_.=/ "))
    changed = token[:place] + other + token[place + 1 :]
    try:
        read = TOKENS.read(HANDOVER, changed)
    except InputError:
        return
    # Base64's last character has bits that say nothing, and a slash is its underscore.
    assert read == "h1"
    assert changed.replace("/", "_") == token or place in (token.index(".") - 1, len(token) - 1)


def test_a_link_outlives_the_key_that_signed_it_as_long_as_that_is_kept() -> None:
    token = TOKENS.sign(HANDOVER, "h1")
    old, new = "a key that is long enough to sign", "the key that comes after it, as long"
    assert Tokens([old, new]).read(HANDOVER, token) == "h1"
    assert Tokens([new]).read(HANDOVER, Tokens([old, new]).sign(HANDOVER, "h2")) == "h2"
    with pytest.raises(InputError):
        Tokens([new]).read(HANDOVER, token)


@given(st.binary(max_size=400) | st.lists(WORDS).map(lambda rows: "\n".join(rows).encode()))
def test_any_file_is_read_as_rows_or_refused_with_a_reason(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        path.write_bytes(content)
        try:
            columns, rows = csv_rows.read(path)
        except InputError:
            return
        for row in rows:
            if isinstance(row, csv_rows.Row):
                assert set(row.values) <= set(columns)
            else:
                assert row.reason


@given(st.dictionaries(st.sampled_from([signing.ID, signing.TIMESTAMP, signing.SIGNATURE]), WORDS))
def test_no_headers_pass_as_a_signature(headers: dict[str, str]) -> None:
    try:
        signing.verify([SECRET], headers, b"{}", NOW)
    except InputError:
        return
    raise AssertionError(headers)


@given(WORDS)
def test_credentials_are_read_or_empty(text: str) -> None:
    user, password = sources.basic(text)
    assert isinstance(user, str)
    assert isinstance(password, str)


@given(WORDS)
def test_a_time_to_wait_is_never_negative(text: str) -> None:
    wait = http.retry_after(text, NOW)
    assert wait is None or wait.total_seconds() >= 0
