"""The only place where real things meet: settings become a database, clients, adapters and use cases."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import uvloop
from temporalio.client import Client
from temporalio.envconfig import ClientConfig, ClientConnectConfig

from activities import queues
from activities.audiences import AudienceActivities
from activities.effects import Effects
from activities.handovers import HandoverActivities
from activities.reports import ReportActivities
from activities.sending import Sending
from activities.steps import Steps
from activities.upkeep import UpkeepActivities
from nurture import logs, standstill
from nurture import settings as known_settings
from nurture.access import Access, open_access
from nurture.audiences import ad_accounts
from nurture.audiences.keeper import AudienceKeeper
from nurture.calls import Calls
from nurture.dashboard import Dashboard, open_dashboard
from nurture.delivery import outward
from nurture.delivery.feedback.imap import Imap
from nurture.delivery.feedback.providers import open_providers
from nurture.delivery.feedback.reading import Provider
from nurture.delivery.links import Links
from nurture.delivery.sales import signing
from nurture.delivery.sales.desks import open_desk, read_owners
from nurture.delivery.sales.webhook import OF_PLAYBOOK, WebhookDesk
from nurture.domain.errors import NurtureError, StartError, Transient
from nurture.enrolling import Enrolling
from nurture.fingerprints import Fingerprints
from nurture.handovers.desk import Desk
from nurture.handovers.notices import Notices
from nurture.handovers.running import Handovers
from nurture.intake.clicks import Clicks
from nurture.intake.stages import Stages
from nurture.intake.taking import TOGETHER, Intake
from nurture.mail import mail_accounts
from nurture.mail.feedback import Feedback
from nurture.mail.ledger import Mails
from nurture.mail.mail_accounts import Accounts, MailAccounts
from nurture.mail.mailbox import Mailbox, address_read
from nurture.mail.postroom import Postroom
from nurture.mail.preferences import Preferences
from nurture.mail.watch import Watch
from nurture.outbox import Outbox
from nurture.playbook import Playbook
from nurture.playbook.durations import Durations
from nurture.ports import AudienceSink, SalesDesk
from nurture.privacy.requests import Privacy
from nurture.reactions import Reactions
from nurture.reports import Reports
from nurture.settings import Settings
from nurture.store import migrate
from nurture.store.database import Database
from nurture.tokens import Tokens
from nurture.upkeep.reconciling import Reconciling
from nurture.upkeep.relay import Relay
from nurture.upkeep.rescoring import Rescoring
from nurture.upkeep.retention import Retention
from nurture.versions.shelf import Shelf
from workflows import failures, telemetry
from workflows.client import TemporalWaker, ping
from workflows.engine import TemporalEngine
from workflows.runs import TemporalRuns
from workflows.telemetry import SILENT, Telemetry
from workflows.worker import Activities

Found = TypeVar("Found")

_PAUSE = 0.1
"""Seconds between asking once and again for what is not there yet."""

Receiver = Callable[[str], SalesDesk]
"""Opens the receiver of calls at an address."""

_BETWEEN_COLLECTIONS = 20_000
"""New objects until Python looks for circles among them: a batch of touches is some thousands, and all of them go by
themselves."""


@dataclass(frozen=True)
class Ends:
    """Where the product ends: who takes mails, who is told of handovers, the ad accounts, receivers of calls,
    and who reports on mails."""

    mailers: Accounts
    desk: SalesDesk
    accounts: Mapping[str, AudienceSink]
    receiver: Receiver
    providers: Mapping[str, Provider | None] = field(default_factory=dict)


def utc_now() -> datetime:
    """The system's clock, for what happens outside Temporal."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """Everything a door may need, put together once."""

    settings: Settings
    db: Database
    client: Client
    outbox: Outbox
    shelf: Shelf
    tokens: Tokens
    access: Access
    dashboard: Dashboard
    intake: Intake
    privacy: Privacy
    feedback: Feedback
    preferences: Preferences
    watch: Watch
    mails: Mails
    mailbox: Mailbox
    providers: Mapping[str, Provider | None]
    stages: Stages
    desk: Desk
    notices: Notices
    reports: Reports
    enrolling: Enrolling
    rescoring: Rescoring
    relay: Relay
    calls: Calls
    reconciling: Reconciling
    activities: Activities
    mailers: Accounts
    platforms: frozenset[str] = frozenset()
    now: Callable[[], datetime] = utc_now

    async def problems(self, beside_temporal: bool = False) -> list[str]:
        """What keeps this process from doing its work, or from what it can do while Temporal is away; empty when it
        is ready."""
        found = [problem] if (problem := await self.db.ping()) else []
        try:
            if not found:
                await in_force(self)
        except (StartError, Transient) as error:
            found.append(str(error))
        if not beside_temporal and (problem := await ping(self.client)):
            found.append(problem)
        return found


