"""The fields of a form as a browser or a program sends them, in one shape."""

from collections.abc import AsyncGenerator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from nurture.domain.errors import InputError
from nurture.web import payload
from nurture.web.errors import Refusal

LIMIT = 64 * 1024
MOST_FIELDS = 200


async def read(request: Request) -> dict[str, Any]:
    """Urlencoded, multipart (without files) or a JSON object. Raises Refusal for anything else."""
    data = await payload.read(request, LIMIT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _multipart(request, data)
    if is_json(request) or data[:1] == b"{":
        return _object(payload.clean(payload.parse(data)))
    try:
        pairs = parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Refusal(400, "bad_form", f"not a form: {error}") from error
    return _object(payload.clean(dict(pairs)))


def is_json(request: Request) -> bool:
    return "json" in request.headers.get("content-type", "").lower()


def text(fields: Mapping[str, Any], name: str, longest: int = 1000) -> str:
    """The field's text without blanks around it; "" when it is absent."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise InputError("must be a text or a number", name)
    found = str(value).strip()
    if len(found) > longest:
        raise InputError(f"longer than {longest} characters", name)
    return found


def ticked(fields: Mapping[str, Any], name: str) -> bool:
    """A checkbox is sent only when it is ticked; programs also say false."""
    return text(fields, name).lower() not in ("", "0", "false", "no", "off")


async def _multipart(request: Request, data: bytes) -> dict[str, Any]:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield data

    try:
        parser = MultiPartParser(request.headers, whole(), max_files=0, max_fields=MOST_FIELDS)
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise Refusal(400, "bad_form", f"not a form: {error}") from error
    pairs = {name: value for name, value in form.multi_items() if not isinstance(value, UploadFile)}
    return _object(payload.clean(pairs))


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(400, "bad_form", "the fields must be an object")
    return value
