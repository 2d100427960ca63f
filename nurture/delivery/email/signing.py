"""DKIM (RFC 6376): a signature of ours over the mail, where whoever sends it makes none."""

import dkim

from nurture.domain.errors import StartError, Transient
from nurture.ports import Dkim

_SIGNED = (
    b"from",
    b"to",
    b"reply-to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-id",
    b"feedback-id",
    b"auto-submitted",
)
"""Mail boxes heed one-click unsubscribing only where both its headers are covered (RFC 8058, 4)."""


def signed(payload: bytes, how: Dkim, key: bytes) -> bytes:
    """The mail with a DKIM-Signature before it. `key` is a private RSA key as PEM. Raises Transient when it cannot
    be used, since an operator can mend that."""
    names = {
        line.partition(b":")[0].lower() for line in payload.partition(b"\r\n\r\n")[0].split(b"\r\n")
    }
    try:
        header: bytes = dkim.sign(
            payload,
            how.selector.encode(),
            how.domain.encode(),
            key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[name for name in _SIGNED if name in names],
        )
    except (dkim.KeyFormatError, dkim.ParameterError) as error:
        raise Transient("no_dkim_key", f"NURTURE_DKIM_KEY: {error}") from error
    return header + payload


def require(key: bytes) -> None:
    """Raises StartError, which does not repeat it, for a key that signs nothing."""
    try:
        signed(b"From: a@b.example\r\n\r\n", Dkim("b.example", "s"), key)
    except (Transient, ValueError) as error:  # ValueError: what looks like PEM and holds no base64
        raise StartError(
            "NURTURE_DKIM_KEY is no private RSA key in PEM without a password;"
            " give the key's file as it is by NURTURE_DKIM_KEY_FILE"
        ) from error
