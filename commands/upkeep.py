"""`nurture upkeep`: what the nightly comparison of the database with Temporal found."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated
from uuid import uuid4

import typer

from commands import opening
from embedded import local
from nurture.settings import Settings
from nurture.store import migrate, upkeep
from nurture.store.upkeep import Night
from nurture.store.upkeep_tables import DriftRow
from services import assemble


@dataclass(frozen=True)
class Seen:
    """The latest nights, and the latest differences."""

    nights: Sequence[Night]
    drifts: Sequence[DriftRow]

    @property
    def clean(self) -> bool:
        """The latest night found nothing."""
        return not self.nights or not self.nights[0].found


def show(
    now: Annotated[bool, typer.Option("--now", help="Compare now, and wait for it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what the nightly comparison with Temporal looked at, found and repaired.

    Exits with 1 when the latest one found something."""
    config = opening.load()
    if now:
        asyncio.run(_compare(config))
    seen = asyncio.run(_seen(config))
    typer.echo(_as_json(seen) if as_json else _as_text(seen))
    if not seen.clean:
        raise typer.Exit(1)


async def _compare(config: Settings) -> None:
    async with assemble(local.known(config)) as services:
        night, place = f"by-hand-{uuid4()}", services.reconciling.first
        while place:
            following = await services.reconciling.page(night, place, services.now())
            if following is None:
                return
            place = following


async def _seen(config: Settings) -> Seen:
    async with opening.database(config) as db:
        await migrate.require_current(db)
        async with db.read() as session:
            return Seen(await upkeep.nights(session), await upkeep.drifts(session))


def _as_json(seen: Seen) -> str:
    told = {
        "nights": [asdict(night) for night in seen.nights],
        "drifts": [drift.model_dump() for drift in seen.drifts],
    }
    return json.dumps(told, indent=2, default=str)


def _as_text(seen: Seen) -> str:
    if not seen.nights:
        return "no comparison yet; a worker makes one every night, `nurture upkeep --now` at once"
    lines = []
    for night in seen.nights:
        looked = ", ".join(f"{number} {part}" for part, number in night.looked.items())
        state = "" if night.ended_at else " (under way)"
        lines.append(f"{night.began_at:%Y-%m-%d %H:%M}{state}  looked at {looked}")
        lines += [f"    {number} {what}" for what, number in night.found.items()]
        lines += [] if night.found else ["    everything goes on"]
    if seen.drifts:
        lines += ["found, and woken where a workflow acts on it:"]
        lines += [
            f"    {row.at:%Y-%m-%d %H:%M}  {row.kind} {row.key}: {row.what}" for row in seen.drifts
        ]
    return "\n".join(lines)
