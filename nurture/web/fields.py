"""The fields of a form as a browser or a program sends them, in one shape."""

from collections.abc import AsyncGenerator, Iterable, Mapping
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


class Repeated(tuple[Any, ...]):
    """What a form said under one name several times, as with boxes that share it."""


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
    return _by_name(pairs)


def is_json(request: Request) -> bool:
    return "json" in request.headers.get("content-type", "").lower()


def text(fields: Mapping[str, Any], name: str, longest: int = 1000) -> str:
    """The field's text without blanks around it; "" when it is absent. Of several the last: a box may follow a
    hidden field that says what it means when it is not ticked."""
    value = fields.get(name)
    if isinstance(value, Repeated):
        value = value[-1]
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise InputError("must be a text or a number", name)
    found = str(value).strip()
    if len(found) > longest:
        raise InputError(f"longer than {longest} characters", name)
    return found


def texts(fields: Mapping[str, Any], name: str, longest: int = 1000) -> list[str]:
    """All that was said under the name, but for what is empty: the boxes that are ticked, or a program's list."""
    value = fields.get(name)
    said = value if isinstance(value, list | Repeated) else [value]
    found = (text({name: each}, name, longest) for each in said)
    return [each for each in found if each]


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
    items = form.multi_items()
    return _by_name((name, value) for name, value in items if not isinstance(value, UploadFile))


def _by_name(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for name, value in payload.clean([list(pair) for pair in pairs]):
        found.setdefault(name, []).append(value)
    return {name: said[0] if len(said) == 1 else Repeated(said) for name, said in found.items()}


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(400, "bad_form", "the fields must be an object")
    return value
