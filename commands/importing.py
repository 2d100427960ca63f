"""`nurture import`: a list of leads from a CSV file; what is wrong with a row keeps no other row out."""

import asyncio
import csv
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from commands import csv_rows, mapping, opening
from commands.csv_rows import Reject, Row
from commands.mapping import Mapped
from embedded import local
from nurture.domain.errors import InputError, StartError
from nurture.incoming import Incoming, Receipt
from nurture.settings import Settings
from services import assemble, require_ready

BATCH = 200

Take = Callable[[Sequence[Incoming]], Awaitable[Receipt]]
Refuse = Callable[[Reject], None]


@dataclass
class Tally:
    """What became of a file's rows."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file whose first line names the columns.")],
    map_file: Annotated[
        Path | None,
        typer.Option(
            "--map", help="YAML with lines `Column name: target`. Default: each column's own name."
        ),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where rejected rows go. Default: beside FILE, ending in .rejects.csv"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import leads from a CSV file.

    A column goes to email, user_id, a consent (email_marketing, ad_audiences, tracking: yes or no), or
    the trait of its name. Exits with 1 when rows were rejected."""
    config = opening.load()
    rejects = rejects or file.with_name(f"{file.stem}.rejects.csv")
    tally = asyncio.run(_run(local.known(config), file, map_file, rejects))
    if as_json:
        typer.echo(json.dumps(tally.__dict__, indent=2))
    else:
        typer.echo(_told(tally, rejects))
    if tally.rejected:
        raise typer.Exit(1)


async def _run(config: Settings, file: Path, map_file: Path | None, rejects: Path) -> Tally:
    columns, rows = csv_rows.read(file)
    targets = mapping.targets(columns, map_file)
    async with assemble(config, lazy=True) as services:
        await require_ready(services)
        async with services.db.read() as session:
            playbook = await services.shelf.current(session)
        mapped = Mapped(targets, playbook.traits, source=f"import/{file.name}")

        async def take(messages: Sequence[Incoming]) -> Receipt:
            return await services.intake.take("import", messages, services.now())

        with writing(rejects) as refuse:
            return await bring_in(rows, mapped, take, refuse, services.now())


async def bring_in(
    rows: Iterable[Row | Reject], mapped: Mapped, take: Take, refuse: Refuse, now: datetime
) -> Tally:
    """Every row goes to `take` or to `refuse`."""
    tally = Tally()

    def reject(found: Reject) -> None:
        tally.rejected += 1
        tally.reasons[found.reason] = tally.reasons.get(found.reason, 0) + 1
        refuse(found)

    usable = _usable(rows, mapped, reject, now)
    while batch := list(islice(usable, BATCH)):
        by_id = {message.message_id: row for row, message in batch}
        receipt = await take([message for _, message in batch])
        tally.accepted += receipt.accepted
        tally.duplicates += receipt.duplicates
        for message_id, reason in receipt.refused:
            reject(by_id[message_id].rejected(reason))
    return tally


def _usable(
    rows: Iterable[Row | Reject], mapped: Mapped, reject: Refuse, now: datetime
) -> Iterator[tuple[Row, Incoming]]:
    for row in rows:
        if isinstance(row, Reject):
            reject(row)
            continue
        try:
            yield row, mapped.message(row.values, now)
        except InputError as error:
            reject(row.rejected(str(error)))


@contextmanager
def writing(path: Path) -> Iterator[Refuse]:
    """A file of rejected rows: line, reason and the row as it stood. None is left when there are none.

    Raises StartError before anything was read when it cannot be written.
    """
    try:
        file = path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise StartError(f"{path}: cannot be written: {error.strerror}") from error
    with file:
        table = csv.writer(file)
        table.writerow(("line", "reason", "row"))
        written = 0

        def refuse(found: Reject) -> None:
            nonlocal written
            written += 1
            table.writerow((found.line, found.reason, found.text))

        yield refuse
    if not written:
        path.unlink()


def _told(tally: Tally, rejects: Path) -> str:
    lines = [f"{tally.accepted} rows taken, {tally.duplicates} known already"]
    if tally.rejected:
        lines.append(f"{tally.rejected} rows rejected, see {rejects}")
        lines += [f"  {number} x {reason}" for reason, number in sorted(tally.reasons.items())]
    return "\n".join(lines)
