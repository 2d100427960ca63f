"""`nurture users`: who may sign in, kept from the command line."""

import asyncio
import io
import re
from pathlib import Path

import pytest

from embedded.first_accounts import ADMIN, Person, ensure
from nurture.access import open_access
from nurture.access.accounts import Accounts
from nurture.access.passwords import Passwords
from nurture.domain.permissions import Role
from nurture.fingerprints import Fingerprints
from nurture.store.database import Database
from tests.support.command import Nurture
from tests.support.domain import NOW

EMAIL = "anna@firm.example"


def opens(folder: Path, password: str) -> bool:
    """Whether Anna gets in with it."""

    async def attempt() -> bool:
        db = Database(f"sqlite+aiosqlite:///{folder / 'data' / 'nurture.db'}")
        sessions = open_access(db, Fingerprints(["a key that is long enough"])).sessions
        found = await sessions.sign_in(EMAIL, password, "127.0.0.1", NOW)
        await db.close()
        return found is not None

    return asyncio.run(attempt())


def test_an_account_is_added_listed_given_another_password_and_removed(
    nurture: Nurture, tmp_path: Path
) -> None:
    assert nurture("db", "upgrade").returncode == 0
    added = nurture("users", "add", EMAIL, "--role", "admin", "--name", "Anna")
    first = re.search(r"Password: (\S+)", added.stdout)
    assert first, added.stderr
    assert opens(tmp_path, first[1])
    listed = nurture("users", "list").stdout
    assert "Anna" in listed
    assert "admin" in listed
    assert nurture("users", "add", "bo@firm.example", "--role", "admin").returncode == 0
    changed = nurture("users", "passwd", EMAIL)
    second = re.search(r"Password: (\S+)", changed.stdout)
    assert second
    assert not opens(tmp_path, first[1])
    assert opens(tmp_path, second[1])
    assert nurture("users", "remove", EMAIL).returncode == 0
    assert not opens(tmp_path, second[1])


def test_a_password_may_come_from_a_pipe_and_is_not_printed(
    nurture: Nurture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurture("db", "upgrade")
    monkeypatch.setattr("sys.stdin", io.StringIO("a password of mine\n"))
    added = nurture("users", "add", EMAIL, "--password-stdin")
    assert "a password of mine" not in added.stdout
    assert opens(tmp_path, "a password of mine")


def test_what_cannot_be_done_ends_with_2_and_a_reason(nurture: Nurture) -> None:
    nurture("db", "upgrade")
    nurture("users", "add", EMAIL, "--role", "admin")
    for words, reason in {
        ("add", "nobody"): "not an e-mail address",
        ("add", EMAIL): f"email: {EMAIL} has an account already",
        ("add", "bo@firm.example", "--role", "king"): "king",
        ("remove", "stranger@firm.example"): "no such account",
        ("passwd", "stranger@firm.example"): "no such account",
        ("remove", EMAIL): ("role: this is the only administrator; make somebody else one first"),
    }.items():
        ended = nurture("users", *words)
        assert ended.returncode == 2
        assert reason in ended.stderr


async def test_a_product_on_this_machine_makes_its_first_accounts_once(
    db: Database, tmp_path: Path
) -> None:
    people = (ADMIN, Person("sales@nurture.test", "Mette Holm", Role.SALES, "Mette Holm"))
    made = await ensure(db, tmp_path, people, NOW)
    assert set(made) == {ADMIN.email, "sales@nurture.test"}
    assert await ensure(db, tmp_path, people, NOW) == made
    assert (tmp_path / "sign-in.json").stat().st_mode & 0o077 == 0
    await Accounts(db, Passwords()).set_password(ADMIN.email, "a password of mine")
    assert set(await ensure(db, tmp_path, people, NOW)) == {"sales@nurture.test"}
