"""What each thing that happens to a mail makes of its entry in the ledger, from every state; on both databases."""

from collections.abc import Awaitable, Callable, Mapping

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.errors import InputError
from nurture.domain.feedback import Event, Kind
from nurture.domain.flow import RefuseMail
from nurture.store import messages
from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow
from tests.support.domain import NOW
from tests.support.mails import mail, sent
from tests.support.playbook import PLAYBOOK
from tests.support.world import World

Deed = Callable[[World, EnrolmentRow, str], Awaitable[None]]

OUT = ("accepted", "delivered", "failed", "bounced", "complained")
"""What is known of the mail cannot be unlearned by us."""


def _ours(do: Callable[[AsyncSession, EnrolmentRow, str], Awaitable[None]]) -> Deed:
    """In a transaction on the ledger itself."""

    async def deed(world: World, run: EnrolmentRow, name: str) -> None:
        async with world.db.write() as session:
            await do(session, run, name)

    return deed


def _found_out(state: str) -> Deed:
    """What its sender says became of the attempt."""
    return _ours(lambda session, _, name: messages.record(session, name, state, "", None, NOW))


def _news(kind: Kind) -> Deed:
    async def deed(world: World, _: EnrolmentRow, name: str) -> None:
        await world.feedback.take("resend", [Event(f"{kind}/{name}", kind, NOW, (name,))], NOW)

    return deed


def _says(went_out: bool) -> Deed:
    async def deed(world: World, _: EnrolmentRow, name: str) -> None:
        if name == "unknown":
            await world.mails.settle([name], went_out, "Bo", NOW)
        else:
            with pytest.raises(InputError, match="only unknown ones"):
                await world.mails.settle([name], went_out, "Bo", NOW)

    return deed


def _to(state: str, *states: str) -> dict[str, str]:
    return dict.fromkeys(states, state)


DEEDS: Mapping[str, tuple[Deed, Mapping[str, str]]] = {
    "the gate refuses it": (
        _ours(
            lambda session, run, name: messages.refuse(
                session, PLAYBOOK, run, RefuseMail(name, "hello", "complaint"), NOW
            )
        ),
        {"planned": "refused", "claimed": "unknown"},
    ),
    "its attempt was not taken": (
        _ours(lambda session, _, name: messages.put_back(session, name, 1, "not now", "smtp")),
        {"claimed": "planned"},
    ),
    "its attempt was taken": (
        _found_out("accepted"),
        _to("accepted", "planned", "claimed", "unknown"),
    ),
    "its attempt got no answer": (
        _found_out("unknown"),
        _to("unknown", "planned", "claimed"),
    ),
    "its attempt found no mailbox": (
        _found_out("bounced"),
        _to("bounced", "planned", "claimed", "unknown"),
    ),
    "its step is gone": (
        _ours(lambda session, run, _: messages.give_up(session, run, "its step was deleted", NOW)),
        {"claimed": "unknown"},
    ),
    "the database was restored": (
        _ours(lambda session, _, name: messages.suspect_open(session, "restored", NOW)),
        _to("unknown", "planned", "claimed"),
    ),
    "a person says it went out": (_says(True), {"unknown": "accepted"}),
    "a person says it did not": (_says(False), {"unknown": "planned"}),
    "it arrived": (
        _news(Kind.DELIVERED),
        _to("delivered", "refused", "planned", "claimed", "unknown", "accepted"),
    ),
    "it came back": (
        _news(Kind.HARD_BOUNCE),
        _to("bounced", *(state for state in messages.STATES if state != "complained")),
    ),
    "its reader complains": (_news(Kind.COMPLAINED), _to("complained", *messages.STATES)),
}
"""What makes which state into which; every other stays what it is."""


@pytest.mark.parametrize("what", DEEDS)
async def test_every_state_of_a_mail_and_what_it_becomes(db: Database, what: str) -> None:
    deed, becomes = DEEDS[what]
    world = World(db)
    for state in messages.STATES:
        await sent(world, state, state=state, attempts=1)
    [run] = await world.rows(EnrolmentRow)
    for state in messages.STATES:
        await deed(world, run, state)
    found = {state: (await mail(world, state)).state for state in messages.STATES}
    assert found == {state: becomes.get(state, state) for state in messages.STATES}


def test_nothing_that_we_do_takes_back_what_is_known_of_a_mail() -> None:
    news = ("it arrived", "it came back", "its reader complains")
    for what, (_, becomes) in DEEDS.items():
        assert what in news or not becomes.keys() & set(OUT), what
