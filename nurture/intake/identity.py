"""Whose message is this? Names (e-mail, user id, anonymous id) lead to one lead; two leads may turn out one.

Rules: a message's strongest name decides (e-mail, then user id, then anonymous id). Leads that its names
point to are joined when at most one of them is known by e-mail, so a browser's history joins the person
who identifies in it. Two persons known by different addresses are joined only on the word of a trusted
source that gives an address or user id of both; a browser never joins them, whoever says so: a shared one
must not melt two customers into one. So a name that a browser alone tied to somebody known is only lent to
it: a trusted source that tells whose it is takes it along. So is a user id that a browser told beside an address. Apart
from whose a shared browser is, and which address a browser told of a user of whom none was known, the order of arrival
does not matter.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import uuid7

from nurture.domain.errors import Contended
from nurture.incoming import Incoming
from nurture.playbook import Playbook
from nurture.store import leads, merging, sales
from nurture.store.handover_tables import HandoverRow
from nurture.store.tables import IdentityRow, LeadRow, StageChangeRow

EMAIL, USER, ANONYMOUS = "email", "user", "anonymous"
Name = tuple[str, str]


def names(message: Incoming) -> list[Name]:
    """The message's names, strongest first. A user id that is an address is one in small letters, too."""
    given = [
        (EMAIL, message.email),
        (USER, message.user_id),
        (USER, message.previous_id),
        (ANONYMOUS, message.anonymous_id),
        (ANONYMOUS, message.previous_id),
    ]
    told = [(kind, value) for kind, value in given if value]
    if "@" in (message.user_id or "") or "@" in (message.previous_id or ""):
        spelled = ((kind, each) for kind, value in told for each in _spelled(kind, value))
        return list(dict.fromkeys(spelled))
    return told


def _spelled(kind: str, value: str) -> tuple[str, ...]:
    return (value, value.lower()) if kind == USER and "@" in value else (value,)


