"""Forms of the playbook: `POST /forms/{id}` from a plain HTML form or a script."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from nurture.domain.consent import ConsentRecord
from nurture.domain.errors import InputError
from nurture.domain.sources import FORM
from nurture.incoming import Incoming
from nurture.playbook import Form
from nurture.web import fields, i18n, pages, payload, traits
from nurture.web.access import open_to
from nurture.web.deps import Current
from nurture.web.errors import Refusal
from nurture.web.i18n import later
from nurture.web.ingest import Gated
from nurture.web.openapi import ANSWERS, refusals
from nurture.web.parts import parts

router = APIRouter(tags=["forms"], dependencies=[open_to("any website's visitor")])

COOKIE = "nurture_id"
"""The visitor's own id, set by /n.js after consent."""

_LONGEST_ANONYMOUS = 100
_MINUTE = timedelta(minutes=1)


@router.post(
    "/forms/{form_id}",
    openapi_extra=ANSWERS,
    responses=refusals(400, 404, 413, 429),
    response_model=None,
    summary="A form that was filled in",
)
async def submit(form_id: str, request: Request, deps: Current, gate: Gated) -> Response:
    """Fields are those that the playbook declares, `anonymous_id` for the visitor. A script gets JSON,
    a browser the form's redirect or a page that says thanks."""
    playbook = await deps.playbook()
    form = playbook.forms.get(form_id)
    if form is None:
        raise Refusal(404, "unknown_form", f"there is no form {form_id!r}")
    now = deps.now()
    gate.limiter.check(f"{FORM}{form.id}", now)
    answers = await fields.read(request)
    if form.honeypot and fields.text(answers, form.honeypot):
        # A robot must not learn that it was seen; a person whose browser filled it in can be rescued by
        # hand: `nurture quarantine retry ID`.
        caught = json.dumps(answers), "the honeypot field was filled in"
        await deps.intake.refuse(f"{FORM}{form.id}", [caught], now)
    else:
        visitor = payload.clean(request.cookies.get(COOKIE, ""))
        page = payload.clean(parts(request.headers.get("referer", "")).path)
        before, messages = (
            read(form, playbook.traits, answers, visitor, page, at) for at in (now - _MINUTE, now)
        )
        # A second click on the button, on the other side of a minute of the clock.
        if not await deps.intake.came(f"{FORM}{form.id}", before[0].message_id, now - _MINUTE):
            await deps.intake.take(f"{FORM}{form.id}", messages, now)
    return _thanks(request, form)


def read(
    form: Form,
    kinds: Mapping[str, str],
    answers: Mapping[str, Any],
    visitor: str,
    page: str,
    now: datetime,
) -> list[Incoming]:
    """What the answers say, and separately whose browser it was; `kinds` are those of the traits. Pure.

    The browser is told as an untrusted word: on a shared one the next person to fill in the form must
    not be taken for the last.
    """
    known: dict[str, Any] = {
        trait: (fields.texts if kinds.get(trait) == "list" else fields.text)(answers, name)
        for name, trait in form.fields.items()
    }
    email = traits.normalised(known.pop("email", ""), _field_of(form, "email"))
    anonymous = fields.text(answers, "anonymous_id", _LONGEST_ANONYMOUS)
    anonymous = anonymous or visitor[:_LONGEST_ANONYMOUS]
    if not (email or anonymous):
        raise InputError("is needed", _field_of(form, "email"))
    message_id = fields.text(answers, "message_id", 100) or _same_within_a_minute(
        form, email or anonymous, answers, now
    )
    said = _consents(form, answers, now)
    told = Incoming(
        message_id=message_id,
        at=now,
        anonymous_id=None if email else anonymous,
        email=email,
        touch="form_submitted",
        properties={"form": form.id, **({"page": page} if page else {})},
        traits={trait: value for trait, value in known.items() if value},
        consents=() if form.double_opt_in else said,
        requests=said if form.double_opt_in and email else (),
        trusted=bool(email),
    )
    if not (email and anonymous):
        return [told]
    return [told, Incoming(f"{message_id}/visitor", now, anonymous_id=anonymous, email=email)]


def _consents(form: Form, answers: Mapping[str, Any], now: datetime) -> tuple[ConsentRecord, ...]:
    """A ticked box grants. An empty one says nothing: it does not take back what was said elsewhere."""
    return tuple(
        ConsentRecord(purpose, True, now, f"{FORM}{form.id}", form.wording[box])
        for box, purpose in form.consent.items()
        if fields.ticked(answers, box)
    )


def _same_within_a_minute(form: Form, who: str, answers: Mapping[str, Any], now: datetime) -> str:
    """A second click on the button sends the same answers of the same person again; that is one submission."""
    said = json.dumps([who, answers], sort_keys=True)
    return sha256(f"{form.id}/{now:%Y-%m-%dT%H:%M}/{said}".encode()).hexdigest()


def _field_of(form: Form, trait: str) -> str:
    return next((name for name, told in form.fields.items() if told == trait), trait)


def _thanks(request: Request, form: Form) -> Response:
    asks_for_json = "application/json" in request.headers.get("accept", "")
    if fields.is_json(request) or asks_for_json:
        return JSONResponse({"success": True})
    if form.redirect:
        return RedirectResponse(form.redirect, 303)
    words = i18n.of(request)
    text = later("We have received your answers.")
    if form.double_opt_in:
        text = later("Please look into your mailbox: a consent counts once you confirm it there.")
    return pages.render(
        "message.html", words=words, title=words.gettext("Thank you"), text=words.gettext(text)
    )
