"""Settings, read once in a door from NURTURE_* variables; a secret may come from the file NAME_FILE."""

import os
from collections.abc import Container, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from nurture.domain import sources
from nurture.domain.errors import StartError

PREFIX = "NURTURE_"

Network = IPv4Network | IPv6Network

_QUEUE = r"(decisions|webhooks|ads|mail(\.[a-z0-9-]+)?)"
_QUEUES = rf"^(all|{_QUEUE}(, *{_QUEUE})*)$"

_KEY_AT_LEAST = 32

API = "api"
"""The source of whoever has the API token."""


def leads_somewhere(address: str, schemes: Container[str] = ("http", "https")) -> bool:
    """Whether it is an address of one of these schemes, with a host that can be looked up."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:  # half of an IPv6 address, a port beyond all, or a label that is none
        return False
    whole = address.isprintable() and " " not in address
    return bool(whole and parts.scheme in schemes and host and port != 0)


def _address(text: str) -> str:
    if text and not leads_somewhere(text):
        raise PydanticCustomError(
            "address", "must be an address such as https://nurture.example.com"
        )
    return text


def _base(text: str) -> str:
    """What links are put behind."""
    if "?" in text or "#" in text or "@" in urlsplit(text).netloc:
        raise PydanticCustomError(
            "address", "must be scheme, host and path alone, without a user, ? or #"
        )
    return text


def _signing(keys: SecretStr) -> SecretStr:
    """The last one signs; those before may be from a time when nobody looked."""
    known = keys.get_secret_value().split()
    if known and len(known[-1]) < _KEY_AT_LEAST:
        raise PydanticCustomError(
            "key",
            "the last key signs and must have at least 32 random characters, such as openssl rand -hex 32 gives",
        )
    return keys


def named_keys(text: str) -> dict[str, str]:
    """`shop:wk_1, blog:wk_2` as names by key; a key without a name is its own. Raises ValueError for what would let
    in who has no key, and does not repeat it."""
    found: dict[str, str] = {}
    for number, entry in enumerate(_entries(text), 1):
        name, _, key = (piece.strip() for piece in entry.rpartition(":"))
        if not key:
            raise _refused(
                number,
                "has no key; write it as shop:wk_1, or leave the entry out (is the variable that it comes from empty?)",
            )
        if key in found:
            raise _refused(number, "is a key that stands here already; give each of them once")
        found[key] = name or key
    return found


def _public(text: str) -> str:
    names = named_keys(text).values()
    _not_our_own(names)
    if API in names:
        raise PydanticCustomError(
            "key", "messages with the API token go by the name api; give the key another"
        )
    return text


def _secret_keys(keys: SecretStr, info: ValidationInfo) -> SecretStr:
    """A key, or the name that messages in quarantine are known by, must not say both: trusted and not."""
    public = named_keys(info.data.get("write_keys", ""))
    names = set(public.values())
    secret = named_keys(keys.get_secret_value())
    _not_our_own(secret.values())
    for number, (key, name) in enumerate(secret.items(), 1):
        if key in public:
            raise _refused(
                number,
                "is a key of NURTURE_WRITE_KEYS, too, which anybody can read; make a new one for the server",
            )
        if name in names:
            raise _refused(
                number,
                "has the name of a key in NURTURE_WRITE_KEYS; give it one of its own here, such as shop-server:sk_1",
            )
    return keys


def _not_our_own(names: Iterable[str]) -> None:
    """What such a key told would be taken for what became of our mails, a form's answers, or an import's list."""
    for number, name in enumerate(names, 1):
        if sources.is_own(name):
            raise _refused(
                number,
                f"has a name that nurture itself goes by ({sources.LISTED}); "
                "give it another, such as shop, and keep the key",
            )


def _entries(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]


def _refused(number: int, problem: str) -> PydanticCustomError:
    return PydanticCustomError(
        "key", "entry {number} {problem}", {"number": number, "problem": problem}
    )


Address = Annotated[str, AfterValidator(_address)]
"""Of http or https, with a host; or empty."""


class Settings(BaseSettings):
    """All settings of all doors. Frozen; nobody reads the environment after this."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    data_dir: Path = Path(".nurture")
    database_url: str = ""
    playbook_dir: Path = Path()
    pace: str = ""
    patience: float = Field(0, ge=0)

    http_host: str = "127.0.0.1"
    http_port: int = Field(8080, ge=1, le=65535)
    public_url: Annotated[Address, AfterValidator(_base)] = ""
    proxies: str = "127.0.0.1"
    write_keys: Annotated[str, AfterValidator(_public)] = "nurture-dev"
    server_keys: Annotated[SecretStr, AfterValidator(_secret_keys)] = SecretStr("")
    requests_per_second: int = Field(1000, ge=1)
    api_token: SecretStr = SecretStr("")
    secret_key: Annotated[SecretStr, AfterValidator(_signing)] = SecretStr("")
    oidc_issuer: Address = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_role: str = Field("", pattern="^(marketing|sales|admin)?$")

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(1025, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_tls: str = Field("none", pattern="^(none|starttls|tls)$")
    mail_keys: SecretStr = SecretStr("")
    mail_urls: str = ""
    mail_trial: bool = False
    dkim_key: SecretStr = SecretStr("")

    private_networks: str = ""

    bounce_imap_host: str = ""
    bounce_imap_port: int = Field(993, ge=1, le=65535)
    bounce_imap_user: str = ""
    bounce_imap_password: SecretStr = SecretStr("")
    bounce_imap_tls: str = Field("tls", pattern="^(none|starttls|tls)$")
    bounce_imap_folder: str = "INBOX"
    bounce_host: str = "127.0.0.1"
    bounce_port: int = Field(0, ge=0, le=65535)
    unsubscribe_address: str = Field("", pattern=r"^([\w.+-]+@[\w.-]+)?$")

    postmark_webhook_secret: SecretStr = SecretStr("")
    sendgrid_webhook_key: str = ""
    mailgun_webhook_key: SecretStr = SecretStr("")
    ses_topics: str = ""
    resend_webhook_secret: SecretStr = SecretStr("")
    brevo_webhook_secret: SecretStr = SecretStr("")

    sales_desk: str = "generic"
    sales_url: str = "http://127.0.0.1:8082/hook"
    sales_secret: SecretStr = SecretStr("")
    sales_token: SecretStr = SecretStr("")
    sales_owners: str = ""
    crm_secret: SecretStr = SecretStr("")

    meta_url: Address = "http://127.0.0.1:8083"
    meta_version: str = "v26.0"
    meta_token: SecretStr = SecretStr("")
    meta_app_secret: SecretStr = SecretStr("")
    google_url: Address = "https://datamanager.googleapis.com"
    google_account: str = ""
    google_login_account: str = ""
    google_project: str = ""
    google_key: SecretStr = SecretStr("")
    google_token: SecretStr = SecretStr("")
    linkedin_url: Address = "https://api.linkedin.com"
    linkedin_version: str = "202607"
    linkedin_token_url: Address = "https://www.linkedin.com/oauth/v2/accessToken"
    linkedin_client_id: str = ""
    linkedin_client_secret: SecretStr = SecretStr("")
    linkedin_refresh_token: SecretStr = SecretStr("")
    linkedin_token: SecretStr = SecretStr("")
    audience_url: Address = ""
    audience_secret: SecretStr = SecretStr("")
    ads_region: str = Field("", pattern="^([A-Z]{2})?$")

    temporal_ui_url: Address = ""
    temporal_port: int = Field(7233, ge=1, le=65535)
    temporal_ui_port: int = Field(8233, ge=1, le=65535)
    inbox_port: int = Field(8081, ge=1, le=65535)
    sales_port: int = Field(8082, ge=1, le=65535)
    ads_port: int = Field(8083, ge=1, le=65535)

    task_queue: str = "nurture"
    queues: str = Field("all", pattern=_QUEUES)
    deployment: str = "nurture"
    build_id: str = ""
    take_over: bool = True
    worker_sandbox: bool = False
    decision_slots: int = Field(5, ge=1)
    mail_slots: int = Field(5, ge=1)
    webhook_slots: int = Field(20, ge=1)
    ad_slots: int = Field(5, ge=1)
    workflow_slots: int = Field(5, ge=2)
    cached_workflows: int = Field(1000, ge=0)
    pollers: int = Field(20, ge=2)
    metrics_port: int = Field(0, ge=0, le=65535)
    traces: bool = False
    log_level: str = Field("INFO", pattern="^(?i:debug|info|warning|error)$")

    @property
    def database(self) -> str:
        """The async database URL: the given one, else SQLite in the data folder."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'nurture.db'}"

    @property
    def browsers(self) -> frozenset[str]:
        """Sources whose key anybody can read, so that their word proves nothing of a person."""
        return frozenset(named_keys(self.write_keys).values())

    @property
    def parts(self) -> frozenset[str]:
        """Which queues a worker serves (see activities.queues)."""
        every = "decisions,webhooks,ads,mail" if self.queues == "all" else self.queues
        return frozenset(part.strip() for part in every.split(","))

    @property
    def base_url(self) -> str:
        """What links in mails and tasks begin with, without a trailing slash."""
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")


def load(**overrides: Any) -> Settings:
    """Read the environment. Raises StartError naming each bad variable and what would be right."""
    try:
        return Settings(**{**_from_files(), **overrides})
    except ValidationError as error:
        raise StartError("\n".join(_line(problem) for problem in error.errors())) from None


def _line(problem: ErrorDetails) -> str:
    """A secret is not repeated."""
    name = str(problem["loc"][0])
    secret = Settings.model_fields[name].annotation is SecretStr
    given = "" if secret else f" (got {problem['input']!r})"
    return f"{PREFIX}{name.upper()}: {problem['msg']}{given}"


def networks(setting: str, text: str) -> tuple[Network, ...]:
    """`10.0.0.0/8, fd00::/8` as networks. Raises StartError naming the setting for anything else."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise StartError(f"{setting}: {error}; write networks such as 10.0.0.0/8") from error


def as_token(setting: str, text: str) -> str:
    """What is sent in a header as it is. Raises StartError, which does not repeat it, for what no header can carry."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise StartError(f"{setting} holds characters that no token has; copy it anew")
    return text


def _from_files() -> dict[str, Any]:
    """`NURTURE_SECRET_KEY_FILE=/run/secrets/key` stands for the text of that file."""
    found: dict[str, Any] = {}
    for name in Settings.model_fields:
        variable = f"{PREFIX}{name.upper()}"
        path = os.environ.get(f"{variable}_FILE")
        if not path:
            continue
        if variable in os.environ:
            raise StartError(f"both {variable} and {variable}_FILE are set; keep one")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise StartError(f"{variable}_FILE: cannot read {path}: {error.strerror}") from error
        except UnicodeDecodeError:
            raise StartError(
                f"{variable}_FILE: {path} is no text; write letters and digits, such as openssl rand -hex 32 gives"
            ) from None
    return found
