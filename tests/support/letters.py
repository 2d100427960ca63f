"""What every mail that leaves us must be, read by another library than the one that wrote it."""

from collections import Counter

from mailparser import parse_from_bytes

_ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version")


def lint(raw: bytes) -> None:
    """Fails for a mail that a mail box might not read as it was meant."""
    assert raw.isascii(), "a byte that is not ASCII"
    assert b"\n" not in raw.replace(b"\r\n", b""), "a line that ends without CR"
    assert all(len(line) <= 998 for line in raw.split(b"\r\n")), "a line too long for SMTP"
    parsed = parse_from_bytes(raw)
    assert not parsed.has_defects, parsed.defects
    names = Counter(name.lower() for name in parsed.message)
    assert all(names[name.lower()] == 1 for name in _ONCE), names
    assert len(parsed.to) == 1
    assert "@" in parsed.to[0][1]
    assert [part.get_content_type() for part in parsed.message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert parsed.text_plain
    assert parsed.text_html
    if leave := parsed.message.get("List-Unsubscribe"):
        assert leave.startswith("<https://")
        assert "=?" not in leave
        assert "\n" not in leave
        assert parsed.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for body in (*parsed.text_plain, *parsed.text_html):
        assert "{{" not in body
        assert "{%" not in body
        assert "<mj-" not in body
