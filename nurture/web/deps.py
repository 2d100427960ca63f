"""What the HTTP room works with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request

from nurture.access import Access
from nurture.access.company import CompanySignIn
from nurture.dashboard import Dashboard
from nurture.delivery.feedback.reading import Provider
from nurture.enrolling import Enrolling
from nurture.handovers.desk import Desk
from nurture.handovers.notices import Notices
from nurture.intake.stages import Stages
from nurture.intake.taking import Intake
from nurture.mail.feedback import Feedback
from nurture.mail.ledger import Mails
from nurture.mail.preferences import Preferences
from nurture.mail.watch import Watch
from nurture.playbook import Playbook
from nurture.privacy.requests import Privacy
from nurture.reports import Reports
from nurture.settings import Settings
from nurture.store.vitals import Vital
from nurture.tokens import Tokens


@dataclass(frozen=True)
class Deps:
    """Everything the app works with. `ready` lists what keeps it from serving, or with True from what it can do
    while Temporal is away; empty means ready. `vitals` are for Prometheus,
    `company` is None where nobody signs in by an identity provider."""

    access: Access
    dashboard: Dashboard
    company: CompanySignIn | None
    intake: Intake
    desk: Desk
    notices: Notices
    privacy: Privacy
    feedback: Feedback
    preferences: Preferences
    mails: Mails
    watch: Watch
    providers: Mapping[str, Provider | None]
    enrolling: Enrolling
    stages: Stages
    reports: Reports
    switch_audience: Callable[[str, bool, datetime], Awaitable[None]]
    quarantine: Callable[[], Awaitable[list[dict[str, Any]]]]
    playbook: Callable[[], Awaitable[Playbook]]
    tokens: Tokens
    settings: Settings
    now: Callable[[], datetime]
    ready: Callable[[bool], Awaitable[list[str]]]
    vitals: Callable[[], Awaitable[list[Vital]]]


async def _deps(request: Request) -> Deps:  # async, since FastAPI hands others to a thread
    deps: Deps = request.app.state.deps
    return deps


Current = Annotated[Deps, Depends(_deps)]
"""Annotates a route's parameter to receive the app's `Deps`."""
