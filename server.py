"""HTTP's door: `python server.py` serves touches, forms, links, answers and pages until it is told to stop."""

import asyncio
import errno
import socket
import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from nurture import settings
from nurture.access.accounts import Accounts
from nurture.access.company import CompanySignIn, Provider
from nurture.audiences import view
from nurture.domain.errors import StartError
from nurture.intake.quarantine import Quarantine
from nurture.playbook import Playbook
from nurture.store.vitals import Vital, vitals
from nurture.web.app import create_app
from nurture.web.deps import Deps
from services import Services, assemble, open_door
from workflows.telemetry import SILENT, Telemetry

log = structlog.get_logger()

_GRACE_SECONDS = 10
QUARANTINE_SHOWN = 50


async def run(config: settings.Settings, told: Telemetry = SILENT) -> None:
    """Serve until SIGINT or SIGTERM. Touches are taken even while Temporal is away."""
    async with assemble(config, lazy=True, told=told) as services:
        server = uvicorn.Server(listening(create_app(_deps(services)), config))
        sockets = await bound(config.http_host, config.http_port)
        log.info("server_ready", port=config.http_port)
        await server.serve(sockets)


async def bound(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of the host. Raises StartError; uvicorn would end the process and name no setting."""
    try:
        addresses = await asyncio.get_running_loop().getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        return opened(dict.fromkeys((each[0], each[4]) for each in addresses))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no name of a machine"
        raise StartError(
            f"NURTURE_HTTP_PORT: port {port} cannot be used on {host}, which NURTURE_HTTP_HOST names:"
            f" {why.partition(' (')[0]}"
        ) from error


def opened(addresses: Iterable[tuple[int, Any]]) -> list[socket.socket]:
    """A socket for each family and address. "All addresses" name IPv6 also where the kernel has none: that one is left
    out, unless nothing else is there. Raises OSError."""
    found: list[socket.socket] = []
    foreign: OSError | None = None
    try:
        for family, address in addresses:
            try:
                found.append(socket.create_server(address, family=family))
            except OSError as error:
                if error.errno != errno.EAFNOSUPPORT:
                    raise
                foreign = error
        if foreign and not found:
            raise foreign
    except OSError:
        for each in found:
            each.close()
        raise
    return found


def listening(app: FastAPI, config: settings.Settings) -> uvicorn.Config:
    """How the app is served. Who calls through a proxy of ours goes by the address that the proxy names.

    Raises StartError when a proxy of the settings is no network.
    """
    proxies = settings.networks("NURTURE_PROXIES", config.proxies)
    return uvicorn.Config(
        app,
        host=config.http_host,
        port=config.http_port,
        http="h11",  # the faster httptools would take headers of any length
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=[str(network) for network in proxies],
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _deps(services: Services) -> Deps:
    return Deps(
        access=services.access,
        dashboard=services.dashboard,
        company=company(services.settings, services.access.accounts),
        switch_audience=partial(view.switch, services.outbox),
        quarantine=partial(Quarantine(services.db).latest, QUARANTINE_SHOWN),
        intake=services.intake,
        desk=services.desk,
        notices=services.notices,
        privacy=services.privacy,
        feedback=services.feedback,
        preferences=services.preferences,
        mails=services.mails,
        watch=services.watch,
        providers=services.providers,
        enrolling=services.enrolling,
        stages=services.stages,
        reports=services.reports,
        playbook=partial(_playbook, services),
        tokens=services.tokens,
        settings=services.settings,
        now=services.now,
        ready=services.problems,
        vitals=partial(_health, services),
    )


async def _playbook(services: Services) -> Playbook:
    async with services.db.peek() as session:
        return await services.shelf.current(session)


async def _health(services: Services) -> list[Vital]:
    async with services.db.read() as session:
        return await vitals(session, await services.shelf.current(session), services.now())


def company(given: settings.Settings, accounts: Accounts) -> CompanySignIn | None:
    """The identity provider of the settings, if there is one. Raises StartError when it would not know us."""
    if not given.oidc_issuer:
        return None
    if not given.oidc_client_id:
        raise StartError("NURTURE_OIDC_CLIENT_ID is not set; NURTURE_OIDC_ISSUER knows us by it")
    provider = Provider(
        given.oidc_issuer,
        given.oidc_client_id,
        given.oidc_client_secret.get_secret_value(),
        given.oidc_role,
    )
    return CompanySignIn(provider, accounts)


if __name__ == "__main__":
    sys.exit(open_door("server", run))
