"""What is refused, word by word: messages that no command line reaches."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from embedded import temporal
from nurture.access import open_access
from nurture.dashboard.courses import Courses
from nurture.dashboard.versions import Versions
from nurture.delivery.links import Links
from nurture.delivery.rendering import Renderer
from nurture.domain import permissions, terms
from nurture.domain.calendar import ALWAYS
from nurture.domain.errors import InputError, StartError
from nurture.domain.lead import Lead
from nurture.fingerprints import Fingerprints
from nurture.store.database import Database
from nurture.tokens import Tokens
from nurture.versions.shelf import Shelf
from tests.support.domain import NOW
from tests.support.playbook import PLAYBOOK, TERMS, playbook


def closed_on_sundays() -> Any:
    """Terms whose holidays are no country's."""
    return replace(TERMS, calendar=replace(ALWAYS, holiday=lambda day: day.weekday() == 6))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: permissions.scopes(["leads:eat"]), "scopes: leads:eat: there is no such scope"),
        (
            lambda: permissions.scopes([]),
            "scopes: a token without a scope opens nothing; choose at least one",
        ),
        (
            lambda: terms.to_json(closed_on_sundays()),
            "terms: holidays can only be kept by country",
        ),
        (lambda: Tokens(["k"]).read("open", "x.y"), "this link is not valid"),
        (lambda: Tokens(["k"]).signed_at("open", "x.y"), "this link is not valid"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(act: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as refused:
        act()
    assert str(refused.value) == message


def test_a_link_that_is_too_old_says_so() -> None:
    tokens = Tokens(["k"])
    with time_machine.travel(NOW, tick=False):
        token = tokens.sign("open", "m1")
    with (
        time_machine.travel(NOW + timedelta(days=2), tick=False),
        pytest.raises(InputError, match="this link has expired"),
    ):
        tokens.read("open", token, max_age=timedelta(days=1))


def test_a_program_that_is_not_installed_is_named_with_its_package() -> None:
    with pytest.raises(StartError) as missing:
        temporal.program("no-such-program", "no-such-package")
    assert str(missing.value) == (
        "no program no-such-program found; install the package no-such-package"
    )


async def test_a_playbook_that_is_gone_is_named(db: Database) -> None:
    async with db.read() as session:
        with pytest.raises(StartError, match="playbook 0123456789ab is not in the database"):
            await Shelf(db).version(session, "0123456789abcdef")


def test_a_mail_without_its_files_is_named() -> None:
    renderer = Renderer(playbook(templates={}), Links("https://x", Tokens(["k"])))
    with pytest.raises(InputError) as refused:
        renderer.render(
            "hello",
            message_id="m1",
            lead=Lead("anna", "anna@firm.dk"),
            sender=PLAYBOOK.senders["courses"],
            flow="welcome",
            step="hello",
            persona=None,
            tracking=False,
        )
    assert str(refused.value) == "templates/email/hello/: needs subject.txt and body.mjml"


async def test_what_is_not_in_force_cannot_be_looked_at(db: Database) -> None:
    for act, message in (
        (Versions(db, Shelf(db)).files("v9"), "there is no such version of the playbook"),
        (
            Courses(db, Shelf(db)).pause("welcome", True, "ida", NOW),
            "welcome: there is no such flow in force",
        ),
    ):
        with pytest.raises(InputError) as refused:
            await act
        assert str(refused.value) == message


async def test_what_an_account_cannot_be_is_said_by_field(db: Database) -> None:
    access = open_access(db, Fingerprints(["key"]))
    row = await access.accounts.add("a@firm.dk", "", "admin", "", "a long password", NOW)
    for act, message in (
        (access.accounts.add("b@firm.dk", "", "king", "", "", NOW), "role: must be one of "),
        (
            access.accounts.set_password("a@firm.dk", "short"),
            "password: must have 10 to 200 characters",
        ),
        (
            access.accounts.replace_password(row.id, "wrong", "another password"),
            "old: is not the one you sign in with",
        ),
        (access.accounts.choose(row.id, "en", "pink"), "theme: must be light, dark or empty"),
        (access.tokens.create(" ", [], "ida", NOW), "name: say what the token is for"),
        (access.tokens.revoke("t9", NOW), "token: there is no such token"),
    ):
        with pytest.raises(InputError) as refused:
            await act
        assert str(refused.value)[: len(message)] == message
