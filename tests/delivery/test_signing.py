"""A signature of ours holds, and covers the ways to leave."""

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from mailparser import parse_from_bytes

from nurture.delivery.email.smtp import SmtpMailer
from nurture.domain.errors import Transient
from nurture.ports import Dkim
from tests.support.mail import HOST, Post, mail, render, templates

HOW = Dkim("x-education.example", "s1")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
)


def _record(name: bytes, timeout: int = 5) -> bytes:
    """What the domain name system would say."""
    assert name == b"s1._domainkey.x-education.example."
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])


async def _sent(key: bytes, **changes: object) -> bytes:
    async with Post() as post:
        mailer = SmtpMailer(HOST, post.port, dkim_key=key)
        await mailer.send(mail(**changes))
        await mailer.close()
    content = post.received[0].content
    assert isinstance(content, bytes)
    return content


def _rendered_headers() -> dict[str, str]:
    found = render(templates('<a href="{{ unsubscribe_url }}">Leave</a>'))
    return dict(found.headers)


async def test_the_signature_holds_and_covers_both_headers_to_leave_by() -> None:
    raw = await _sent(PEM, dkim=HOW, headers=_rendered_headers())
    assert dkim.verify(raw, dnsfunc=_record)
    signature = parse_from_bytes(raw).message["DKIM-Signature"].replace("\r\n ", "")
    covered = {name.strip() for name in signature.partition(" h=")[2].partition(";")[0].split(":")}
    assert {"list-unsubscribe", "list-unsubscribe-post", "from", "subject", "date"} <= covered


async def test_a_changed_way_to_leave_breaks_the_signature() -> None:
    raw = await _sent(PEM, dkim=HOW, headers=_rendered_headers())
    changed = raw.replace(b"List-Unsubscribe: <https://t.", b"List-Unsubscribe: <https://evil.")
    assert changed != raw
    assert not dkim.verify(changed, dnsfunc=_record)


async def test_without_being_asked_nothing_is_signed() -> None:
    assert b"DKIM-Signature" not in await _sent(PEM)


@pytest.mark.parametrize("key", [b"", b"no key"])
async def test_a_key_that_cannot_be_used_is_for_an_operator(key: bytes) -> None:
    with pytest.raises(Transient, match="NURTURE_DKIM_KEY"):
        await _sent(key, dkim=HOW)
