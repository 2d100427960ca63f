"""Errors as answers: the one table from what went wrong to a status and a body {"code", "message"}."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from nurture.domain.errors import InputError, Transient
from nurture.web import cors, i18n, pages, sentences
from nurture.web.i18n import later

JSON_ONLY = ("/v1/", "/beacon/", "/api/", "/metrics")
"""What programs call: errors are JSON, and nobody is led to a sign-in page."""

_SOON = "5"
"""Seconds: a Retry-After for what passes by itself."""

log = structlog.get_logger()


class Refusal(InputError):
    """An InputError that knows its HTTP status. `code` is a stable word for programs."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


def install(app: FastAPI, https: bool = False) -> None:
    """`https`: the public address is one."""
    app.add_exception_handler(InputError, _input_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Transient, _away)
    app.add_exception_handler(HTTPStatus.INTERNAL_SERVER_ERROR, partial(_unexpected, https))


def answer(
    request: Request,
    status: int,
    code: str,
    message: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The error as a page for a person at a browser, as JSON for everybody else."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if wants_page and not request.url.path.startswith(JSON_ONLY):
        words = i18n.of(request)
        title, text = words.gettext(_title(status)), _sentence(sentences.told(words, message))
        colleague = getattr(request.state, "colleague", False)
        response: Response = pages.render(
            "message.html", status, words, title=title, text=text, colleague=colleague
        )
        response.headers.update(headers or {})
        return response
    return JSONResponse({"code": code, "message": message}, status, headers=dict(headers or {}))


def _input_error(request: Request, error: Exception) -> Response:
    if isinstance(error, Refusal):
        if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            _tell(request, str(error))
        return answer(request, error.status, error.code, str(error), error.headers)
    return answer(request, HTTPStatus.BAD_REQUEST, "invalid", str(error))


def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_")
    return answer(request, error.status_code, code, str(error.detail), error.headers)


def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()]
    return answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "; ".join(found))


def _gone(request: Request, error: Exception) -> Response:
    """The client hung up in the middle of its body; nobody reads this answer."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def _away(request: Request, error: Exception) -> Response:
    """The database or another part is away for a while. Nothing was taken: who sent it sends it again."""
    _tell(request, str(error))
    headers = {"retry-after": _SOON, **cors.headers(request.url.path)}
    return answer(request, HTTPStatus.SERVICE_UNAVAILABLE, "away", "please try again soon", headers)


def _tell(request: Request, error: str) -> None:
    """Who asked only hears that it passes; an operator wants to know what. The address may hold a token: its route."""
    route = getattr(request.scope.get("route"), "path", "")
    log.warning("request_put_off", route=route, error=error)


def _unexpected(https: bool, request: Request, error: Exception) -> Response:
    """A fault of ours. It is made outside the middleware that puts the headers on all others (see cors)."""
    response = answer(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "something failed here; please try again",
    )
    response.headers.update(cors.safety(https) | cors.headers(request.url.path))
    return response


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _title(status: int) -> str:
    match status:
        case HTTPStatus.NOT_FOUND:
            return later("Nothing here")
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return later("Not without a key")
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            return later("Our fault")
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return later("One moment")
        case _:
            return later("That did not work")
