"""The vectors that the platforms publish, and where their rules differ."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.delivery.ads import hashing
from nurture.delivery.ads.hashing import sha256

PUBLISHED = [
    ("john_smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"),
    ("16505551212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
    ("mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
    ("valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
    ("19970216", "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c"),
    ("søren", "6bea0147015afcbe7867cb289b53dd76f818718c50a1cd60f22ac7a2044708fb"),
    ("dk", "867b4bf4357a7c0e415ffd537f61ea8785dd47113104000b534a130c98a42ce8"),
    ("4520123456", "809e578a04be0a60b067bca32ec60a7ad31536541196e2e600afa908b0fb8936"),
    ("+4520123456", "be1c4e017f32a6ada65f06b76b4237927cec49433c4dc04c83d4a4313a06b6ef"),
    ("foo.bar+x@gmail.com", "0743dd7d2eca97da75fd429b871c3b44c4a9677d65dae167da27b8e365ba360e"),
    ("foobar@gmail.com", "ec3fe428cd3e33246cc5b36bbc373b06f77edbdde90b5f8fc998e99857ec20c2"),
    ("soren@firma.dk", "9351ac21ba6358e2e243ee772dab300d810684098fe2e072000cf77ea98bf30b"),
]


@pytest.mark.parametrize(("normal", "digest"), PUBLISHED)
def test_a_normal_form_has_its_published_hash(normal: str, digest: str) -> None:
    assert sha256(normal) == digest


def test_nothing_is_never_hashed() -> None:
    assert sha256("") == ""


def test_a_hash_is_not_hashed_again() -> None:
    digest = sha256("soren@firma.dk")
    for normalise in (hashing.meta_email, hashing.google_email, hashing.linkedin_email):
        assert sha256(normalise(digest.upper())) == digest
    for normalise in (hashing.meta_phone, hashing.google_phone):
        assert sha256(normalise(digest)) == digest
    assert sha256(hashing.meta_name(digest)) == digest
    assert sha256(hashing.country(digest)) == digest


def test_each_platform_has_its_own_form_of_one_gmail_address() -> None:
    typed = " Foo.Bar+x@Gmail.COM "
    assert hashing.meta_email(typed) == "foo.bar+x@gmail.com"
    assert hashing.linkedin_email(typed) == "foo.bar+x@gmail.com"
    assert hashing.google_email(typed) == "foobar@gmail.com"


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("a.b.c+tag@googlemail.com", "abc@googlemail.com"),
        ("a.b+tag@firma.dk", "a.b+tag@firma.dk"),
        ("So ren@fir ma.dk", "soren@firma.dk"),
        ("+tag@gmail.com", ""),
        ("no address", ""),
        (None, ""),
    ],
)
def test_google_drops_dots_and_tags_at_gmail_only(typed: str | None, normal: str) -> None:
    assert hashing.google_email(typed) == normal


@pytest.mark.parametrize(
    ("typed", "region", "normal"),
    [
        ("20 12 34 56", "DK", "+4520123456"),
        ("0045 20123456", "dk", "+4520123456"),
        ("+45 20-12-34-56", "", "+4520123456"),
        ("(650) 555-1212", "US", "+16505551212"),
        ("20 12 34 56", "", ""),
        ("12 34 56 78", "DK", ""),
        ("call me", "DK", ""),
        (None, "DK", ""),
    ],
)
def test_phones_have_a_plus_for_google_and_none_for_meta(
    typed: str | None, region: str, normal: str
) -> None:
    assert hashing.google_phone(typed, region) == normal
    assert hashing.meta_phone(typed, region) == normal.removeprefix("+")


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        (" Søren ", "søren"),
        (unicodedata.normalize("NFD", "Åse Ærø"), "åse ærø"),
        ("O'Connor-Smith Jr.", "oconnorsmith jr"),
        ("-", ""),
    ],
)
def test_names_keep_their_letters_and_lose_punctuation(typed: str, normal: str) -> None:
    assert hashing.meta_name(typed) == normal


def test_only_a_country_code_is_a_country() -> None:
    assert hashing.country(" DK") == "dk"
    assert hashing.country("Denmark") == ""
    assert hashing.country("xx") == ""
    assert len(hashing.COUNTRIES) == 249


@given(st.text() | st.emails())
def test_normalising_twice_changes_nothing(text: str) -> None:
    for normalise in (
        hashing.meta_email,
        hashing.google_email,
        hashing.linkedin_email,
        hashing.meta_name,
        hashing.country,
    ):
        assert normalise(normalise(text)) == normalise(text)
