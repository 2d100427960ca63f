"""The ad accounts that the settings name: one AudienceSink for each platform that is configured."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from nurture.delivery.ads.google import GoogleAudiences
from nurture.delivery.ads.linkedin import LinkedInAudiences
from nurture.delivery.ads.meta import MetaAudiences
from nurture.delivery.ads.tokens import (
    FixedToken,
    TokenSource,
    google_service_account,
    linkedin_refresh,
)
from nurture.delivery.ads.webhook import WebhookAudiences
from nurture.delivery.sales.signing import require
from nurture.domain.audience import Audience
from nurture.domain.errors import StartError
from nurture.ports import AudienceSink
from nurture.settings import Settings, as_token

_NO_KEY = "NURTURE_GOOGLE_KEY: its private_key is no RSA key in PEM; use the service account's key file as it is"

Now = Callable[[], datetime]
_Builder = Callable[[Settings, httpx.AsyncClient, Now], AudienceSink | None]

NEEDS: Mapping[str, str] = {
    "meta": "NURTURE_META_TOKEN",
    "google": "NURTURE_GOOGLE_ACCOUNT and NURTURE_GOOGLE_KEY",
    "linkedin": "NURTURE_LINKEDIN_REFRESH_TOKEN, NURTURE_LINKEDIN_CLIENT_ID and NURTURE_LINKEDIN_CLIENT_SECRET",
    "webhook": "NURTURE_AUDIENCE_URL and NURTURE_AUDIENCE_SECRET",
}
"""What has to be set for each platform."""


def open_accounts(settings: Settings, http: httpx.AsyncClient, now: Now) -> dict[str, AudienceSink]:
    """By platform name; a platform that is not configured is left out. Raises StartError for a bad secret."""
    built = {name: build(settings, http, now) for name, build in _BUILDERS.items()}
    return {name: sink for name, sink in built.items() if sink is not None}


def lacking(audiences: Iterable[Audience], platforms: Iterable[str]) -> list[str]:
    """A sentence for each audience whose platform is not among `platforms`."""
    known = set(platforms)
    return [
        f"the audience {audience.id} is on {audience.platform}, which is not configured;"
        f" set {NEEDS[audience.platform]}"
        for audience in audiences
        if audience.platform not in known
    ]


def _meta(settings: Settings, http: httpx.AsyncClient, now: Now) -> AudienceSink | None:
    token = as_token("NURTURE_META_TOKEN", _text(settings.meta_token))
    if not token:
        return None
    return MetaAudiences(
        http,
        settings.meta_url,
        settings.meta_version,
        token,
        app_secret=_text(settings.meta_app_secret),
        region=settings.ads_region,
    )


def _google(settings: Settings, http: httpx.AsyncClient, now: Now) -> AudienceSink | None:
    key = _text(settings.google_key)
    fixed = as_token("NURTURE_GOOGLE_TOKEN", _text(settings.google_token))
    if not settings.google_account or not (key or fixed):
        return None
    tokens: TokenSource = FixedToken(fixed)
    if key:
        tokens = google_service_account(http, _key_file(key), now)
    return GoogleAudiences(
        http,
        settings.google_url,
        tokens,
        settings.google_account,
        login_account=settings.google_login_account,
        project=settings.google_project,
        region=settings.ads_region,
    )


def _linkedin(settings: Settings, http: httpx.AsyncClient, now: Now) -> AudienceSink | None:
    refresh, secret = _text(settings.linkedin_refresh_token), _text(settings.linkedin_client_secret)
    client = settings.linkedin_client_id
    fixed = as_token("NURTURE_LINKEDIN_TOKEN", _text(settings.linkedin_token))
    renews = refresh and secret and client
    if not (renews or fixed):
        return None
    tokens: TokenSource = FixedToken(fixed)
    if renews:
        url = settings.linkedin_token_url
        tokens = linkedin_refresh(http, url, client, secret, refresh, now)
    return LinkedInAudiences(http, settings.linkedin_url, settings.linkedin_version, tokens)


def _webhook(settings: Settings, http: httpx.AsyncClient, now: Now) -> AudienceSink | None:
    secrets = _text(settings.audience_secret).split()
    if not settings.audience_url or not secrets:
        return None
    require("NURTURE_AUDIENCE_SECRET", secrets)
    return WebhookAudiences(http, settings.audience_url, secrets, now)


_BUILDERS: Mapping[str, _Builder] = {
    "meta": _meta,
    "google": _google,
    "linkedin": _linkedin,
    "webhook": _webhook,
}


def _text(secret: SecretStr) -> str:
    return secret.get_secret_value()


def _key_file(text: str) -> Mapping[str, str]:
    """A service account's key. The message never quotes it."""
    try:
        key = json.loads(text)
    except ValueError as error:
        raise StartError(
            "NURTURE_GOOGLE_KEY is not JSON; use the service account's key file"
        ) from error
    told = key if isinstance(key, dict) else {}
    names = ("client_email", "private_key", "token_uri")
    missing = [name for name in names if not isinstance(told.get(name), str)]
    if missing:
        raise StartError(
            f"NURTURE_GOOGLE_KEY lacks {', '.join(missing)}; use a service account's key file"
        )
    try:
        private = load_pem_private_key(told["private_key"].encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise StartError(_NO_KEY) from error
    if not isinstance(private, RSAPrivateKey):
        raise StartError(_NO_KEY)
    _require_address(told["token_uri"])
    return told


def _require_address(token_uri: str) -> None:
    try:
        url = httpx.URL(token_uri)
    except httpx.InvalidURL as error:
        raise StartError("NURTURE_GOOGLE_KEY: its token_uri is not an address") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise StartError("NURTURE_GOOGLE_KEY: its token_uri must begin with https:// and a host")
