"""The only place where real things meet: settings become a database, clients, adapters and use cases."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from activities.audiences import AudienceActivities
from activities.effects import Effects
from activities.handovers import HandoverActivities
from activities.reports import ReportActivities
from activities.steps import Steps
from nurture import ad_accounts
from nurture.access import Access, open_access
from nurture.audiences import AudienceKeeper
from nurture.calls import Calls
from nurture.dashboard import Dashboard, open_dashboard
from nurture.delivery import outward
from nurture.delivery.email.smtp import SmtpMailer
from nurture.delivery.feedback.imap import Imap
from nurture.delivery.feedback.providers import open_providers
from nurture.delivery.feedback.reading import Provider
from nurture.delivery.links import Links
from nurture.delivery.sales.desks import open_desk, read_owners
from nurture.delivery.sales.webhook import WebhookDesk
from nurture.desk import Desk
from nurture.domain.errors import StartError
from nurture.enrolling import Enrolling
from nurture.feedback import Feedback
from nurture.fingerprints import Fingerprints
from nurture.handovers import Handovers
from nurture.intake import Intake
from nurture.mailbox import Mailbox
from nurture.mails import Mails
from nurture.notices import Notices
from nurture.outbox import Outbox
from nurture.postroom import Postroom
from nurture.preferences import Preferences
from nurture.privacy import Privacy
from nurture.reactions import Reactions
from nurture.relay import Relay
from nurture.reports import Reports
from nurture.rescoring import Rescoring
from nurture.retention import Retention
from nurture.settings import Settings
from nurture.shelf import Shelf
from nurture.stages import Stages
from nurture.store import migrate
from nurture.store.database import Database
from nurture.tokens import Tokens
from nurture.watch import Watch
from workflows.client import TemporalWaker
from workflows.engine import TemporalEngine
from workflows.telemetry import SILENT, Telemetry


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
    activities: tuple[Callable[..., Any], ...]
    platforms: frozenset[str] = frozenset()
    now: Callable[[], datetime] = utc_now

    async def problems(self) -> list[str]:
        """What keeps this process from doing its work; empty when it is ready."""
        found = [problem] if (problem := await self.db.ping()) else []
        try:
            if not found:
                await require_ready(self)
            await self.client.service_client.check_health()
        except StartError as error:
            found.append(str(error))
        except (RPCError, RuntimeError):
            found.append("Temporal does not answer; touches are kept until it does")
        return found


@asynccontextmanager
async def assemble(
    settings: Settings, lazy: bool = False, told: Telemetry = SILENT
) -> AsyncIterator[Services]:
    """All services, closed in order at the end. `lazy`: do not insist that Temporal answers now."""
    db = Database(settings.database)
    limits = httpx.Timeout(20)
    try:
        client = await connect(settings, lazy, told)
        outside = outward.transport(outward.networks(settings.private_networks))
        async with httpx.AsyncClient(
            timeout=limits, follow_redirects=False, transport=outside
        ) as http:
            mailer = _mailer(settings)
            services = _wire(settings, db, client, http, mailer)
            try:
                yield services
                await services.outbox.drain()
            finally:
                await mailer.close()
    finally:
        await db.close()


async def connect(settings: Settings, lazy: bool = False, told: Telemetry = SILENT) -> Client:
    """Temporal by its own profiles and TEMPORAL_* variables; without any, the local dev server."""
    found = ClientConfig.load_client_connect_config()
    found.setdefault("target_host", f"127.0.0.1:{settings.temporal_port}")
    try:
        return await Client.connect(**found, lazy=lazy, runtime=told.runtime, plugins=told.plugins)
    except RuntimeError as error:
        raise StartError(
            f"Temporal does not answer at {found['target_host']}; "
            "check TEMPORAL_ADDRESS or start it with `nurture up`"
        ) from error


async def require_ready(services: Services) -> None:
    """Raises StartError unless the schema is current and a playbook without errors is in force."""
    await migrate.require_current(services.db)
    async with services.db.read() as session:
        playbook = await services.shelf.current(session)
    ad_accounts.require(playbook.audiences.values(), services.platforms)


def _wire(
    settings: Settings,
    db: Database,
    client: Client,
    http: httpx.AsyncClient,
    mailer: SmtpMailer,
) -> Services:
    tokens = Tokens(_secret_keys(settings))
    fingerprints = Fingerprints(_secret_keys(settings))
    links = Links(settings.base_url, tokens)
    outbox = Outbox(db, TemporalWaker(client, settings.task_queue))
    shelf = Shelf(db, settings.pace)
    handovers = Handovers(links.handover_url)
    reactions = Reactions(handovers)
    postroom = Postroom(links)
    desk = open_desk(
        settings.sales_desk,
        http,
        settings.sales_url,
        secrets=settings.sales_secret.get_secret_value().split(),
        token=settings.sales_token.get_secret_value(),
        owners=read_owners(settings.sales_owners),
        now=utc_now,
    )
    accounts = ad_accounts.open_accounts(settings, http, utc_now)
    feedback = Feedback(outbox, shelf, reactions)
    watch = Watch(db, shelf)
    rescoring = Rescoring(outbox, shelf, reactions)
    effects = Effects(handovers, reactions, postroom)
    return Services(
        settings=settings,
        db=db,
        client=client,
        outbox=outbox,
        shelf=shelf,
        tokens=tokens,
        access=open_access(db, fingerprints),
        dashboard=open_dashboard(
            db,
            shelf,
            TemporalEngine(client, settings.task_queue, client.service_client.config.target_host),
            {"Temporal": settings.temporal_ui_url} if settings.temporal_ui_url else {},
            settings.base_url,
        ),
        intake=Intake(outbox, shelf, reactions, fingerprints),
        privacy=Privacy(db, outbox, shelf, handovers, fingerprints),
        feedback=feedback,
        preferences=Preferences(outbox, shelf, reactions),
        watch=watch,
        mails=Mails(db),
        mailbox=_mailbox(settings, feedback),
        providers=open_providers(settings, http),
        stages=Stages(outbox, shelf, reactions),
        desk=Desk(db, outbox, shelf, reactions, handovers),
        notices=Notices(db),
        reports=Reports(db, shelf),
        enrolling=Enrolling(db, shelf),
        platforms=frozenset(accounts),
        rescoring=rescoring,
        relay=Relay(
            outbox,
            shelf,
            reactions,
            utc_now,
            chores=(rescoring.page, Retention(db, outbox, shelf).page, watch.look),
        ),
        calls=Calls(
            db,
            shelf,
            lambda url: WebhookDesk(
                http, url, settings.sales_secret.get_secret_value().split(), utc_now
            ),
            utc_now,
        ),
        activities=(
            Steps(outbox, shelf, effects, postroom, mailer).advance,
            HandoverActivities(outbox, shelf, handovers, reactions, desk).advance,
            ReportActivities(
                db,
                shelf,
                mailer,
                lambda url: WebhookDesk(
                    http, url, settings.sales_secret.get_secret_value().split(), utc_now
                ),
            ).send,
            AudienceActivities(AudienceKeeper(outbox, shelf, accounts)).sync,
        ),
    )


def _mailbox(settings: Settings, feedback: Feedback) -> Mailbox:
    imap = Imap(
        host=settings.bounce_imap_host,
        port=settings.bounce_imap_port,
        user=settings.bounce_imap_user,
        password=settings.bounce_imap_password.get_secret_value(),
        tls=settings.bounce_imap_tls,
        folder=settings.bounce_imap_folder,
    )
    listen = (settings.bounce_host, settings.bounce_port) if settings.bounce_port else None
    return Mailbox(feedback, utc_now, [imap] if imap.host else [], listen)


def _mailer(settings: Settings) -> SmtpMailer:
    return SmtpMailer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        tls=settings.smtp_tls,
    )


def _secret_keys(settings: Settings) -> list[str]:
    """Oldest first, separated by blanks: the last one signs."""
    keys = settings.secret_key.get_secret_value().split()
    if not keys:
        raise StartError("NURTURE_SECRET_KEY is not set; give it at least 32 random characters")
    return keys
