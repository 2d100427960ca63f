"""Whatever goes wrong on the way: who keeps trying arrives at the list that was wanted."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded.ads.faults import Fault
from embedded.ads.standin import StandIn
from nurture.domain.errors import Permanent, Transient
from nurture.ports import AudienceSink, Person
from tests.support.ads import PAIRS, crowd

AUDIENCE = "1"
PEOPLE = crowd(8)


faults = st.one_of(
    st.builds(Fault, st.sampled_from(["reset_before", "reset_after"]), times=st.integers(1, 3)),
    st.builds(
        Fault, st.just("answer"), status=st.sampled_from([429, 500, 503]), body=st.just({"e": 1})
    ),
    st.builds(
        Fault, st.just("answer"), status=st.just(401), body=st.just({"error": {"code": 190}})
    ),
    st.builds(Fault, st.just("answer"), status=st.just(502), body=st.just("<html>")),
    st.builds(Fault, st.just("bad_rows"), rows=st.tuples(st.integers(0, 3))),
)
moves = st.lists(
    st.tuples(st.booleans(), st.sets(st.integers(0, 7), min_size=1), st.lists(faults, max_size=3)),
    max_size=8,
)


async def persist(sink: AudienceSink, add: bool, people: list[Person]) -> None:
    """What the sync does: owed until done, each refused person again."""
    for _ in range(40):
        try:
            applied = await (sink.add if add else sink.remove)(AUDIENCE, people)
        except (Transient, Permanent):
            continue
        people = [person for person in people if person.lead_id in applied.refused]
        if not people:
            return
    raise AssertionError("never arrived")


@pytest.mark.parametrize("platform", PAIRS)
@settings(max_examples=60, deadline=None)
@given(moves=moves)
def test_the_list_becomes_the_one_wanted(
    platform: str, moves: list[tuple[bool, set[int], list[Fault]]]
) -> None:
    pair = PAIRS[platform]
    app = StandIn(pair.rules())
    wanted: set[str] = set()

    async def play() -> None:
        sink = pair.sink(app)
        for add, chosen, script in moves:
            people = [PEOPLE[place] for place in sorted(chosen)]
            app.faults.add(*(Fault(**vars(fault)) for fault in script))
            await persist(sink, add, people)
            keys = {pair.key(person) for person in people}
            wanted.symmetric_difference_update((keys - wanted) if add else (keys & wanted))
            assert app.members.keys(AUDIENCE) == wanted

    asyncio.run(play())
    assert app.record.violations == []
