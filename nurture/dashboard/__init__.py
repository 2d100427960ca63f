"""What the pages of the dashboard show, as plain data: one module for each page."""

from collections.abc import Mapping
from dataclasses import dataclass

from nurture.dashboard.overview import Overview
from nurture.dashboard.queue import Queue
from nurture.dashboard.system import Engine, System
from nurture.dashboard.versions import Versions
from nurture.shelf import Shelf
from nurture.store.database import Database


@dataclass(frozen=True)
class Dashboard:
    overview: Overview
    queue: Queue
    versions: Versions
    system: System


def open_dashboard(
    db: Database, shelf: Shelf, engine: Engine, links: Mapping[str, str]
) -> Dashboard:
    """`links`: where else the operator looks, by name, such as Temporal's own interface."""
    versions = Versions(db, shelf)
    return Dashboard(
        Overview(db, shelf, versions), Queue(db, shelf), versions, System(db, engine, links)
    )
