"""What the pages of the dashboard show, as plain data: one module for each page."""

from collections.abc import Mapping
from dataclasses import dataclass

from nurture.dashboard.courses import Courses
from nurture.dashboard.letters import Letters
from nurture.dashboard.overview import Overview
from nurture.dashboard.people import People
from nurture.dashboard.queue import Queue
from nurture.dashboard.system import Engine, System
from nurture.dashboard.versions import Versions
from nurture.reports import Reports
from nurture.store.database import Database
from nurture.versions.shelf import Shelf


@dataclass(frozen=True)
class Dashboard:
    overview: Overview
    people: People
    courses: Courses
    letters: Letters
    queue: Queue
    versions: Versions
    system: System


def open_dashboard(
    db: Database, shelf: Shelf, engine: Engine, links: Mapping[str, str], base_url: str = ""
) -> Dashboard:
    """`links`: where else the operator looks, by name, such as Temporal's own interface; `base_url`: what
    links in mails begin with."""
    versions = Versions(db, shelf)
    return Dashboard(
        overview=Overview(db, shelf, versions),
        people=People(db, shelf, Reports(db, shelf)),
        courses=Courses(db, shelf),
        letters=Letters(db, shelf, base_url),
        queue=Queue(db, shelf),
        versions=versions,
        system=System(db, engine, links),
    )
