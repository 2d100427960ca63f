"""Whoever asked to be forgotten is known again by fingerprints of its names alone, and does not come back by them.

A user id that a browser alone tied to it may be another's, who shares that browser: its fingerprint is another one, and
holds until a trusted source tells whose it is.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.fingerprints import Fingerprints, spellings
from nurture.incoming import Incoming
from nurture.intake.identity import EMAIL, USER, Name, Register
from nurture.store import erasing, leads


async def remember(
    session: AsyncSession,
    fingerprints: Fingerprints,
    names: Collection[Name],
    asked: str,
    by: str,
    now: datetime,
) -> None:
    """Keep fingerprints of the person's `names`, while they are still its. `asked`: under which one it asked, so that
    this one is its own."""
    _, lent = await leads.identities(session, names)
    doubtful = {value for kind, value in lent if kind == USER} - {asked}
    known = spellings({value for kind, value in names if kind in (EMAIL, USER)} - doubtful)
    marks = {fingerprints.of(name) for name in known}
    marks |= {fingerprints.of(name, lent=True) for name in spellings(doubtful) - known}
    await erasing.remember(session, sorted(marks), by, now)


async def brought_back(
    session: AsyncSession,
    fingerprints: Fingerprints,
    register: Register,
    messages: Sequence[Incoming],
) -> set[str]:
    """Ids of messages that would bring back somebody who asked to be forgotten.

    Whoever came back has its other names again as they are told.
    """
    told = [_told(fingerprints, register, message) for message in messages]
    wanted = {mark for each in told for mark in (*each.back, *each.new, *each.lent)}
    found = await erasing.remembered(session, wanted) if wanted else set()
    tied = {mark for each in told if each.ties and not each.new & found for mark in each.lent}
    return {
        each.message_id
        for each in told
        if (each.new | each.lent) & (found - tied) and not each.back & found
    }


class _Told(NamedTuple):
    """Fingerprints of what a message tells: of names that are somebody's, of new ones, and of these if they were lent.
    `ties`: it tells whose its new names are."""

    message_id: str
    back: set[str]
    new: set[str]
    lent: set[str]
    ties: bool


def _told(fingerprints: Fingerprints, register: Register, message: Incoming) -> _Told:
    theirs, new = register.told(message)
    spelled = spellings(new)
    return _Told(
        message.message_id,
        {mark for name in theirs for mark in fingerprints.all_of(name)} if new else set(),
        {mark for name in spelled for mark in fingerprints.all_of(name)},
        {mark for name in spelled for mark in fingerprints.all_of(name, lent=True)},
        message.trusted and bool(message.email or theirs),
    )
