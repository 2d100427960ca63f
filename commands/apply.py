"""`nurture plan`, `apply` and `rollback`: the playbook on disk against the one in force, and leads in flight."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import typer

from commands import opening
from embedded import local
from nurture.audiences import ad_accounts
from nurture.audiences.comparing import Effect, effects
from nurture.mail import mail_accounts
from nurture.mail.mail_accounts import MailAccounts
from nurture.playbook import Playbook
from nurture.playbook.planning import UNREAD
from nurture.playbook.source import read_files
from nurture.settings import Settings
from nurture.store import migrate
from nurture.versions.crossings import Crossing, crossings
from nurture.versions.shelf import Plan, Shelf

_JUDGING = tuple(f"config/{name}.yaml" for name in ("scoring", "stages", "personas", "traits"))
_LISTING = (*_JUDGING, "config/audiences.yaml")


@dataclass(frozen=True)
class _Found:
    """What `apply` would change: `crossings` by the rules of stages, `effects` on audiences; none when the
    rules are the same."""

    plan: Plan
    crossings: Sequence[Crossing] = ()
    effects: Sequence[Effect] = ()


By = Annotated[str, typer.Option(envvar="USER", help="Who did it.")]


def plan(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what `apply` would change, and what becomes of the leads in flight."""
    found = asyncio.run(_plan(opening.load()))
    typer.echo(json.dumps(_as_json(found), indent=2) if as_json else _as_text(found))


def apply(by: By = "operator") -> None:
    """Put the playbook on disk in force, if it has no errors; and say what mails and audiences of it wait for.

    `nurture plan` tells before what becomes of the leads in flight."""
    typer.echo(asyncio.run(_apply(opening.load(), by)))


def rollback(by: By = "operator") -> None:
    """Put the playbook back in force that was before; leads in flight follow it as after any edit."""
    typer.echo(asyncio.run(_rollback(opening.load(), by)))


def _as_json(found: _Found) -> dict[str, Any]:
    return {
        "playbook": found.plan.playbook.hash,
        **asdict(found.plan.difference),
        "leads": [asdict(affected) for affected in found.plan.affected],
        "stages": [asdict(stage) for stage in found.crossings],
        "audiences": [asdict(effect) for effect in found.effects],
    }


def _as_text(found: _Found) -> str:
    lines = list(found.plan.difference.files)
    lines += [_crossing(stage) for stage in found.crossings if stage.up or stage.down]
    lines += [
        f"  {effect.adds} would be added to the audience {effect.audience}, {effect.removes} removed"
        for effect in found.effects
        if effect.adds or effect.removes
    ]
    for change in found.plan.difference.flows:
        lines += ["", f"flow {change.flow or change.before}"]
        lines += [f"  {words}" for words in change.changes]
        lines += [
            f"  {affected.leads} at {affected.step or 'the end'}: {affected.fate}"
            for affected in found.plan.affected
            if affected.flow == change.before
        ]
    return "\n".join(lines).strip() or "nothing would change"


def _crossing(found: Crossing) -> str:
    handed = f"; {found.handed_over} would be handed to sales" if found.handed_over else ""
    return (
        f"  {found.up} leads would newly qualify for {found.stage}, {found.down} no longer{handed}"
    )


async def _plan(config: Settings) -> _Found:
    """With how many leads changed rules would judge differently, and whom they would move on audiences."""
    texts, now = read_files(config.playbook_dir), datetime.now(UTC)
    async with opening.database(config) as db:
        await migrate.require_current(db)
        shelf = Shelf(db, config.pace)
        found = await shelf.plan(texts, now)
        crossing: Sequence[Crossing] = ()
        if found.before and _touched(found, _JUDGING):
            async with db.read() as session:
                crossing = await crossings(session, found.before, found.playbook, now)
        moved = await effects(db, found.playbook, now) if _touched(found, _LISTING) else ()
        return _Found(found, crossing, moved)


def _touched(found: Plan, files: Sequence[str]) -> bool:
    """Whether any of these is new, gone or says something else."""
    ways = ("added", "removed", "changed")
    return any(f"{way} {file}" in found.difference.files for way in ways for file in files)


async def _apply(config: Settings, by: str) -> str:
    texts = read_files(config.playbook_dir)
    async with opening.database(config) as db:
        await migrate.require_current(db)
        shelf = Shelf(db, config.pace)
        playbook = shelf.check(texts)
        lacking = await _lacking(playbook, local.accounts(config))
        unread = await shelf.unread()
        await shelf.put_in_force(playbook, texts, by, datetime.now(UTC))
    for each in lacking:
        typer.echo(each, err=True)
    return _done(playbook, "is in force", unread)


async def _lacking(playbook: Playbook, config: Settings) -> Sequence[str]:
    """Accounts that the playbook names and the settings do not have. Raises StartError for a bad secret."""
    async with httpx.AsyncClient() as http:  # nobody is called
        platforms = ad_accounts.open_accounts(config, http, lambda: datetime.now(UTC))
        return [
            *ad_accounts.lacking(playbook.audiences.values(), platforms),
            *mail_accounts.lacking(playbook, MailAccounts(config, http), config),
        ]


async def _rollback(config: Settings, by: str) -> str:
    async with opening.database(config) as db:
        await migrate.require_current(db)
        shelf = Shelf(db, config.pace)
        unread = await shelf.unread()
        playbook = await shelf.rollback(by, datetime.now(UTC))
        return _done(playbook, "is in force again", unread)


def _done(playbook: Playbook, what: str, unread: bool) -> str:
    note = f"\n{UNREAD}" if unread else ""
    return f"playbook {playbook.hash[:12]} {what}{note}"
