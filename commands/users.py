"""`nurture users`: who may sign in to the dashboard."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from commands import opening
from nurture.access import Access, open_access
from nurture.access.passwords import invented
from nurture.domain.permissions import Role
from nurture.fingerprints import Fingerprints
from nurture.store import migrate

app = typer.Typer(help="Who may sign in to the dashboard.", no_args_is_help=True)

T = TypeVar("T")
Email = Annotated[str, typer.Argument(help="The address to sign in with.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Take the password from stdin, not invent one.")
]
OPERATOR = "operator"


@app.command("list")
def list_() -> None:
    """List the accounts."""
    table = Table("e-mail", "name", "role", "gets leads as", "last seen", box=None)
    for row in asyncio.run(_with(lambda access: access.accounts.all())):
        seen = f"{row.seen_at:%Y-%m-%d %H:%M}" if row.seen_at else "never"
        table.add_row(row.email, row.name, row.role, row.owner, seen)
    Console().print(table)


@app.command()
def add(
    email: Email,
    role: Annotated[Role, typer.Option(help="What the account may do.")] = Role.MARKETING,
    name: Annotated[str, typer.Option(help="What colleagues call them.")] = "",
    owner: Annotated[
        str, typer.Option(help="For sales: the name in sla.yaml under which leads are given.")
    ] = "",
    password_stdin: FromStdin = False,
) -> None:
    """Add an account. Its password is invented and printed, unless it comes from stdin."""
    password = _password(password_stdin)

    async def work(access: Access) -> None:
        row = await access.accounts.add(email, name, role, owner, password, datetime.now(UTC))
        await access.audit.note(OPERATOR, "add_account", datetime.now(UTC), row.id, "done", role)

    asyncio.run(_with(work))
    typer.echo(f"{email} may sign in as {role}.{_told(password, password_stdin)}")


@app.command()
def passwd(email: Email, password_stdin: FromStdin = False) -> None:
    """Give an account another password. Ends its sessions."""
    password = _password(password_stdin)

    async def work(access: Access) -> None:
        row = await access.accounts.set_password(email, password)
        await access.audit.note(OPERATOR, "set_password", datetime.now(UTC), row.id, "done")

    asyncio.run(_with(work))
    typer.echo(f"{email} has another password.{_told(password, password_stdin)}")


@app.command()
def remove(email: Email) -> None:
    """Remove an account and end its sessions. The last administrator stays."""

    async def work(access: Access) -> None:
        row = await access.accounts.remove(email)
        await access.audit.note(OPERATOR, "remove_account", datetime.now(UTC), row.id, "done")

    asyncio.run(_with(work))
    typer.echo(f"{email} may no longer sign in.")


async def _with(work: Callable[[Access], Awaitable[T]]) -> T:
    async with _opened() as access:
        return await work(access)


@asynccontextmanager
async def _opened() -> AsyncIterator[Access]:
    config = opening.load()
    async with opening.database(config) as db:
        await migrate.require_current(db)
        yield open_access(db, Fingerprints(["counts nothing here"]))


def _password(from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if from_stdin else invented()


def _told(password: str, from_stdin: bool) -> str:
    return "" if from_stdin else f" Password: {password}"
