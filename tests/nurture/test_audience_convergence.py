"""After any sequence of lead changes, faults and crashes a platform's list is the wanted one, and meanwhile nobody
stays on it without consent for longer than docs/audiences.md says. More examples: NURTURE_EXAMPLES=500."""

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded.ads.faults import Fault
from nurture.audiences.keeper import LONGEST
from nurture.audiences.view import ask_renewal
from nurture.domain.errors import InputError
from nurture.store.database import Database
from tests.support.ads import PAIRS
from tests.support.domain import NOW
from tests.support.fresh import Fresh
from tests.support.lists import Lists
from workflows.policies import DEBOUNCE, HEARTBEAT

EXAMPLES = int(os.environ.get("NURTURE_EXAMPLES", "10"))
SECOND = timedelta(seconds=1)
SESSION = timedelta(minutes=90)

STORMS = {
    "meta": Fault("answer", times=3, status=400, body={"error": {"code": 80003}}),
    "google": Fault("answer", times=3, status=429, body={"error": {"code": 429}}),
    "linkedin": Fault("answer", times=3, status=429, body={"status": 429}),
}
FAULTS = {
    "reset_before": Fault("reset_before"),
    "reset_after": Fault("reset_after"),
    "502": Fault("answer", status=502, body="<html>"),
    "401": Fault("answer", status=401, body={"error": {"code": 190}}),
}

people = st.integers(0, 4)
actions = st.one_of(
    st.tuples(st.just("tell"), people, st.booleans(), st.booleans()),
    st.tuples(st.just("withdraw"), people),
    st.tuples(st.just("erase"), people),
    st.tuples(st.just("renew")),
    st.tuples(st.just("die"), st.sampled_from(["before", "after"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 3000])),
    st.tuples(st.just("fault"), st.sampled_from([*FAULTS, "storm"])),
)


@dataclass
class Known:
    """What is true of one person. `objects_since`: when it withdrew or was erased."""

    lead: str
    pro: bool
    consents: bool
    objects_since: datetime | None = None
    erased: bool = False


@dataclass
class Workflow:
    """Looks as AudienceSync does: a moment after it is woken, when a look asked for it, and after a crash."""

    lists: Lists
    known: dict[int, Known] = field(default_factory=dict)
    due: datetime | None = None
    trouble: datetime = NOW
    heard: int = 0

    async def until(self, end: datetime) -> None:
        await self.lists.world.outbox.relay(end)
        self._listen()
        while self.due is not None and self.due <= end:
            self.lists.now = max(self.lists.now, self.due)
            look = await self.lists.sync()
            now = self.lists.now
            if look is None:
                self.trouble, self.due = now, now + HEARTBEAT
            else:
                if (await self.lists.state()).error:
                    self.trouble = now
                self.due = max(look.at, now + DEBOUNCE) if look.at else None
            self._listen()
            self._nobody_stays_against_its_will()
        self.lists.now = end
        self._nobody_stays_against_its_will()

    def _listen(self) -> None:
        woken = self.lists.world.alarm.woken
        if any(kind == "audience" for kind, _ in woken[self.heard :]):
            soon = self.lists.now + DEBOUNCE
            self.due = min(self.due or soon, soon)
        self.heard = len(woken)

    def _nobody_stays_against_its_will(self) -> None:
        members = self.lists.members()
        for person in self.known.values():
            if person.objects_since and person.lead in members:
                since = max(person.objects_since, self.trouble)
                assert self.lists.now <= since + LONGEST + HEARTBEAT


@pytest.mark.parametrize("platform", PAIRS)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(actions, max_size=20))
async def test_whatever_happens_the_list_becomes_the_wanted_one_and_nobody_stays_against_its_will(
    fresh: Fresh, platform: str, script: list[tuple]
) -> None:
    async with fresh() as db:
        await play(db, platform, script)


async def play(db: Database, platform: str, script: list[tuple]) -> None:
    lists = Lists(db, platform)
    workflow = Workflow(lists)
    for action in script:
        await act(workflow, platform, *action)
        await lists.world.outbox.drain()
        await workflow.until(lists.now + SECOND)
    lists.platform.faults.clear()
    lists.sink.dies.clear()
    await workflow.until(lists.now + SESSION + 2 * LONGEST)
    wanted = {person.lead for person in workflow.known.values() if person.pro and person.consents}
    assert lists.members() == wanted
    assert lists.platform.record.violations == []


async def act(workflow: Workflow, platform: str, what: str, *rest: object) -> None:
    lists, known = workflow.lists, workflow.known
    person = known.get(rest[0]) if rest else None  # type: ignore[call-overload]
    match what, rest:
        case "tell", (int(n), bool(pro), bool(consent)) if not (person and person.erased):
            held = consent or bool(person and person.consents)
            lead = await lists.tell(n, pro, consent)
            objects = None if held else person and person.objects_since
            known[n] = Known(lead, pro, held, objects)
        case "withdraw", _ if person and person.consents:
            await lists.withdraw(person.lead)
            person.consents, person.objects_since = False, lists.now
        case "erase", _ if person:
            await lists.world.privacy.erase(person.lead, "operator", lists.now)
            person.objects_since = person.objects_since or lists.now
            person.consents, person.erased = False, True
        case "renew", ():
            try:
                await ask_renewal(lists.world.outbox, "pros", lists.now)
            except InputError:  # never synced so far
                return
        case "die", (str(death),):
            lists.sink.dies.append(death)
        case "wait", (int(seconds),):
            await workflow.until(lists.now + timedelta(seconds=seconds))
        case "fault", (str(kind),):
            fault = STORMS[platform] if kind == "storm" else FAULTS[kind]
            lists.platform.faults.add(Fault(**vars(fault)))
