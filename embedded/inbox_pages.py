"""The local inbox in the browser and as JSON."""

from dataclasses import asdict
from datetime import UTC, datetime
from math import ceil
from typing import Any

import aiosmtplib
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from embedded import bouncing
from embedded.mailbox import Mailbox, Summary, part, sent_from

_PER_PAGE = 50
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'"
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox;"
    " default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)


def application(mailbox: Mailbox, bounce_port: int = 0) -> Starlette:
    """`bounce_port`: where a mail's fate, chosen on its page, is reported by SMTP."""
    pages = _Pages(mailbox, bounce_port)
    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/mails/{id}", pages.mail),
            Route("/mails/{id}/html", pages.html),
            Route("/mails/{id}/raw", pages.raw),
            Route("/mails/{id}/report", pages.report, methods=["POST"]),
            Route("/api/mails", pages.api_list),
            Route("/api/mails/{id}", pages.api_mail),
        ]
    )


class _Pages:
    def __init__(self, mailbox: Mailbox, bounce_port: int) -> None:
        self._mailbox = mailbox
        self._bounce_port = bounce_port
        self._templates = Environment(
            loader=PackageLoader("embedded", "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def index(self, request: Request) -> Response:
        """Newest first; `q` looks in recipient and subject."""
        wanted = request.query_params.get("q", "").strip()
        found = [mail for mail in reversed(self._mailbox.list()) if _matches(mail, wanted)]
        pages = max(1, ceil(len(found) / _PER_PAGE))
        page = min(_number(request.query_params.get("page", "1")), pages)
        shown = found[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        total = len(self._mailbox.list())
        return self._page(
            "inbox.html",
            mails=shown,
            found=len(found),
            total=total,
            q=wanted,
            page=page,
            pages=pages,
        )

    async def mail(self, request: Request) -> Response:
        summary, message = self._find(request)
        return self._page(
            "mail.html",
            mail=summary,
            text=part(message, "plain"),
            headers=message.items(),
            reports=bouncing.KINDS if self._bounce_port else {},
            reported=bouncing.KINDS.get(request.query_params.get("reported", ""), ""),
        )

    async def report(self, request: Request) -> Response:
        """What the receiver's mail system says of it, sent back as that system would."""
        summary, _ = self._find(request)
        kind = str((await request.form()).get("kind", ""))
        if kind not in bouncing.KINDS or not self._bounce_port:
            raise HTTPException(400, f"kind must be one of {', '.join(bouncing.KINDS)}")
        raw = self._mailbox.raw(summary.id)
        to = sent_from(raw)
        told = bouncing.report(kind, summary, raw, to, datetime.now(UTC))
        try:
            async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self._bounce_port) as smtp:
                await smtp.sendmail("", [to], told)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise HTTPException(502, "the worker does not take bounces now") from error
        return RedirectResponse(f"/mails/{summary.id}?reported={kind}", 303)

    async def html(self, request: Request) -> Response:
        """The mail itself, without scripts, forms or anything from elsewhere; links open beside it."""
        body = part(self._find(request)[1], "html")
        headers = {"content-security-policy": _MAIL_POLICY, "referrer-policy": "no-referrer"}
        return HTMLResponse(f'<base target="_blank">{body}', headers=headers)

    async def raw(self, request: Request) -> Response:
        return Response(self._mailbox.raw(self._find(request)[0].id), media_type="text/plain")

    async def api_list(self, request: Request) -> Response:
        """`since`: the id of the last mail already known."""
        mails = self._mailbox.list(request.query_params.get("since", ""))
        return JSONResponse({"count": len(mails), "mails": [_json(mail) for mail in mails]})

    async def api_mail(self, request: Request) -> Response:
        summary, message = self._find(request)
        headers = [[name, str(value)] for name, value in message.items()]
        bodies = {"html": part(message, "html"), "text": part(message, "plain")}
        return JSONResponse({**_json(summary), "headers": headers, **bodies})

    def _find(self, request: Request) -> Any:
        found = self._mailbox.find(request.path_params["id"])
        if not found:
            raise HTTPException(404, "there is no such mail")
        return found

    def _page(self, name: str, **context: Any) -> Response:
        text = self._templates.get_template(name).render(**context)
        headers = {"content-security-policy": _POLICY, "cache-control": "no-store"}
        return HTMLResponse(text, headers=headers)


def _json(mail: Summary) -> dict[str, Any]:
    values = asdict(mail)
    return {"id": values.pop("id"), "from": values.pop("sender"), **values}


def _matches(mail: Summary, wanted: str) -> bool:
    return wanted.lower() in f"{mail.to}\n{mail.subject}".lower()


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdecimal() else 1
