"""What holds of leads in flight whatever series of edits meets them: steps renamed, moved, inserted and removed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.domain.calendar import Span
from nurture.domain.edits import adopt, alike, counterpart, fate
from nurture.domain.flow import Cursor, Email, Flow, InFlight, SendMail, Split, Step, Wait, advance
from nurture.domain.renaming import knowing, succeeding, told
from tests.support.domain import DAY, NOW, at, facts, flow

KINDS = ("mail", "wait", "split")


@dataclass(frozen=True)
class Written:
    """One version of the file: which step stands where and what it is called; `was` as its author says it."""

    order: tuple[int, ...]
    names: Mapping[int, str]
    was: Mapping[str, str] = field(default_factory=dict)
    had: Mapping[str, int] = field(default_factory=dict)
    """First names, and which step had them last. Another may take one while its step is there, and keeps it: of a name
    that two had and neither has nobody can tell whose it was."""

    def flow(self) -> Flow:
        after: list[int | None] = [*self.order[1:], None][: len(self.order)]
        steps = {
            self.names[number]: self._step(number, None if then is None else self.names[then])
            for number, then in zip(self.order, after, strict=True)
        }
        first = self.names[self.order[0]] if self.order else None
        outline = str([KINDS[number % 3] for number in self.order])
        return replace(
            flow(steps),
            first=first,
            was=self.was,
            revision=str(self),
            outline=outline,
        )

    def _step(self, number: int, then: str | None) -> Step:
        match KINDS[number % 3]:
            case "mail":
                return Email(f"mail-{number}", then)
            case "wait":
                return Wait(Span((number + 1) * DAY), next=then)
            case _:
                return Split(((1, then), (1, then)))


class Draft:
    """A version that is being edited; `born` tells its new steps and names from those of other edits."""

    def __init__(self, draw: st.DrawFn, before: Written, born: int, reusing: bool) -> None:
        self.reusing = reusing
        self.draw, self.before, self.born = draw, before, born
        self.order, self.names, self.had = list(before.order), dict(before.names), dict(before.had)
        self.taken, self.was = set(before.names.values()), dict[str, str]()

    def remove(self) -> None:
        for number in self._some(self.order, 2):
            self.order.remove(number)
            del self.names[number]

    def rename(self) -> None:
        for number in self._some(
            [each for each in self.order if self.names[each] not in self.had], 3
        ):
            before = self.names[number]
            if number not in self.had.values():
                self.had[before] = number
            self.names[number] = self.was[before] = self._name(f"s{number}", number)

    def move(self) -> None:
        if self.draw(st.booleans()):
            self.order = self.draw(st.permutations(self.order))

    def insert(self) -> None:
        for number in range(self.born, self.born + self.draw(st.integers(0, 2))):
            self.names[number] = self._name(f"n{number}", number)
            self.order.insert(self.draw(st.integers(0, len(self.order))), number)

    def written(self) -> Written:
        """Lines about earlier edits may be tidied away or not."""
        stale = {old: self.was.get(name, name) for old, name in self.before.was.items()}
        said = {old: name for old, name in stale.items() if self.draw(st.booleans())} | self.was
        live = set(self.names.values())
        said = {old: name for old, name in said.items() if old not in live and name in live}
        return Written(tuple(self.order), self.names, said, self.had)

    def _some(self, numbers: list[int], most: int) -> list[int]:
        if not numbers:
            return []
        return self.draw(st.lists(st.sampled_from(numbers), unique=True, max_size=most))

    def _name(self, fresh: str, number: int) -> str:
        """Or the first name of a step that is there still and called otherwise."""
        had = self.had.items() if self.reusing else ()
        free = {name for name, its in had if its in self.names}
        name = self.draw(st.sampled_from([f"{fresh}-{self.born}", *sorted(free - self.taken)]))
        self.taken.add(name)
        if name in free:
            self.had[name] = number
        return name


@st.composite
def histories(draw: st.DrawFn, renaming_only: bool = False, reusing: bool = True) -> list[Written]:
    found = [Written(tuple(range(4)), {number: f"s{number}" for number in range(4)})]
    for number in range(draw(st.integers(1, 4))):
        draft = Draft(draw, found[-1], 10 * (number + 1), reusing)
        edits = (
            [draft.rename]
            if renaming_only
            else [draft.remove, draft.rename, draft.move, draft.insert]
        )
        for edit in edits:
            edit()
        found.append(draft.written())
    return found


def in_force(history: Sequence[Written]) -> list[Flow]:
    """Each as it was in force after those before it, read from what was kept of it."""
    found: list[Flow] = []
    for version in history:
        plain = {"flow": version.flow()}
        known = succeeding({"flow": found[-1]} if found else {}, plain)
        found.append(knowing(plain, told(known))["flow"])
    return found


@given(histories())
@settings(max_examples=60, deadline=None)
def test_a_step_is_found_again_in_every_later_version_and_never_taken_for_another(
    history: list[Written],
) -> None:
    flows = in_force(history)
    for index, (old, before) in enumerate(zip(history, flows, strict=True)):
        for new, now in zip(history[index:], flows[index:], strict=True):
            for number, name in old.names.items():
                found = counterpart(before, now, name)
                assert found == new.names.get(number)
                assert found is None or now.root_of(found) == before.root_of(name), "so it deals"
            assert alike(before, now) == (old.order == new.order)


@given(histories())
@settings(max_examples=60, deadline=None)
def test_no_two_steps_go_by_one_name_or_have_one_origin(history: list[Written]) -> None:
    for now in in_force(history):
        names = [name for step in now.steps for name in now.names_of(step)]
        assert len(names) == len(set(names))
        roots = [now.root_of(step) for step in now.steps]
        assert len(roots) == len(set(roots))


@given(histories(reusing=False), st.data())
@settings(max_examples=60, deadline=None)
def test_an_earlier_version_and_the_latest_again_find_every_step_of_all_others(
    history: list[Written], data: st.DataObject
) -> None:
    earlier = data.draw(st.sampled_from(history))
    again = [*history, earlier, history[-1]]
    flows = in_force(again)
    for version, now in zip(again[-2:], flows[-2:], strict=True):
        for old, before in zip(history, flows, strict=False):
            for number, name in old.names.items():
                assert counterpart(before, now, name) == version.names.get(number)


@given(histories(renaming_only=True), st.integers(0, 3), st.sampled_from(InFlight))
@settings(max_examples=60, deadline=None)
def test_renamings_alone_move_wake_and_lead_out_nobody(
    history: list[Written], number: int, choice: InFlight
) -> None:
    flows = in_force(history)
    before, now = flows[0], replace(flows[-1], in_flight=choice)
    old, new = history[0].names, history[-1].names
    for since in (NOW - 3 * DAY, NOW):
        cursor = at(old[number], since)
        assert adopt(before, now, cursor, NOW) == at(new[number], since)
        found = fate(before, now, cursor, NOW)
        assert (found.ends, found.woken) == (None, False)
        one, other = (
            advance(each, at(step, since), facts(), NOW)
            for each, step in ((before, old[number]), (now, new[number]))
        )
        assert (one.wake_at, one.done, type(one.effect)) == (
            other.wake_at,
            other.done,
            type(other.effect),
        )
        assert _number(history[0], one.cursor.step) == _number(history[-1], other.cursor.step)


@dataclass
class Run:
    """A lead on its way, looked at as nurture.versions.live_edits does. `ledger`: its mails by their steps' names."""

    history: Sequence[Written]
    flows: Sequence[Flow]
    cursor: Cursor
    version: int = 0
    now: datetime = NOW
    ended: bool = False
    mails: list[str] = field(default_factory=list)
    ledger: set[str] = field(default_factory=set)

    def adopt(self, version: int) -> None:
        """By the documented rule: at its step, or else at the next one of the old flow that is there still."""
        old, new = self.flows[self.version], self.flows[version]
        order, later = self.history[self.version].order, self.history[version]
        stood = _number(self.history[self.version], self.cursor.step)
        behind = order[order.index(stood) :] if stood is not None else ()
        cursor = adopt(old, new, self.cursor, self.now)
        place = next((number for number in behind if number in later.order), None)
        assert _number(later, cursor and cursor.step) == place
        its = {step: name for step in old.steps if (name := counterpart(old, new, step))}
        self.ledger = {its.get(step, step) for step in self.ledger}
        self.version, self.cursor, self.ended = version, cursor or self.cursor, cursor is None

    def go_on(self, until: datetime) -> None:
        while not self.ended:
            flow = self.flows[self.version]
            move = advance(flow, self.cursor, facts(), self.now)
            if isinstance(move.effect, SendMail):
                self._send(move.effect, flow.names_of(move.effect.step))
            self.cursor, self.ended = move.cursor, move.done is not None
            if move.wake_at and move.wake_at > until:
                break
            self.now = move.wake_at or self.now
        self.now = until

    def _send(self, mail: SendMail, names: Collection[str]) -> None:
        known = not self.ledger.isdisjoint(names)
        assert known == (mail.template in self.mails), (
            "none is sent twice, and none is taken for another"
        )
        if not known:
            self.ledger.add(mail.step)
            self.mails.append(mail.template)


@given(histories(reusing=False), st.data())
@settings(max_examples=60, deadline=None)
def test_a_lead_in_flight_gets_each_mail_once_and_all_that_are_ahead_of_it(
    history: list[Written], data: st.DataObject
) -> None:
    run = Run(history, in_force(history), at("s0"))
    for version in range(1, len(history)):
        run.go_on(run.now + data.draw(st.integers(0, 20)) * DAY)
        if not run.ended and data.draw(st.booleans()):  # else it sleeps through the edit
            run.adopt(version)
    if not run.ended and run.version < len(history) - 1:
        run.adopt(len(history) - 1)
    place, order = _number(history[run.version], run.cursor.step), history[run.version].order
    ahead = order[order.index(place) :] if place is not None and not run.ended else ()
    run.go_on(run.now + 10_000 * DAY)
    assert run.ended
    assert {f"mail-{number}" for number in ahead if KINDS[number % 3] == "mail"} <= {*run.mails}


def _number(version: Written, step: str | None) -> int | None:
    return next((number for number, name in version.names.items() if name == step), None)
