"""`nurture import`: a list of leads from a CSV file; what is wrong with a row keeps no other row out."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from commands import csv_rows, opening
from commands.csv_rows import Reject, Row
from commands.importing import mapping
from commands.importing.bookmark import Bookmark, Tally
from commands.importing.dry_run import DryRun
from commands.importing.mapping import Mapped
from embedded import local
from nurture.domain.errors import InputError, StartError
from nurture.domain.sources import IMPORT
from nurture.incoming import Incoming, Receipt
from nurture.settings import Settings
from nurture.store.address import place
from services import Services, assemble

BATCH = 200

Take = Callable[[Sequence[Incoming]], Awaitable[Receipt]]
Refuse = Callable[[Reject | None], int]
"""Writes a rejected row, if there is one; the size in bytes of their file."""


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
        typer.Option(
            help="Where rejected rows go. Default: beside FILE, ending in .rejects.csv, or .dry-run.csv"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be taken; store nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import leads from a CSV file.

    A column goes to email, user_id, stage, a consent (email_marketing, ad_audiences, tracking: yes or no), when and
    to what the row's consents were given (consent_at, consent_wording, consent_proof), or the trait of its name.
    Stopped, it goes on where it was when the same command is given again. The same file imported twice changes
    nothing; written anew it is another list, whose word is the latest. A yes in it does not bring mails back to who
    unsubscribed. Exits with 1 when rows were rejected."""
    config = local.known(opening.load())
    rejects = rejects or _beside(file, dry_run)
    columns, rows = csv_rows.read(file)
    targets = mapping.targets(columns, map_file)
    inputs = [file, map_file] if map_file else [file]
    mark = Bookmark.open(file, inputs, place(config.database), rejects)
    begun = mark.line
    mapped = Mapped(targets, {}, file.name, _edition(file), map_file)
    try:
        if dry_run:
            tally = asyncio.run(_rehearse(config, file, rows, mapped, rejects))
        else:
            tally = asyncio.run(_run(config, file, rows, mapped, rejects, mark))
    except KeyboardInterrupt:
        where = "" if dry_run else f" after line {mark.line}; the same command goes on there"
        typer.echo(f"stopped{where}", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(json.dumps(asdict(tally), indent=2))
    else:
        typer.echo(_told(tally, rejects, begun, dry_run))
    if tally.rejected:
        raise typer.Exit(1)


def _beside(file: Path, dry_run: bool) -> Path:
    """A dry run has a file of its own: a stopped import goes on with the one it began."""
    return file.with_name(f"{file.stem}.{'dry-run' if dry_run else 'rejects'}.csv")


def _edition(file: Path) -> str:
    """The same file has the same one. A list that is written anew has another: it may say word for word what an
    earlier one said, and yet be the latest word."""
    return f"{file.stat().st_mtime_ns} {sha256(file.read_bytes()).hexdigest()}"


async def _run(
    config: Settings,
    file: Path,
    rows: Iterable[Row | Reject],
    mapped: Mapped,
    rejects: Path,
    mark: Bookmark,
) -> Tally:
    async with assemble(config, lazy=True) as services:
        mapped = await _knowing(services, mapped)

        async def take(messages: Sequence[Incoming]) -> Receipt:
            return await services.intake.take(IMPORT, messages, services.now())

        with writing(rejects, mark) as refuse, _bar(file) as tell:
            return await bring_in(rows, mapped, take, refuse, services.now(), mark, tell)


async def _rehearse(
    config: Settings,
    file: Path,
    rows: Iterable[Row | Reject],
    mapped: Mapped,
    rejects: Path,
) -> Tally:
    """All but the keeping: which rows could be used, and which of their leads are known already."""
    async with assemble(config, lazy=True) as services:
        mapped = await _knowing(services, mapped)
        take = DryRun(services).take
        with writing(rejects) as refuse, _bar(file) as tell:
            return await bring_in(rows, mapped, take, refuse, services.now(), None, tell)


async def _knowing(services: Services, mapped: Mapped) -> Mapped:
    """With the kinds of the traits of the playbook in force."""
    async with services.db.read() as session:
        playbook = await services.shelf.current(session)
    return mapped.knowing(playbook.traits)


async def bring_in(
    rows: Iterable[Row | Reject],
    mapped: Mapped,
    take: Take,
    refuse: Refuse,
    began: datetime,
    mark: Bookmark | None = None,
    tell: Callable[[int], None] = lambda line: None,
) -> Tally:
    """Every row goes to `take` or to `refuse`; those up to the `mark` did so earlier.

    The mark is moved after each batch. `tell` hears the line that was reached.
    """
    tally = mark.tally if mark else Tally()
    tally.undeclared = mapped.undeclared()

    def reject(found: Reject) -> int:
        tally.reject(found.reason)
        return refuse(found)

    ahead = (row for row in rows if mark is None or row.line > mark.line)
    usable = _usable(ahead, mapped, reject, began)
    while batch := list(islice(usable, BATCH)):
        by_id = {message.message_id: row for row, message in batch}
        receipt = await take([message for _, message in batch])
        tally.take(receipt)
        for message_id, reason in receipt.refused:
            reject(by_id[message_id].rejected(reason))
        tell(batch[-1][0].line)
        if mark:
            mark.line, mark.rejects = batch[-1][0].line, refuse(None)
            mark.save()
    if mark:
        mark.remove()
    return tally


def _usable(
    rows: Iterable[Row | Reject],
    mapped: Mapped,
    reject: Callable[[Reject], int],
    began: datetime,
) -> Iterator[tuple[Row, Incoming]]:
    for row in rows:
        if isinstance(row, Reject):
            reject(row)
            continue
        try:
            yield row, mapped.message(row, began)
        except InputError as error:
            reject(row.rejected(str(error)))


@contextmanager
def writing(path: Path, mark: Bookmark | None = None) -> Iterator[Refuse]:
    """A file of rejected rows: line, reason and the row as it stood. None is left when there are none.

    After a `mark` it is continued. Raises StartError before anything was read when it cannot be written.
    """
    begun = mark.rejects if mark else 0
    try:
        file = path.open("r+b" if begun else "wb")
    except OSError as error:
        raise StartError(
            f"{path}: cannot be written: {error.strerror}; say with --rejects where it can"
        ) from error
    with file, io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="") as text:
        file.truncate(begun)
        file.seek(begun)
        table = csv.writer(text)
        if not begun:
            table.writerow(("line", "reason", "row"))

        def refuse(found: Reject | None) -> int:
            if found:
                table.writerow((found.line, found.reason, found.text))
            text.flush()
            return file.tell()

        head = refuse(None)
        yield refuse
        empty = not begun and refuse(None) == head
    if empty:
        path.unlink()


@contextmanager
def _bar(file: Path) -> Iterator[Callable[[int], None]]:
    """How many of the file's lines are done, for people at a terminal."""
    with file.open("rb") as lines:
        total = sum(1 for _ in lines)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("importing", total=total)
        yield lambda line: bar.update(task, completed=line)


def _told(tally: Tally, rejects: Path, begun: int, dry_run: bool) -> str:
    lines = [f"{tally.accepted} rows taken, {tally.duplicates} known already"]
    if dry_run:
        lines = [
            f"{tally.accepted} rows would make new leads, {tally.duplicates} are of leads known"
            " already; nothing was stored"
        ]
    if begun and not dry_run:
        lines.insert(0, f"gone on after line {begun}; with what an earlier run took:")
    if tally.rejected:
        lines.append(f"{tally.rejected} rows rejected, see {rejects}")
        lines += [f"  {number} x {reason}" for reason, number in sorted(tally.reasons.items())]
    if tally.undeclared:
        names = ", ".join(tally.undeclared)
        lines.append(f"kept as texts, since config/traits.yaml does not declare them: {names}")
    return "\n".join(lines)
