"""What people did so far, where a database knows it: a forecast begins with it, and says so."""

import asyncio
from datetime import datetime
from pathlib import Path

from commands import opening
from nurture.domain.habits import Habits
from nurture.settings import Settings
from nurture.store import address, habits, migrate


def of(config: Settings, now: datetime) -> Habits:
    """Nothing without a database: none is made for it. Raises StartError for one that cannot be used."""
    url = address.read(config.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return Habits()
    return asyncio.run(_of(config, now))


async def _of(config: Settings, now: datetime) -> Habits:
    async with opening.database(config) as db:
        if await migrate.current(db) is None:
            return Habits()
        await migrate.require_current(db)
        async with db.read() as session:
            return await habits.of(session, now)


def used(seen: Habits) -> dict[str, int]:
    """How much of the history is enough to begin with."""
    return {
        "mails": seen.mails.sent if seen.mails.enough else 0,
        "steps": sum(each.enough for each in seen.steps.values()),
        "handovers": seen.sales.closed if seen.sales.enough else 0,
    }


def sentence(seen: Habits) -> str:
    """Where the shares come from that nobody assumed."""
    found = used(seen)
    days = habits.PERIOD.days
    told = [
        f"{found['mails']} mails ({found['steps']} steps have shares of their own)"
        if found["mails"]
        else "",
        f"{found['handovers']} handovers" if found["handovers"] else "",
    ]
    known = " and ".join(part for part in told if part)
    if not known:
        return "what people do is assumed; there is no history of one's own yet"
    return f"what people do is taken from the {days} days so far: {known}"
