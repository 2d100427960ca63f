"""The mail providers we listen to, as far as a setting lets each in."""

from collections.abc import Callable, Mapping, Sequence

import httpx
from pydantic import SecretStr

from nurture.delivery.feedback import brevo, postmark
from nurture.delivery.feedback.mailgun import Mailgun
from nurture.delivery.feedback.reading import Provider
from nurture.delivery.feedback.resend import Resend
from nurture.delivery.feedback.secrets import Unsigned
from nurture.delivery.feedback.sendgrid import SendGrid
from nurture.delivery.feedback.ses import Ses
from nurture.delivery.feedback.sns import Sns
from nurture.settings import PREFIX, Settings

_SETTINGS = {
    "postmark": "postmark_webhook_secret",
    "sendgrid": "sendgrid_webhook_key",
    "mailgun": "mailgun_webhook_key",
    "ses": "ses_topics",
    "resend": "resend_webhook_secret",
    "brevo": "brevo_webhook_secret",
}


def variable(provider: str) -> str:
    """The setting that lets the provider in."""
    return PREFIX + _SETTINGS[provider].upper()


def open_providers(settings: Settings, http: httpx.AsyncClient) -> Mapping[str, Provider | None]:
    """Each provider by the name in its address; None while its setting is empty. Several values separated
    by blanks are all accepted. Raises StartError for a key that cannot be used."""
    makers: Mapping[str, Callable[[Sequence[str]], Provider]] = {
        "postmark": lambda secrets: Unsigned(secrets, postmark.read),
        "sendgrid": SendGrid,
        "mailgun": Mailgun,
        "ses": lambda topics: Ses(Sns(http, topics)),
        "resend": Resend,
        "brevo": lambda secrets: Unsigned(secrets, brevo.read),
    }
    given = {name: _values(settings, _SETTINGS[name]) for name in makers}
    return {name: make(given[name]) if given[name] else None for name, make in makers.items()}


def _values(settings: Settings, setting: str) -> list[str]:
    value = getattr(settings, setting)
    return (value.get_secret_value() if isinstance(value, SecretStr) else str(value)).split()
