"""What flows and steps were called, over many versions of a playbook."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from nurture.domain.edits import adopt, counterpart
from nurture.domain.flow import Email, Flow, Split, advance
from nurture.domain.renaming import (
    back_then,
    forebears,
    in_force,
    knowing,
    succeeding,
    told,
    unread,
)
from tests.support.domain import NOW, at, facts, flow, lead

Flows = Mapping[str, Flow]


def written(name: str, *steps: str, formerly: str = "", **was: str) -> Flow:
    """A flow as its file says; `was`: what a step was called before, by its name now."""
    made = flow({step: Email("hello") for step in steps})
    earlier = {before: step for step, before in was.items()}
    return replace(made, id=name, was=earlier, formerly=frozenset(formerly.split()))


def over(*versions: list[Flow]) -> list[Flows]:
    """These versions as each was in force after those before it."""
    found: list[Flows] = []
    for version in versions:
        so_far = found[-1] if found else {}
        found.append(succeeding(so_far, {each.id: each for each in version}))
    return found


def test_a_step_renamed_twice_is_found_again_whatever_lies_between() -> None:
    first, second, third, tidied = over(
        [written("launch", "a")],
        [written("launch", "b", b="a")],
        [written("launch", "c", c="b")],
        [written("launch", "c")],
    )
    for version in (third, tidied):
        assert adopt(first["launch"], version["launch"], at("a"), NOW) == at("c")
        assert adopt(second["launch"], version["launch"], at("b"), NOW) == at("c")
        assert version["launch"].names_of("c") == {"a", "b", "c"}


def test_when_an_older_playbook_comes_again_its_steps_have_their_names_again() -> None:
    first, second, third, again = over(
        [written("launch", "a")],
        [written("launch", "b", b="a")],
        [written("launch", "c", c="b")],
        [written("launch", "a")],
    )
    for version, step in ((first, "a"), (second, "b"), (third, "c")):
        assert counterpart(version["launch"], again["launch"], step) == "a"
    assert again["launch"].names_of("a") == {"a", "b", "c"}


def test_a_name_that_is_used_again_is_that_of_something_new() -> None:
    first, second, third, fourth = over(
        [written("launch", "a")],
        [written("launch", "b", b="a")],
        [written("launch", "b", "a")],
        [written("launch", "b", "c", c="a")],
    )
    assert counterpart(first["launch"], third["launch"], "a") == "b"
    assert third["launch"].names_of("b") == {"b"}, "or the new step's mail would be taken for its"
    assert counterpart(second["launch"], third["launch"], "b") == "b"
    assert counterpart(third["launch"], fourth["launch"], "a") == "c"
    assert counterpart(first["launch"], fourth["launch"], "a") == "b"
    gone = succeeding(third, {"launch": written("launch", "a", "d")})
    assert counterpart(first["launch"], gone["launch"], "a") is None, (
        "what it was is no longer there"
    )


def test_steps_that_became_one_are_all_found_in_it() -> None:
    both = replace(written("launch", "c"), was={"a": "c", "b": "c"})
    first, _, third = over([written("launch", "a", "b")], [both], [written("launch", "d", d="c")])
    assert [counterpart(first["launch"], third["launch"], step) for step in "ab"] == ["d", "d"]


def test_a_flow_renamed_twice_is_found_again_and_a_new_one_of_its_name_is_another() -> None:
    first, second, third, fourth = over(
        [written("launch")],
        [written("b", formerly="launch")],
        [written("c", formerly="b")],
        [written("c"), written("launch")],
    )
    assert third["c"].formerly == {"launch", "b"}
    assert fourth["c"].formerly == {"b"}
    for version in (third, fourth):
        left_behind, carried = in_force(first, version, "launch"), in_force(first, version, "c")
        assert left_behind == carried == version["c"]
        assert back_then(first, version["c"], "c") == first["launch"]
        assert back_then(second, version["c"], "c") == second["b"]
    assert in_force(fourth, fourth, "launch") == fourth["launch"]


def test_flows_that_become_one_keep_one_line_and_all_names() -> None:
    first, second, again = over(
        [written("launch", "a"), written("other", "x")],
        [written("both", "a", "y", formerly="other launch", y="x")],
        [written("launch", "a"), written("other", "x")],
    )
    assert forebears(first, second) == {"both": ["launch", "other"]}
    assert second["both"].formerly == {"launch", "other"}
    assert back_then(first, second["both"], "other") == first["other"]
    assert counterpart(first["other"], second["both"], "x") == "y"
    assert in_force(second, again, "both") == again["launch"]


def test_a_flow_that_stays_goes_on_in_itself() -> None:
    old, new = over([written("launch"), written("a")], [written("launch", formerly="a")])
    assert forebears(old, new) == {"launch": ["launch", "a"]}


def test_a_name_that_is_given_to_another_in_the_same_edit_is_not_taken_back() -> None:
    first, second, third = over(
        [written("launch", "a", "c"), written("summer")],
        [written("spring", "b", "c", formerly="launch", b="a"), written("summer")],
        [written("launch", formerly="summer")],
    )
    assert forebears(second, third) == {"launch": ["summer"]}
    assert in_force(first, third, "spring") is in_force(second, third, "spring") is None
    _, old, new = over(
        [written("launch", "a", "c")],
        [written("launch", "b", "c", b="a")],
        [written("launch", "a", a="c")],
    )
    assert counterpart(old["launch"], new["launch"], "b") is None
    assert counterpart(first["launch"], new["launch"], "a") is None
    assert counterpart(first["launch"], new["launch"], "c") == "a"


def test_who_sleeps_through_a_merger_is_not_taken_for_one_of_a_new_flow_of_that_name() -> None:
    gone = replace(written("other", "x"), revision="old")
    first, second, third = over(
        [written("launch", "a"), gone],
        [written("launch", "a", "x", formerly="other")],
        [written("launch", "a", "x"), replace(written("other", "y"), revision="new")],
    )
    plain = {"launch": written("launch", "a", "x"), "other": third["other"]}
    for version in (second, third, knowing(plain, told(third))):
        assert in_force(first, version, "other") == version["launch"]
    assert in_force(third, third, "other") == third["other"]
    _, back = over(list(second.values()), [written("launch", "a"), gone])
    assert in_force(first, back, "other") == back["other"], "when the merger is taken back"


def test_what_is_kept_of_the_names_gives_them_back() -> None:
    versions = over(
        [written("launch", "a"), written("other")],
        [written("b", "a", formerly="launch"), written("other")],
        [written("c", "a2", "n", formerly="b", a2="a"), written("other")],
    )
    plain = {"c": written("c", "a2", "n"), "other": written("other")}
    assert told(versions[0]) == {}
    assert list(told(versions[2])) == ["c"]
    back = knowing(plain, told(versions[2]))
    assert told(back) == told(versions[2])
    assert (back["c"].root, back["c"].root_of("a2")) == ("launch", "a")


TOLD = {
    "a step": [written("launch", "b", "rest", b="a")],
    "a flow": [written("b", "a", "rest", formerly="launch")],
    "both": [written("b", "b", "rest", formerly="launch", b="a")],
    "nothing": [written("launch", "a", "rest")],
}


@pytest.mark.parametrize("renamed", TOLD.values(), ids=TOLD)
def test_the_way_back_from_a_playbook_that_nobody_can_read_and_forward_again_loses_no_name(
    renamed: list[Flow],
) -> None:
    older = [written("launch", "a", "rest")]
    tidied = [replace(each, was={}, formerly=frozenset()) for each in renamed]
    first, second, back, forward = over(older, renamed, older, tidied)
    plain = {"launch": older[0]}
    unknown = succeeding(unread(told(second), plain), plain)
    assert told(unknown) == told(back)
    assert told(succeeding(unknown, {each.id: each for each in tidied})) == told(forward)
    [now], step = forward.values(), next(iter(renamed[0].steps))
    assert in_force(unknown, forward, "launch") == now
    for version in (first, unknown):
        assert counterpart(version["launch"], now, "a") == step
    assert counterpart(second[now.id], back["launch"], step) == "a"


def test_what_a_file_tells_of_names_counts_also_where_an_earlier_release_kept_less() -> None:
    kept = written("launch", "hello", "pause", hello="welcome")
    plain = replace(kept, was={**kept.was, "rest": "pause"})
    [back] = knowing({"launch": plain}, told({"launch": kept})).values()
    assert back.was == {"welcome": "hello", "rest": "pause"}


def test_another_name_deals_nobody_another_share() -> None:
    steps = {"ab": Split(((1, "x"), (1, "y"))), "x": Email("x"), "y": Email("y")}
    renamed = {"shares": steps["ab"], "x": steps["x"], "y": steps["y"]}
    first, second = over(
        [replace(written("launch"), steps=steps)],
        [replace(written("liftoff", formerly="launch", shares="ab"), steps=renamed)],
    )
    for number in range(20):
        anna = facts(who=lead(id=f"lead-{number}"))
        taken = advance(first["launch"], at("ab"), anna, NOW).cursor.step
        assert advance(second["liftoff"], at("shares"), anna, NOW).cursor.step == taken
