"""The app factory: routes by subject, one error table, headers and measures around everything."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi.telemetry import TelemetryConfig

from nurture.web import (
    api,
    browser,
    confirm,
    crm,
    dashboard,
    errors,
    feedback,
    forms,
    health,
    ingest,
    mails,
    sales,
    tracking,
    unsubscribe,
)
from nurture.web.auditing import Auditing
from nurture.web.cookies import is_https
from nurture.web.cors import Headers
from nurture.web.deps import Deps
from nurture.web.describing import describe_tokens
from nurture.web.measures import Measure, Measures
from nurture.web.openapi import refusals
from nurture.web.sources import Limiter, Sources

STATIC = Path(__file__).parent / "static"

_ROOMS = (
    browser,
    ingest,
    forms,
    tracking,
    unsubscribe,
    confirm,
    sales,
    crm,
    feedback,
    mails,
    api,
    health,
)
ROUTERS = (*(room.router for room in _ROOMS), *dashboard.ROUTERS)
"""All routes there are. Each says who may use it (nurture.web.access)."""

_TAGS = [
    {
        "name": "ingest",
        "description": "What websites, apps and servers report, as Segment's API has it.",
    },
    {"name": "browser", "description": "What browser SDKs and our own snippet fetch."},
    {"name": "forms", "description": "Forms of the playbook, as HTML forms or JSON."},
    {"name": "mail", "description": "Pixels, links and unsubscribing. Tokens are signed."},
    {"name": "sales", "description": "The page on which sales answers a handover."},
    {
        "name": "api",
        "description": "Leads, handovers and figures for other systems. Needs an API token.",
    },
    {"name": "health", "description": "For whoever keeps the server running."},
]

_NO_OTHER_SPANS = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)
"""FastAPI's own would hold each page's address, and so the token that a mail's link ends in (see measures)."""


def create_app(deps: Deps) -> FastAPI:
    """The whole HTTP room over `deps`. Nothing is read from the environment or opened here."""
    app = FastAPI(
        title="nurture",
        description="Touches in; mail links, sales' answers and figures out.",
        version="1",
        openapi_tags=_TAGS,
        responses=refusals(422),
        # The interactive documentation would load scripts from elsewhere; see docs/http.md.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_OTHER_SPANS,
    )
    app.state.deps = deps
    app.state.gate = ingest.Gate(Sources(deps.settings), Limiter(deps.settings.requests_per_second))
    app.state.measures = Measures()
    for router in ROUTERS:
        app.include_router(router)
    describe_tokens(app, ROUTERS)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    https = is_https(deps.settings)
    errors.install(app, https)
    app.add_middleware(Auditing, audit=deps.access.audit)
    app.add_middleware(Headers, https=https)
    app.add_middleware(Measure, measures=app.state.measures)
    return app