def open_door(name: str, serve: Callable[[Settings, Telemetry], Coroutine[Any, Any, None]]) -> int:
    """What `worker` and `server` do around their work; the exit code, 2 when something kept them from starting."""
    try:
        settings = known_settings.load()
        logs.configure(settings.log_level)
        gc.freeze()  # what is loaded by now stays, and need not be looked through again and again
        gc.set_threshold(_BETWEEN_COLLECTIONS)
        with telemetry.opened(name, settings) as told:
            uvloop.run(standstill.watched(serve(settings, told)))
    except NurtureError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 2
    return 0


@asynccontextmanager
async def assemble(
    settings: Settings, lazy: bool = False, told: Telemetry = SILENT
) -> AsyncIterator[Services]:
    """All services, ready, closed in order at the end. `lazy`: do not insist that Temporal answers now.

    Raises InputError for a pace that is none, and StartError or Transient when they cannot do their work (see
    in_force), or not within the settings' patience.
    """
    Durations(settings.pace)
    db = Database(settings.database)
    limits = httpx.Timeout(20)
    try:
        client = await _patiently(settings.patience, lambda: connect(settings, lazy, told))
        outside = outward.transport(
            known_settings.networks("NURTURE_PRIVATE_NETWORKS", settings.private_networks)
        )
        async with httpx.AsyncClient(
            timeout=limits, follow_redirects=False, transport=outside
        ) as http:
            mailers = MailAccounts(settings, http)
            services = wire(settings, db, client, _ends(settings, http, mailers))
            try:
                await _patiently(settings.patience, lambda: in_force(services))
                yield services
                await services.outbox.drain()
            finally:
                await mailers.close()
    finally:
        await db.close()


async def connect(settings: Settings, lazy: bool = False, told: Telemetry = SILENT) -> Client:
    """Temporal by its own profiles and TEMPORAL_* variables; without any, the local dev server."""
    found = _temporal_settings()
    found.setdefault("target_host", f"127.0.0.1:{settings.temporal_port}")
    try:
        return await Client.connect(
            **found,
            lazy=lazy,
            runtime=told.runtime,
            plugins=told.plugins,
            data_converter=failures.CONVERTER,
        )
    except RuntimeError as error:
        raise StartError(
            f"Temporal does not answer at {found['target_host']}; "
            "check TEMPORAL_ADDRESS or start it with `nurture up`"
        ) from error


def _temporal_settings() -> ClientConnectConfig:
    try:
        return ClientConfig.load_client_connect_config()
    except OSError as error:
        raise StartError(
            f"Temporal's settings: cannot read {error.filename}: {error.strerror}; check TEMPORAL_TLS…"
        ) from error
    except RuntimeError as error:  # a profile or a configuration file; its text may hold a key
        raise StartError(
            f"Temporal's settings: {str(error).splitlines()[0]}; "
            "check TEMPORAL_PROFILE and TEMPORAL_CONFIG_FILE"
        ) from error


def lacking(services: Services, playbook: Playbook) -> list[str]:
    """The accounts that the playbook names and the settings do not open, each with what to set."""
    return [
        *ad_accounts.lacking(playbook.audiences.values(), services.platforms),
        *mail_accounts.lacking(playbook, services.mailers, services.settings),
    ]


async def in_force(services: Services) -> Playbook:
    """The playbook that is. Raises StartError without one, or on a schema that is behind, and Unreadable when it needs
    a newer release."""
    await migrate.require_current(services.db)
    async with services.db.read() as session:
        return await services.shelf.current(session)


