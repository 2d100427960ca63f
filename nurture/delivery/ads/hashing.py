"""What ad platforms are told about a person: normal forms, and SHA-256 of their UTF-8 in lower-case hex.

Each platform has its own normal form, and a hash of the wrong one matches nobody without any error.
Every function here answers "" for what cannot be used, and leaves alone what already is a SHA-256.

Sources: Meta, Marketing API, customer file custom audiences; Google, Data Manager API, format user
data; LinkedIn, Marketing API, DMP segments.
"""

import hashlib
import re
import unicodedata

import phonenumbers

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_GMAIL = ("gmail.com", "googlemail.com")
_ISO_3166 = """
    ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt
    bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh
    er es et fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht
    hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls
    lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni
    nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg
    sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug
    um us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
"""
COUNTRIES = frozenset(_ISO_3166.split())


def sha256(normal: str) -> str:
    """The hash of a normal form. The hash of "" looks valid and matches nobody, so "" stays ""."""
    if not normal:
        return ""
    if _DIGEST.fullmatch(normal):
        return normal.lower()
    return hashlib.sha256(normal.encode()).hexdigest()


def meta_email(value: str | None) -> str:
    """Trimmed and lower-case; dots and +tags stay."""
    return _address("".join(_clean(value)).strip())


def linkedin_email(value: str | None) -> str:
    """Lower-case without any white space; dots and +tags stay."""
    return _address("".join(_clean(value).split()))


def google_email(value: str | None) -> str:
    """Lower-case without any white space; in Gmail's two domains also without dots and +tag."""
    address = linkedin_email(value)
    local, at, domain = address.rpartition("@")
    if domain in _GMAIL:
        local = local.split("+", 1)[0].replace(".", "")
    return f"{local}{at}{domain}" if local or not at else ""


def google_phone(value: str | None, region: str = "") -> str:
    """E.164 with plus. `region` (ISO 3166-1 alpha-2) is where a number without country code is dialled."""
    text = _clean(value)
    if _DIGEST.fullmatch(text):
        return text
    try:
        number = phonenumbers.parse(text, region.upper() or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def meta_phone(value: str | None, region: str = "") -> str:
    """Digits with country code, without plus."""
    return google_phone(value, region).removeprefix("+")


def meta_name(value: str | None) -> str:
    """Lower-case without punctuation. Letters such as ø stay: Meta's own SDK drops them, against its rule."""
    kept = (sign for sign in _clean(value) if unicodedata.category(sign)[0] not in "PSC")
    # what a sign stood between may combine once it is gone
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def country(value: str | None) -> str:
    """ISO 3166-1 alpha-2 in lower case; a country's name is no code and gives ""."""
    text = _clean(value)
    return text if text in COUNTRIES or _DIGEST.fullmatch(text) else ""


def _clean(value: str | None) -> str:
    return unicodedata.normalize("NFC", value or "").strip().lower()


def _address(text: str) -> str:
    return text if "@" in text or _DIGEST.fullmatch(text) else ""
