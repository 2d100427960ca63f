"""`nurture audiences`: how the lists on ad platforms stand, and what the playbook on disk would change."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from commands import opening
from nurture.audiences import view
from nurture.audiences.view import AudienceView
from nurture.delivery.ads import hashing
from nurture.domain.errors import InputError, Transient
from nurture.outbox import Outbox
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.store import migrate
from nurture.versions.shelf import Shelf

_DONE = {"pause": "is paused", "resume": "goes on", "renew": "is sent anew"}


def audiences(
    csv: Annotated[
        str, typer.Option(help="Print who should be on this audience, as hashes for an upload.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say how many the playbook on disk would add and remove.")
    ] = False,
    pause: Annotated[str, typer.Option(help="Add nobody to this audience; removals go on.")] = "",
    resume: Annotated[str, typer.Option(help="Let this audience add again.")] = "",
    renew: Annotated[
        str, typer.Option(help="Send this whole audience anew, in the place of what is there.")
    ] = "",
) -> None:
    """Show who should be on each ad audience and who is, owed removals with their age, last sync, errors."""
    changes = {"pause": pause, "resume": resume, "renew": renew}
    asked = [(what, name) for what, name in changes.items() if name]
    if len(asked) > 1:
        raise InputError("pause, resume or renew, one at a time")
    config = opening.load()
    for what, name in asked:
        asyncio.run(_change(config, name, what))
        typer.echo(f"{name} {_DONE[what]}")
    if csv:
        asyncio.run(_hashes(config, csv))
    if asked or csv:
        return
    rows = asyncio.run(_plan(config) if plan else _all(config))
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif plan:
        typer.echo("\n".join(_effect(row) for row in rows) or "there is no audience")
    else:
        _print(rows)


async def _all(config: Settings) -> list[dict[str, Any]]:
    async with opening.database(config) as db:
        await migrate.require_current(db)
        return await AudienceView(db, Shelf(db, config.pace)).all(datetime.now(UTC))


async def _hashes(config: Settings, name: str) -> None:
    """One line for each person, for platforms without an adapter: no address, no name, no id of ours."""
    async with opening.database(config) as db:
        await migrate.require_current(db)
        people = await AudienceView(db, Shelf(db, config.pace)).people(name)
        typer.echo("email_sha256,phone_sha256")
        async for person in people:
            region = hashing.country(person.country).upper() or config.ads_region
            email = hashing.sha256(hashing.linkedin_email(person.email))
            phone = hashing.sha256(hashing.google_phone(person.phone, region))
            if email or phone:
                typer.echo(f"{email},{phone}")


async def _plan(config: Settings) -> list[dict[str, Any]]:
    texts = read_files(config.playbook_dir)
    async with opening.database(config) as db:
        await migrate.require_current(db)
        shelf = Shelf(db, config.pace)
        found = await AudienceView(db, shelf).plan(shelf.check(texts), datetime.now(UTC))
    return [asdict(effect) for effect in found]


async def _change(config: Settings, name: str, what: str) -> None:
    async with opening.database(config) as db:
        await migrate.require_current(db)
        outbox = Outbox(db, _Later())
        if what == "renew":
            await view.ask_renewal(outbox, name, datetime.now(UTC))
        else:
            await view.switch(outbox, name, what == "pause", datetime.now(UTC))
        await outbox.drain()


class _Later:
    """Leaves the wake-up to the worker's relay: this verb needs no Temporal."""

    async def wake(self, kind: str, key: str, flow: str = "", sender: str = "") -> None:
        raise Transient("relay", f"{kind} {key} is woken by the worker")


def _effect(row: dict[str, Any]) -> str:
    after = row["members"] + row["adds"] - row["removes"]
    return (
        f"{row['audience']}: {row['adds']} added, {row['removes']} removed"
        f" ({row['members']} now, {after} then)"
    )


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(
        "audience", "platform", "desired", "confirmed", "pending", "owed removals", "last sync"
    )
    for row in rows:
        age = row["oldest_owed_removal_seconds"]
        owed = str(row["owed_removals"])
        owed += f", oldest {timedelta(seconds=age)}" if age is not None else ""
        counts = (str(row[name]) for name in ("desired", "confirmed", "pending"))
        table.add_row(row["name"], row["platform"], *counts, owed, row["last_sync"] or "never")
    console = Console()
    console.print(table)
    for row in rows:
        notes = [*row["errors"], *(["paused: nobody is added"] if row["paused"] else [])]
        if row["too_small"]:
            notes.append("fewer members than the platform needs to show ads")
        for note in notes:
            console.print(f"{row['name']}: {note}", markup=False, soft_wrap=True)