class Register:
    """Finds, makes and joins the leads of one batch, with one look-up for all its names.

    `over`: the handovers that ended as leads were joined, of which sales has yet to hear that."""

    def __init__(self, session: AsyncSession, playbook: Playbook) -> None:
        self._session = session
        self._lowest = playbook.lifecycle.stages[0].id
        self._rank = {stage.id: rank for rank, stage in enumerate(playbook.lifecycle.stages)}
        self._same_sale = playbook.same_sale
        self._asked: list[tuple[Incoming, list[Name]]] = []
        self._known: dict[Name, str] = {}
        self._new: list[Name] = []
        self._lent: set[Name] = set()
        self._gone: dict[str, str] = {}
        self.over: list[HandoverRow] = []
        self.rows: dict[str, LeadRow] = {}

    async def look_up(self, messages: Iterable[Incoming]) -> set[str]:
        """Every name of the batch; the ids of the leads behind them."""
        self._asked = [(message, names(message)) for message in messages]
        wanted = {name for _, given in self._asked for name in given}
        self._known, self._lent = await leads.identities(self._session, wanted)
        return set(self._known.values())

    def of_one(self, plain: Callable[[Incoming], bool]) -> dict[str, list[Incoming]]:
        """By lead, the messages looked up of those who alone are meant by every name in theirs, all of them `plain`
        and none telling whose a name is that was only lent."""
        found: dict[str | None, list[Incoming]] = defaultdict(list)
        mixed: set[str | None] = {None}
        for message, given in self._asked:
            meant = {self._known.get(name) for name in given}
            if len(meant) > 1 or not plain(message) or self._tells_whose(message, given):
                mixed |= meant
            else:
                found[meant.pop()].append(message)
        return {
            lead_id: told for lead_id, told in found.items() if lead_id and lead_id not in mixed
        }

    async def lock(self, messages: Iterable[Incoming]) -> None:
        """Load the leads that these messages may change. Raises Contended when a name became another's since it was
        looked up."""
        given = {name for message in messages for name in names(message)}
        meant = {self._known.get(name) for name in given}
        self.rows = await leads.lock_all(self._session, sorted(id_ for id_ in meant if id_))
        persons = {name for name in given if name[0] != ANONYMOUS and name in self._known}
        known, self._lent = await leads.identities(self._session, persons)
        if any(known.get(name) != self._known[name] for name in persons):
            raise Contended("name_moved", "another's meanwhile")

    def _tells_whose(self, message: Incoming, given: Sequence[Name]) -> bool:
        """Whether a trusted source tells a lent name together with one that is the person's own."""
        if not message.trusted or self._lent.isdisjoint(given):
            return False
        return any(name[0] != ANONYMOUS and name not in self._lent for name in given)

    def told(self, message: Incoming) -> tuple[set[str], set[str]]:
        """Of its addresses and user ids those that are somebody's, and those that are nobody's."""
        persons = [name for name in names(message) if name[0] != ANONYMOUS]
        theirs = {value for kind, value in persons if (kind, value) in self._known}
        return theirs, {value for kind, value in persons if (kind, value) not in self._known}

    def now(self, lead_id: str) -> LeadRow:
        """The lead of that id, or the one it was joined into meanwhile."""
        while lead_id in self._gone:
            lead_id = self._gone[lead_id]
        return self.rows[lead_id]

    async def lead_of(self, message: Incoming, source: str, now: datetime) -> LeadRow:
        """The message's lead, made or joined if need be."""
        given = names(message)
        found = [row for row in self._candidates(given) if self._can_be(row, message)]
        found = await self._without_others(found, message)
        row = await self._join(found, message, now) if found else self._create(message, source, now)
        lent = bool(found) and await self._met_in_a_browser(row, given)
        if message.email:
            await self._readdress(row, message, message.email, now)
        for name in given:
            self._attach(name, row, lent or _is_hearsay(name, message))
        if message.trusted:
            await self._take_along(row, [name for name in given if name[0] != ANONYMOUS])
        return row

    def _candidates(self, given: Sequence[Name]) -> list[LeadRow]:
        """The leads behind the names, each once, that of the strongest name first."""
        ids = dict.fromkeys(self._known[name] for name in given if name in self._known)
        return [self.rows[lead_id] for lead_id in ids]

    def _can_be(self, row: LeadRow, message: Incoming) -> bool:
        """A browser last used by somebody with another address does not make the message theirs.

        The word of a trusted source under the person's own user id does, now or before: the address has
        changed.
        """
        if not message.email or row.email in (None, message.email):
            return True
        if self._known.get((EMAIL, message.email)) == row.id:
            return True
        return message.trusted and any(
            self._is_own(name, row) for name in names(message) if name[0] == USER
        )

    def _is_own(self, name: Name, row: LeadRow) -> bool:
        """Whether the lead goes by the name, and not only since both were told of in one browser."""
        return self._known.get(name) == row.id and name not in self._lent

    async def _without_others(self, found: list[LeadRow], message: Incoming) -> list[LeadRow]:
        """Without those of whom only a browser tells, when they and the message's person have each a user id.

        An address that was only lent to one of them is free for the person who tells it now.
        """
        if len(found) == 1 and not message.user_id:
            return found
        kept = [row for row in found if self._is_told_of(row, message)]
        met = [row for row in found if not self._is_told_of(row, message)]
        is_user = bool(message.user_id) or any([await self._has_user_id(row) for row in kept])
        for row in met:
            has_one = await self._has_user_id(row)
            if not (is_user and has_one):
                kept.append(row)
            elif row.email and row.email == message.email:
                await self._give_back(row)
                await self._session.flush()  # no two leads have one address, not even for a moment
            is_user = is_user or has_one
        return kept

    def _is_told_of(self, row: LeadRow, message: Incoming) -> bool:
        """By a user id, or by an address that is its own."""
        return any(
            self._known.get(name) == row.id and (name[0] == USER or name not in self._lent)
            for name in names(message)
            if name[0] != ANONYMOUS
        )

    def _create(self, message: Incoming, source: str, now: datetime) -> LeadRow:
        row = LeadRow(
            id=str(uuid7()),
            stage=self._lowest,
            source=source,
            created_at=message.at,
            first_touch_at=message.at,
        )
        self._session.add(row)
        self._session.add(
            StageChangeRow(
                lead_id=row.id,
                to_stage=self._lowest,
                at=now,
                by="rule",
                reason="first touch",
                way=f">{self._lowest}",
            )
        )
        self.rows[row.id] = row
        return row

    async def _join(self, found: Sequence[LeadRow], message: Incoming, now: datetime) -> LeadRow:
        row = found[0]
        for other in found[1:]:
            named = self._named(other, message)
            if row.email and other.email and row.email != other.email:
                if not (message.trusted and named):
                    continue
                await self._give_back(row)
                await self._give_back(other)
            if not named:
                await self._lend(row if other.email else other)
            row, gone = _elder(row, other)
            self.over += await merging.merge(self._session, row, gone, self._rank, now)
            await sales.join(self._session, row.id, self._same_sale)
            self._gone[gone.id] = row.id
            self._known = {
                name: row.id if lead_id == gone.id else lead_id
                for name, lead_id in self._known.items()
            }
            del self.rows[gone.id]
        return row

    def _named(self, row: LeadRow, message: Incoming) -> bool:
        """By more than a browser."""
        return any(self._is_own(name, row) for name in names(message) if name[0] != ANONYMOUS)

    async def _met_in_a_browser(self, row: LeadRow, given: Sequence[Name]) -> bool:
        """Whether nothing but a browser says that the message's other names are this person's."""
        persons = [name for name in given if name[0] != ANONYMOUS]
        if all(name in self._known for name in persons) or any(
            self._is_own(name, row) for name in persons
        ):
            return False
        return row.email is not None or await self._has_user_id(row)

    async def _has_user_id(self, row: LeadRow) -> bool:
        new = (self._known[name] for name in self._new if name[0] == USER)
        return row.id in new or await leads.goes_by(self._session, row.id, USER)

    async def _readdress(
        self, row: LeadRow, message: Incoming, address: str, now: datetime
    ) -> None:
        before = row.email
        if before and before != address and message.trusted:
            await self._give_back(row)
        merging.tell_address(row, address, message.at, message.trusted)
        if row.email != before:
            merging.forget_bounces(row, now)

    async def _give_back(self, row: LeadRow) -> None:
        """An address that was only lent is its owner's again once that comes."""
        name = (EMAIL, row.email or "")
        if name in self._lent or (await leads.identities(self._session, [name]))[1]:
            row.email = None
            self._known.pop(name, None)
            self._lent.discard(name)
            self._new = [each for each in self._new if each != name]
            await leads.forget_name(self._session, *name)

    async def _lend(self, row: LeadRow) -> None:
        """A browser alone says that this is the same person as another: its names go along on trial."""
        await leads.lend_names(self._session, row.id, (EMAIL, USER))
        self._lent |= {
            name
            for name, lead_id in self._known.items()
            if lead_id == row.id and name[0] != ANONYMOUS
        }

    def write_names(self) -> None:
        """Keep the names that are new, once it is clear whose each is."""
        for kind, value in self._new:
            lead_id = self._known[kind, value]
            lent = (kind, value) in self._lent
            self._session.add(IdentityRow(kind=kind, value=value, lead_id=lead_id, by_browser=lent))
        self._new.clear()

    def _attach(self, name: Name, row: LeadRow, lent: bool) -> None:
        """Remember the name; one that belongs to somebody else stays theirs."""
        if name in self._known:
            return
        self._known[name] = row.id
        self._new.append(name)
        if lent and name[0] != ANONYMOUS:
            self._lent.add(name)

    async def _take_along(self, row: LeadRow, persons: Sequence[Name]) -> None:
        """Names that were only lent, to this lead or another, are its own now that a trusted source tells them together
        with one that is."""
        if not any(self._is_own(name, row) for name in persons):
            return
        for name in self._lent.intersection(persons):
            self._known[name] = row.id
            self._lent.discard(name)
            if name not in self._new:
                await leads.own_name(self._session, *name, row.id)


def _is_hearsay(name: Name, message: Incoming) -> bool:
    """A browser tells whose address is typed there, and not whose user id it is: a shop may know another address."""
    return name[0] == USER and bool(message.email) and not message.trusted


def _elder(one: LeadRow, other: LeadRow) -> tuple[LeadRow, LeadRow]:
    """The one that stays and the one that goes: the longer known stays."""
    pair = sorted((one, other), key=lambda row: (row.email is None, row.created_at, row.id))
    return pair[0], pair[1]
