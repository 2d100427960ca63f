"""What mail providers report: one address for each, opened by its own signature or secret."""

from fastapi import APIRouter, Request

from nurture.delivery.feedback.providers import variable
from nurture.delivery.feedback.reading import Forged
from nurture.domain.errors import InputError, Transient
from nurture.domain.sources import PROVIDER
from nurture.web import payload
from nurture.web.access import open_to
from nurture.web.deps import Current
from nurture.web.errors import Refusal
from nurture.web.openapi import FEEDBACK, refusals

router = APIRouter(
    prefix="/webhooks",
    tags=["mail"],
    dependencies=[open_to("a mail provider that signs, or knows the secret")],
)

LIMIT = 2 * 1024 * 1024
"""SendGrid sends many events at once, in calls of at most 768 KB."""


@router.post(
    "/{provider}",
    summary="What became of mails, from the provider that sent them",
    openapi_extra=FEEDBACK,
    responses=refusals(400, 401, 403, 404, 413, 503),
)
async def hear(provider: str, request: Request, deps: Current) -> dict[str, int]:
    """Postmark, SendGrid, Mailgun, Amazon SES through SNS, Resend and Brevo, each signed as it signs. What was
    heard before changes nothing; what is genuine and cannot be read is kept in quarantine."""
    if provider not in deps.providers:
        raise Refusal(404, "unknown_provider", f"known are {', '.join(sorted(deps.providers))}")
    known = deps.providers[provider]
    if known is None:
        raise Refusal(403, "no_secret", f"closed until the server has a {variable(provider)}")
    body = await payload.read(request, LIMIT, 413)
    try:
        events = await known.hear(request.headers, body, deps.now())
    except Forged as error:
        raise Refusal(401, "bad_signature", str(error)) from error
    except Transient as error:
        raise Refusal(503, "try_again", str(error), {"retry-after": "60"}) from error
    except InputError as error:
        raw = body.decode(errors="replace").replace("\x00", "\ufffd")
        await deps.intake.refuse(f"{PROVIDER}{provider}", [(raw, str(error))], deps.now())
        raise
    heard = await deps.feedback.take(provider, events, deps.now())
    return {
        "taken": heard.taken,
        "duplicates": heard.duplicates,
        "unmatched": heard.unmatched,
    }
