"""The settings of a product whose every part runs on this machine."""

import base64
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

from pydantic import SecretStr

from embedded import temporal
from embedded.ports import free
from nurture.domain.errors import StartError
from nurture.settings import PREFIX, Settings, named_keys
from nurture.store.address import place

HOST = "127.0.0.1"
_SECRETS = "secrets.json"
_DATABASE = "database"

PATIENCE = 120.0
"""Seconds: everything is started at once, and waits for what the others make ready."""

ROOM = 32 * 2**20
"""Bytes of disk that have to be free; a fresh product alone writes some six megabytes."""


def prepare(settings: Settings) -> Settings:
    """Point all parts at each other, with secrets that stay the same in this data folder.

    Raises StartError when the data folder cannot be used, or its disk is full.
    """
    data_dir = settings.data_dir.resolve()
    try:
        (data_dir / "logs").mkdir(parents=True, exist_ok=True)
        need_room(data_dir, shutil.disk_usage(data_dir).free)
        if not (data_dir / _SECRETS).exists():
            _keep(data_dir / _SECRETS, _made())
        if settings.database_url:
            _keep(data_dir / _SECRETS, _kept(settings) | {_DATABASE: place(settings.database)})
        settings = known(settings)
    except OSError as error:
        raise StartError(
            f"the data folder {data_dir} cannot be used: {error.strerror};"
            " NURTURE_DATA_DIR names another"
        ) from error
    return settings.model_copy(
        update={
            "data_dir": data_dir,
            "playbook_dir": settings.playbook_dir.resolve(),
            "smtp_host": HOST,
            "smtp_user": "",
            "smtp_password": SecretStr(""),
            "smtp_tls": "none",
            "private_networks": "127.0.0.0/8",
            "patience": PATIENCE,
            "sales_desk": "generic",
            "sales_url": f"http://{HOST}:{settings.sales_port}/hook",
            "temporal_ui_url": f"http://{HOST}:{settings.temporal_ui_port}",
            **_stand_ins(settings),
        }
    )


def need_room(folder: Path, free: int) -> None:
    """`free` is in bytes. Raises StartError when a start would end in the middle, in each part's own words."""
    if free < ROOM:
        raise StartError(
            f"the data folder {folder} has {free >> 20} MB left, and a start needs {ROOM >> 20};"
            " make room, or name another by NURTURE_DATA_DIR"
        )


def _stand_ins(settings: Settings) -> dict[str, object]:
    """All mails go to the inbox, and every ad platform is the stand-in, which takes one token; no real account is ever
    told anything."""
    here = f"http://{HOST}:{settings.ads_port}"
    nothing = dict.fromkeys(
        ("meta_app_secret", "google_key", "linkedin_refresh_token"), SecretStr("")
    )
    return {
        **nothing,
        "mail_trial": True,
        "meta_url": here,
        "google_url": f"{here}/google",
        "google_account": settings.google_account or "1234567890",
        "google_token": settings.meta_token,
        "linkedin_url": f"{here}/linkedin",
        "linkedin_token": settings.meta_token,
    }


def hearing(settings: Settings) -> Settings:
    """With a port at which the worker takes bounces: only this machine's own parts need to know it, so any
    free one will do."""
    port = settings.bounce_port
    if not port:
        (port,) = free(HOST, 1)
    return settings.model_copy(update={"bounce_host": HOST, "bounce_port": port})


def known(settings: Settings) -> Settings:
    """With the secrets of the data folder, if it has some, in the place of those that are not set: for the database in
    that folder, or the one that `up` last ran on with it. Erased by another's key, somebody would come back."""
    kept = _known(settings).items()
    own = {name: value for name, value in kept if not _secret(settings, name)}
    if entry := own.get("server_keys"):
        own["server_keys"] = _named(entry, settings.write_keys)
    return settings.model_copy(update={name: SecretStr(value) for name, value in own.items()})


def accounts(settings: Settings) -> Settings:
    """With the mail and ad accounts that `up` gives its parts, where `known` has secrets of its making."""
    if not _known(settings):
        return settings
    settings = known(settings)
    return settings.model_copy(update=_stand_ins(settings))


def _named(entry: str, public: str) -> str:
    """That server key under a name that no key of a website has: the settings would refuse it, and whoever set the
    other never saw this one."""
    name, _, key = entry.rpartition(":")
    taken = set(named_keys(public).values())
    others = (f"nurture-up-{number}" for number in count(1))
    return f"{next(each for each in chain([name], others) if each not in taken)}:{key}"


def _known(settings: Settings) -> dict[str, str]:
    """The secrets of the data folder that are for this database."""
    kept = _kept(settings)
    database = kept.pop(_DATABASE, None)
    foreign = settings.database_url and database != place(settings.database)
    return {} if foreign else kept


def _kept(settings: Settings) -> dict[str, str]:
    path = settings.data_dir / _SECRETS
    try:
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as error:
        raise StartError(
            f"{path} is damaged; without it links already sent stop working, delete it to go on"
        ) from error
    return kept


def ports(settings: Settings) -> dict[str, tuple[str, int]]:
    """Every port that is about to be bound: the setting's variable, host and port."""
    ours = ("smtp", "inbox", "sales", "ads", "temporal", "temporal_ui")
    hosts = {"http": settings.http_host, **dict.fromkeys(ours, HOST)}
    return {
        f"{PREFIX}{name.upper()}_PORT": (host, getattr(settings, f"{name}_port"))
        for name, host in hosts.items()
    }


def server(settings: Settings) -> str:
    """Where this machine reaches the HTTP server, whatever name the world knows it by."""
    host = HOST if settings.http_host in ("", "0.0.0.0", "::") else settings.http_host
    return f"http://{host}:{settings.http_port}"


def environment(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """What the worker and the server are started with: these settings and this Temporal, whatever
    else the caller's environment says of either."""
    ours = (PREFIX, "TEMPORAL_")
    env = {name: value for name, value in inherited.items() if not name.startswith(ours)}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        env[f"{PREFIX}{name.upper()}"] = text
    return {
        **env,
        "TEMPORAL_ADDRESS": address(settings),
        "TEMPORAL_NAMESPACE": temporal.NAMESPACE,
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Keep the data folder to this process. Raises StartError when another has it."""
    with (data_dir / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartError(
                f"another nurture runs on the data folder {data_dir}; NURTURE_DATA_DIR names another"
            ) from error
        yield


def address(settings: Settings) -> str:
    """Temporal's."""
    return f"{HOST}:{settings.temporal_port}"


def _secret(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    assert isinstance(value, SecretStr)
    return value.get_secret_value()


def _made() -> dict[str, str]:
    """Once: links in mails must outlive a restart."""
    return {
        "secret_key": secrets.token_urlsafe(32),
        "server_keys": f"demo:{secrets.token_urlsafe(32)}",
        "sales_secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "meta_token": secrets.token_urlsafe(32),
    }


def _keep(path: Path, kept: Mapping[str, str]) -> None:
    """Readable by the owner alone."""
    half = path.with_suffix(".half")
    half.touch(mode=0o600)
    half.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    half.replace(path)
