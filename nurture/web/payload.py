"""Bodies of requests: read within a limit, unpacked, parsed as JSON whatever the content type says."""

import json
import re
import zlib
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from fastapi import Request
from pydantic_core import PydanticSerializationError, from_json, to_json

from nurture.domain.errors import InputError
from nurture.web.errors import Refusal

DEEPEST = 32
"""Levels of nesting a message may have."""

_DRAINED = 32 * 1024 * 1024
"""What is read and thrown away of a body that is too large, so that the client gets to our answer."""

_LARGEST = 2**63
"""Beyond this no database column keeps a whole number, and no figure means anything."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NUL, _HALF = b"\\u0000", b"\xed"
"""What stands in packed JSON wherever something unstorable does, and hardly ever else."""

_ESCAPE = _NUL[:1]
"""Most messages have none, and one byte is found much faster than six."""


async def read(request: Request, limit: int, too_large: int = HTTPStatus.BAD_REQUEST) -> bytes:
    """The body, un-gzipped, at most `limit` bytes before and after. Raises Refusal otherwise."""
    kept, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit:
            kept += chunk
        elif size > _DRAINED:
            break
    if size > limit:
        raise _too_large(limit, too_large)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return bytes(kept)
    if encoding != "gzip":
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "bad_encoding",
            f"Content-Encoding {encoding!r}: use gzip or none",
        )
    return _gunzip(bytes(kept), limit, too_large)


def parse(data: bytes) -> Any:
    """The JSON value. Raises Refusal that says where it stops being JSON.

    Nearly all of it is read by a fast parser. What that one does not like the slow one may still take (half
    characters, a byte order mark), or says better why not.
    """
    with suppress(ValueError):
        return from_json(data, allow_inf_nan=False, cache_strings="keys")
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError as error:
        raise _bad_json("nested too deeply") from error
    except UnicodeDecodeError as error:
        raise _bad_json(f"byte {error.start} is not UTF-8") from error
    except ValueError as error:
        raise _bad_json(str(error)) from error


def packed(value: Any) -> bytes:
    """The value as compact JSON. Raises InputError when it is nested too deeply to be written."""
    try:
        return to_json(value)
    except PydanticSerializationError:  # half characters, which UTF-8 has no bytes for
        return _spelled(value)


def clean(value: Any) -> Any:
    """The value as every database can keep it. Raises InputError for what has no harmless form."""
    value = legible(value, packed(value))
    bound(value)
    return value


def legible(value: Any, text: bytes) -> Any:
    """The value, NUL and half characters in it become U+FFFD. `text`: the value `packed`."""
    odd = _HALF in text or (_ESCAPE in text and _NUL in text)
    return _cleaned(value) if odd else value


def bound(value: Any, place: str = "") -> None:
    """Raises InputError for deep nesting, and for numbers beyond any column."""
    if not _tame([value], DEEPEST):
        _cleaned(value, place)


def _spelled(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError as error:
        raise _too_deep("") from error
    return text.encode("utf-8", "surrogatepass")


def _tame(value: Any, levels: int) -> bool:
    """Whether nesting and numbers are within bounds. Most messages are, and then nothing is copied."""
    for item in value.values() if type(value) is dict else value:
        kind = type(item)
        if kind is str or kind is bool or item is None:
            continue
        if kind is dict or kind is list:
            if levels == 0 or not _tame(item, levels - 1):
                return False
        elif not _LARGEST > item > -_LARGEST:
            return False
    return True


def _cleaned(value: Any, place: str = "", depth: int = 0) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        if not _LARGEST > value > -_LARGEST:
            raise InputError("a number too large to keep", place)
        return value
    if depth >= DEEPEST:
        raise _too_deep(place)
    if isinstance(value, list):
        return [_cleaned(item, f"{place}[{n}]", depth + 1) for n, item in enumerate(value)]
    return {
        _cleaned(key): _cleaned(item, f"{place}.{key}" if place else key, depth + 1)
        for key, item in value.items()
    }


def _too_deep(place: str) -> InputError:
    return InputError(f"nested deeper than {DEEPEST} levels", place)


def _gunzip(data: bytes, limit: int, too_large: int) -> bytes:
    """Unpacks no more than `limit` + 1 bytes, so that a small bomb stays small."""
    unpacked, left = bytearray(), data
    while left:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            unpacked += unpacker.decompress(left, limit + 1 - len(unpacked))
        except zlib.error as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, "bad_gzip", f"not gzip: {error}") from error
        if len(unpacked) > limit:
            raise _too_large(limit, too_large)
        if not unpacker.eof:
            raise Refusal(HTTPStatus.BAD_REQUEST, "bad_gzip", "the gzip data ends too early")
        left = unpacker.unused_data
    return bytes(unpacked)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _too_large(limit: int, status: int) -> Refusal:
    return Refusal(status, "too_large", f"the body is larger than {limit // 1024} KB")


def _bad_json(reason: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "bad_json", f"the body is not JSON: {reason}")