async def _patiently(seconds: float, ask: Callable[[], Awaitable[Found]]) -> Found:
    """What others are about to bring, asked for until it is there. Raises what it is told when it still is not then."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while True:
        try:
            return await ask()
        except (StartError, Transient):
            if clock() >= end:
                raise
        await asyncio.sleep(_PAUSE)


def _ends(settings: Settings, http: httpx.AsyncClient, mailers: Accounts) -> Ends:
    secrets = settings.sales_secret.get_secret_value().split()
    signing.require("NURTURE_CRM_SECRET", settings.crm_secret.get_secret_value().split())
    desk = open_desk(
        settings.sales_desk,
        http,
        settings.sales_url,
        secrets=secrets,
        token=settings.sales_token.get_secret_value(),
        owners=read_owners(settings.sales_owners),
        now=utc_now,
    )
    return Ends(
        mailers=mailers,
        desk=desk,
        accounts=ad_accounts.open_accounts(settings, http, utc_now),
        receiver=lambda url: WebhookDesk(http, url, secrets, utc_now, place=OF_PLAYBOOK),
        providers=open_providers(settings, http),
    )


def wire(
    settings: Settings,
    db: Database,
    client: Client,
    ends: Ends,
    shelf: Shelf | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Services:
    """Everything between the database, Temporal and these ends. The caller closes what it gave."""
    tokens, fingerprints = Tokens(_secret_keys(settings)), Fingerprints(_secret_keys(settings))
    links = Links(settings.base_url, tokens, address_read(settings))
    outbox = Outbox(db, TemporalWaker(client, settings.task_queue))
    shelf = shelf or Shelf(db, settings.pace)
    handovers = Handovers(links.handover_url)
    reactions, postroom = Reactions(handovers), Postroom(links)
    feedback = Feedback(outbox, shelf, reactions)
    base = _Base(db, outbox, shelf, handovers, reactions, postroom, feedback)
    together = 1 if settings.traces else TOGETHER  # a trace tells of one batch
    intake = Intake(outbox, shelf, base.reactions, base.handovers, fingerprints, together)
    watch, retention = Watch(db, shelf), Retention(db, outbox, shelf, settings.browsers)
    rescoring, clicks = Rescoring(outbox, shelf, reactions), Clicks(outbox, shelf, reactions)
    chores = clicks.page, rescoring.page, retention.page, watch.look
    reconciling = Reconciling(outbox, shelf, TemporalRuns(client))
    return Services(
        settings=settings,
        db=db,
        client=client,
        outbox=outbox,
        shelf=shelf,
        tokens=tokens,
        access=open_access(db, fingerprints),
        dashboard=_dashboard(settings, db, shelf, client),
        intake=intake,
        privacy=Privacy(db, outbox, shelf, handovers, fingerprints),
        feedback=feedback,
        preferences=Preferences(outbox, shelf, base.reactions),
        watch=watch,
        mails=Mails(db),
        mailbox=_mailbox(settings, feedback, intake, tokens),
        providers=ends.providers,
        stages=Stages(outbox, shelf, base.reactions),
        desk=Desk(db, outbox, shelf, base.reactions, handovers),
        notices=Notices(db),
        reports=Reports(db, shelf),
        enrolling=Enrolling(db, shelf),
        mailers=ends.mailers,
        platforms=frozenset(ends.accounts),
        rescoring=rescoring,
        relay=Relay(outbox, shelf, base.reactions, now, chores=chores),
        calls=Calls(db, shelf, ends.receiver, now, settings.webhook_slots),
        reconciling=reconciling,
        activities=_activities(base, ends, reconciling),
        now=now,
    )


@dataclass(frozen=True)
class _Base:
    """What nearly all use cases stand on."""

    db: Database
    outbox: Outbox
    shelf: Shelf
    handovers: Handovers
    reactions: Reactions
    postroom: Postroom
    feedback: Feedback


def _activities(base: _Base, ends: Ends, reconciling: Reconciling) -> Activities:
    """By the task queue they are served on."""
    db, outbox, shelf = base.db, base.outbox, base.shelf
    effects = Effects(base.handovers, base.reactions, base.postroom)
    sending = Sending(outbox, base.postroom, ends.mailers, base.feedback)
    handovers = HandoverActivities(outbox, shelf, base.handovers, base.reactions, ends.desk)
    return {
        queues.DECISIONS: [
            Steps(outbox, shelf, effects, sending).advance,
            UpkeepActivities(reconciling).reconcile,
        ],
        queues.WEBHOOKS: [
            handovers.advance,
            ReportActivities(db, shelf, ends.mailers, ends.receiver).send,
        ],
        queues.ADS: [AudienceActivities(AudienceKeeper(outbox, shelf, ends.accounts)).sync],
    }


def _dashboard(settings: Settings, db: Database, shelf: Shelf, client: Client) -> Dashboard:
    engine = TemporalEngine(client, settings.task_queue, client.service_client.config.target_host)
    links = {"Temporal": settings.temporal_ui_url} if settings.temporal_ui_url else {}
    return open_dashboard(db, shelf, engine, links, settings.base_url)


def _mailbox(settings: Settings, feedback: Feedback, intake: Intake, tokens: Tokens) -> Mailbox:
    imap = Imap(
        host=settings.bounce_imap_host,
        port=settings.bounce_imap_port,
        user=settings.bounce_imap_user,
        password=settings.bounce_imap_password.get_secret_value(),
        tls=settings.bounce_imap_tls,
        folder=settings.bounce_imap_folder,
    )
    listen = (settings.bounce_host, settings.bounce_port) if settings.bounce_port else None
    return Mailbox(feedback, intake, tokens, utc_now, [imap] if imap.host else [], listen)


def _secret_keys(settings: Settings) -> list[str]:
    """Oldest first, separated by blanks: the last one signs."""
    keys = settings.secret_key.get_secret_value().split()
    if not keys:
        raise StartError("NURTURE_SECRET_KEY is not set; give it at least 32 random characters")
    return keys
