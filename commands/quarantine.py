"""`nurture quarantine`: what could not be used, another try with a release that reads more, and away with it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

import typer

from commands import opening
from embedded import local
from nurture.domain.errors import InputError
from nurture.domain.sources import FORM, PROVIDER
from nurture.incoming import Incoming
from nurture.intake.quarantine import Quarantine
from nurture.store import migrate
from nurture.store.tables import QuarantineRow
from nurture.web import fields, forms
from nurture.web.segment import Origin, parse
from nurture.web.sources import Sources
from services import Services, assemble

app = typer.Typer(
    help="What could not be used: list, retry, drop.", no_args_is_help=True, add_completion=False
)


_BY_ID_ALONE = (FORM, PROVIDER)
"""Sources of what is not read again by itself: robots' answers, and news that the provider has to tell anew."""


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the latest, with ids and reasons."""
    rows = asyncio.run(_list(limit))
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    lines = [f"{row['id']}  {row['at']}  {row['source']}: {row['reason']}" for row in rows]
    typer.echo("\n".join(lines) or "nothing is in quarantine")


@app.command()
def retry(
    ids: Annotated[list[int] | None, typer.Argument(help="Only these rows of the list.")] = None,
) -> None:
    """Read messages again, after an upgrade to a release that understands more of them. Exits with 1 when some still
    cannot be used; those stay.

    What a form's honeypot caught is read only when its id is given: it was a robot, unless you know better."""
    taken, left = asyncio.run(_retry(ids or []))
    typer.echo(f"{taken} messages taken, {len(left)} rows still cannot be used")
    for line in left if ids else ():
        typer.echo(line)
    if left:
        raise typer.Exit(1)


@app.command()
def drop(ids: Annotated[list[int], typer.Argument(help="Rows of the list.")]) -> None:
    """Forget these for good."""
    asyncio.run(_drop(ids))
    typer.echo(f"{len(set(ids))} rows dropped")


async def _list(limit: int) -> list[dict[str, Any]]:
    async with opening.database(opening.load()) as db:
        await migrate.require_current(db)
        return await Quarantine(db).latest(limit)


async def _drop(ids: Sequence[int]) -> None:
    async with opening.database(opening.load()) as db:
        await migrate.require_current(db)
        quarantine = Quarantine(db)
        for row in await quarantine.named(ids):
            await quarantine.drop(row)


async def _retry(ids: Sequence[int]) -> tuple[int, list[str]]:
    """How many messages were taken, and which rows had to stay, with the reasons."""
    async with assemble(local.known(opening.load()), lazy=True) as services:
        quarantine, sources = Quarantine(services.db), Sources(services.settings)
        taken, left = 0, []
        async for row in _asked(quarantine, ids):
            try:
                taken += await _again(services, sources, row)
            except InputError as error:
                left.append(f"{row.id}  {row.source}: {error}")
            else:
                await quarantine.drop(row)
        return taken, left


async def _asked(quarantine: Quarantine, ids: Sequence[int]) -> AsyncIterator[QuarantineRow]:
    if ids:
        for row in await quarantine.named(ids):
            yield row
        return
    async for row in quarantine.everything():
        if not row.source.startswith(_BY_ID_ALONE):
            yield row


async def _again(services: Services, sources: Sources, row: QuarantineRow) -> int:
    """Messages taken, as of when they came. Raises InputError when the row has to stay, whole, because one of them is
    still unusable."""
    try:
        body = json.loads(row.raw)
    except ValueError as error:
        raise InputError("is not JSON, or was too long to be kept whole") from error
    if row.source.startswith(FORM):
        messages = await _filled_in(services, row, body)
    else:
        messages = _told(sources, row, body)
    return (await services.intake.take(row.source, messages, services.now())).accepted


def _told(sources: Sources, row: QuarantineRow, body: Any) -> Sequence[Incoming]:
    known = sources.by_name(row.source)
    if known is None:
        raise InputError("no key has this name; whoever told it has to tell it again")
    messages = body if isinstance(body, list) else [body]
    parsed = parse(messages, Origin(known.name, known.trusted, row.at))
    if parsed.refused:
        raise InputError(parsed.refused[0].reason)
    return parsed.messages


async def _filled_in(services: Services, row: QuarantineRow, body: Any) -> Sequence[Incoming]:
    """A person's answers after all, by the form as the playbook in force has it."""
    async with services.db.read() as session:
        playbook = await services.shelf.current(session)
    form = playbook.forms.get(row.source.removeprefix(FORM))
    if form is None:
        raise InputError("the playbook in force has no such form")
    answers = {
        name: fields.Repeated(said) if isinstance(said, list) and said else said
        for name, said in body.items()
    }
    return forms.read(form, playbook.traits, answers, "", "", row.at)
