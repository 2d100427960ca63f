"""Bodies of requests: read within a limit, unpacked, parsed as JSON whatever the content type says."""

import json
import re
import zlib
from http import HTTPStatus
from typing import Any

from fastapi import Request

from nurture.domain.errors import InputError
from nurture.web.errors import Refusal

DEEPEST = 32
"""Levels of nesting a message may have."""

_DRAINED = 32 * 1024 * 1024
"""What is read and thrown away of a body that is too large, so that the client gets to our answer."""

_LARGEST = 2**63
"""Beyond this no database column keeps a whole number, and no figure means anything."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


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
    """The JSON value. Raises Refusal that says where it stops being JSON."""
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError as error:
        raise _bad_json("nested too deeply") from error
    except UnicodeDecodeError as error:
        raise _bad_json(f"byte {error.start} is not UTF-8") from error
    except ValueError as error:
        raise _bad_json(str(error)) from error


def clean(value: Any, place: str = "", depth: int = 0) -> Any:
    """The value as every database can keep it: NUL and half characters become U+FFFD.

    Raises InputError for what has no harmless form: deep nesting, numbers beyond any column.
    """
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        if not _LARGEST > value > -_LARGEST:
            raise InputError("a number too large to keep", place)
        return value
    if depth >= DEEPEST:
        raise InputError(f"nested deeper than {DEEPEST} levels", place)
    if isinstance(value, list):
        return [clean(item, f"{place}[{n}]", depth + 1) for n, item in enumerate(value)]
    return {
        clean(key): clean(item, f"{place}.{key}" if place else key, depth + 1)
        for key, item in value.items()
    }


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
