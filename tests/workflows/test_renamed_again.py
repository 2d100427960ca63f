"""Flows and steps are renamed while leads sleep, more than once, and flows are merged; on both databases."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from nurture.store.database import Database
from nurture.store.tables import EnrolmentRow, MessageRow, PlaybookInForceRow
from nurture.upkeep.restoring import Restoring
from nurture.versions.shelf import Shelf
from tests.support.domain import DAY, HOUR
from tests.support.looks import FILES, Looks
from tests.support.small import FLOW, LAUNCH

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
OTHER = "config/flows/other.yaml"
MAIL, REST = "  - email: welcome\n", "  - wait: 10 days\n    id: rest\n"
SECOND = "  - email: second\n"


def _flow(*steps: str, name: str = "launch", more: str = "") -> str:
    head = FLOW.replace("flow: launch", f"flow: {name}\n{more}".strip())
    return head.replace(MAIL, "".join(steps))


def _called(step: str, id: str, was: str = "") -> str:
    return f"{step}    id: {id}\n" + (f"    was: {was}\n" if was else "")


def _clicked(mail: str) -> str:
    awaited = f"{{touch: clicked, of: {mail}, within: 20 days}}"
    return f"  - wait_for: {awaited}\n    id: answer\n    then: [{{tag: {{add: clicked}}}}]\n"


async def _inside(db: Database, files: Mapping[str, str]) -> tuple[Looks, EnrolmentRow]:
    """A lead came into the only flow of these, and its run was looked at."""
    looks = Looks(db)
    await looks.apply(files, NOW)
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    return looks, run


WAIT = "  - wait: 10 days\n"
TWICE = {
    "renamed again": (_called(WAIT, "c", "b"), ["stays where it is"]),
    "with the line about it tidied away": (_called(WAIT, "b"), []),
}


@pytest.mark.parametrize(("third", "fates"), TWICE.values(), ids=TWICE)
async def test_a_wait_that_was_renamed_is_not_cut_short_by_the_next_edit(
    db: Database, third: str, fates: list[str]
) -> None:
    looks, run = await _inside(db, {LAUNCH: _flow(_called(WAIT, "a"), MAIL)})
    await looks.apply({LAUNCH: _flow(_called(WAIT, "b", "a"), MAIL)}, NOW + DAY)
    files = {LAUNCH: _flow(third, MAIL)}
    plan = await Shelf(db).plan({**FILES, **files}, NOW + 2 * DAY)
    assert [found.fate for found in plan.affected] == fates, "without the line it is no edit"
    await looks.apply(files, NOW + 2 * DAY)
    await looks.look(run, NOW + 2 * DAY)
    assert looks.box.subjects == []
    await looks.look(run, NOW + 10 * DAY)
    assert looks.box.subjects == ["Hello"]


async def test_a_wait_that_was_renamed_deleted_and_put_back_is_waited_to_its_end(
    db: Database,
) -> None:
    looks, run = await _inside(db, {LAUNCH: _flow(_called(WAIT, "a"), MAIL)})
    for steps in ([_called(WAIT, "b", "a"), MAIL], [_called(WAIT, "b"), MAIL], [MAIL]):
        await looks.apply({LAUNCH: _flow(*steps)}, NOW + DAY)
    await looks.rollback(NOW + DAY)
    await looks.look(run, NOW + DAY)
    assert looks.box.subjects == []
    await looks.look(run, NOW + 10 * DAY)
    assert looks.box.subjects == ["Hello"]


BEHIND = {
    "a wait": "  - wait: 10 days\n",
    "a wait for a touch": "  - wait_for: {touch: clicked, of: NAME, within: 10 days}\n",
    "a wait in a share": (
        "  - split: [{weight: 1, do: [wait: 10 days]}, {weight: 1, do: [wait: 10 days]}]\n"
    ),
}


@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND)
async def test_who_waits_behind_a_mail_that_is_renamed_waits_its_time(
    db: Database, behind: str
) -> None:
    looks, run = await _inside(db, {LAUNCH: _flow(MAIL, behind.replace("NAME", "welcome"), SECOND)})
    for number, (name, was) in enumerate([("hi", "welcome"), ("hello", "hi"), ("hello", "")], 1):
        files = {LAUNCH: _flow(_called(MAIL, name, was), behind.replace("NAME", name), SECOND)}
        plan = await Shelf(db).plan({**FILES, **files}, NOW + number * DAY)
        assert [found.fate for found in plan.affected] == ["stays where it is"] * bool(was)
        await looks.apply(files, NOW + number * DAY)
        if number != 2:  # it sleeps through one of them
            await looks.look(run, NOW + number * DAY)
    assert looks.box.subjects == ["Hello"]
    await looks.look(run, NOW + 10 * DAY)
    assert looks.box.subjects == ["Hello", "Second"]


MOVED = {
    "renamed again": [_called(MAIL, "greeting", "hello")],
    "with the line about it tidied away": [_called(MAIL, "hello")],
    "and its first name given to another mail": [
        _called(MAIL, "hello"),
        _called("  - email: second\n", "welcome"),
    ],
}


@pytest.mark.parametrize("third", MOVED.values(), ids=MOVED)
async def test_a_mail_that_was_renamed_is_not_sent_again_when_it_moves_behind_its_leads(
    db: Database, third: list[str]
) -> None:
    looks, run = await _inside(db, {LAUNCH: _flow(MAIL, REST)})
    await looks.apply({LAUNCH: _flow(_called(MAIL, "hello", "welcome"), REST)}, NOW + DAY)
    await looks.apply({LAUNCH: _flow(REST, *third)}, NOW + 2 * DAY)
    await looks.look(run, NOW + 11 * DAY)
    assert looks.box.subjects.count("Hello") == 1


async def test_a_plan_says_that_a_new_mail_with_the_name_of_another_is_not_sent_to_who_got_that(
    db: Database,
) -> None:
    looks, run = await _inside(db, {LAUNCH: _flow(MAIL, REST)})
    await looks.apply({LAUNCH: _flow(_called(MAIL, "hello", "welcome"), REST)}, NOW + DAY)
    await looks.look(run, NOW + DAY)
    reused = {LAUNCH: _flow(_called(MAIL, "hello"), REST, _called(SECOND, "welcome"))}
    for number in (2, 3):  # also when it came once before
        plan = await Shelf(db).plan({**FILES, **reused}, NOW + number * DAY)
        [change] = plan.difference.flows
        assert change.changes == (
            "step welcome inserted (mail second)",
            "step welcome has the name that hello had, so who got that does not get this",
        )
        await looks.apply(reused, NOW + number * DAY)
        if number == 2:
            await looks.apply({LAUNCH: _flow(_called(MAIL, "hello"), REST)}, NOW + number * DAY)
    await looks.look(run, NOW + 11 * DAY)
    assert looks.box.subjects == ["Hello"]
    await looks.apply({LAUNCH: _flow(REST)}, NOW + 12 * DAY)
    for new in ("welcome", "news"):  # one that is put back, and one of a name of its own
        other = {LAUNCH: _flow(REST, _called(SECOND, new))}
        plan = await Shelf(db).plan({**FILES, **other}, NOW + 12 * DAY)
        assert "has the name" not in str(plan.difference.sentences())


CLICKS = {
    "a step twice": [
        _flow(_called(MAIL, "hello", "welcome"), REST, _clicked("hello")),
        _flow(_called(MAIL, "greeting", "hello"), REST, _clicked("greeting")),
    ],
    "a flow twice": [
        _flow(MAIL, REST, _clicked("welcome"), name="b", more="was: launch"),
        _flow(MAIL, REST, _clicked("welcome"), name="c", more="was: b"),
    ],
    "a flow whose leads finish the old one": [
        _flow(MAIL, name="b", more="was: launch\nin_flight: finish_old"),
    ],
}


@pytest.mark.parametrize("later", CLICKS.values(), ids=CLICKS)
async def test_a_click_counts_under_whatever_name_the_mail_went_out(
    db: Database, later: list[str]
) -> None:
    looks, run = await _inside(db, {LAUNCH: _flow(MAIL, REST, _clicked("welcome"))})
    [mail] = await looks.world.rows(MessageRow)
    await looks.world.click(mail.id, NOW + HOUR)
    for number, flow in enumerate(later, 1):
        await looks.apply({LAUNCH: flow}, NOW + number * DAY)
    await looks.look(run, NOW + 11 * DAY)
    assert (await looks.lead()).tags == ["clicked"]


AGAIN = {
    "": ("c", "goes on with welcome", ["Hello"]),
    "in_flight: finish_old": ("c", "finishes the version it is in", []),
    "in_flight: exit": ("c", "leaves: the flow has changed", []),
}


@pytest.mark.parametrize("choice", AGAIN, ids=["follow", "finish_old", "exit"])
async def test_a_flow_renamed_twice_does_with_its_leads_what_the_plan_says(
    db: Database, choice: str
) -> None:
    looks, run = await _inside(db, {LAUNCH: _flow(REST, MAIL)})
    await looks.apply({LAUNCH: _flow(REST, MAIL, name="b", more="was: launch")}, NOW + DAY)
    third = {LAUNCH: _flow(MAIL, name="c", more=f"was: b\n{choice}")}
    plan = await Shelf(db).plan({**FILES, **third}, NOW + 2 * DAY)
    await looks.apply(third, NOW + 2 * DAY)
    await looks.look(run, NOW + 2 * DAY)
    [row] = await looks.world.rows(EnrolmentRow)
    assert (row.flow, plan.affected[0].fate, looks.box.subjects) == AGAIN[choice]
    assert row.ended == {"": "finished", "in_flight: exit": "flow_changed"}.get(choice)


GOTO = "  - goto: other\n"
ONLY_RENAMED = {
    "a flow": _flow(REST, MAIL, GOTO, name="b", more="was: launch"),
    "a wait": _flow(_called(WAIT, "pause", "rest"), MAIL, GOTO),
    "a mail": _flow(REST, _called(MAIL, "hello", "welcome"), GOTO),
    "nothing but words": _flow(REST, "  - email: {default: welcome}\n", GOTO),
    "where it leads": _flow(REST, MAIL, GOTO.replace("other", "another")),
}


@pytest.mark.parametrize("launch", ONLY_RENAMED.values(), ids=ONLY_RENAMED)
@pytest.mark.parametrize("also", [False, True], ids=["alone", "with another change"])
async def test_a_renaming_alone_leads_nobody_out_of_a_flow_that_leads_out_when_it_is_edited(
    db: Database, launch: str, also: bool
) -> None:
    looks = Looks(db)
    other = _flow(MAIL, name="other").replace("form_submitted", "by_hand")
    another = _flow(MAIL, name="another", more="was: other").replace("form_submitted", "by_hand")
    await looks.apply({LAUNCH: _flow(REST, MAIL, GOTO), OTHER: other}, NOW)
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    launch = launch.replace("10 days", "9 days") if also else launch
    later = another if "another" in launch else other
    files = {LAUNCH: launch + "in_flight: exit\n", OTHER: later}
    plan = await Shelf(db).plan({**FILES, **files}, NOW + DAY)
    said = [words for each in plan.difference.flows for words in each.changes]
    assert ("in flight: exit" in said) == also
    assert {found.fate for found in plan.affected} <= {
        "leaves: the flow has changed" if also else "stays where it is"
    }
    await looks.apply(files, NOW + DAY)
    await looks.look(run, NOW + DAY)
    [row] = await looks.world.rows(EnrolmentRow)
    assert row.ended == ("flow_changed" if also else None)


BOTH = _flow(MAIL, REST, SECOND)
MERGED = {
    "as a new one": BOTH.replace("flow: launch", "flow: both\nwas: [other, launch]"),
    "into one that stays": BOTH.replace("flow: launch", "flow: launch\nwas: other"),
}


@pytest.mark.parametrize("merged", MERGED.values(), ids=MERGED)
async def test_who_is_in_two_flows_that_become_one_gets_each_mail_once(
    db: Database, merged: str
) -> None:
    looks = Looks(db)
    other = _flow(SECOND, REST, MAIL, name="other")
    await looks.apply({LAUNCH: BOTH, OTHER: other}, NOW)
    launch, other_run = await looks.enter_all(NOW)
    for run in (launch, other_run):
        await looks.look(run, NOW)
    plan = await Shelf(db).plan({**FILES, LAUNCH: merged}, NOW + DAY)
    [change] = [change for change in plan.difference.flows if change.before == "other"]
    assert change.changes == ("other is merged into it",)
    fates = {(found.flow, found.fate) for found in plan.affected}
    assert ("other", "leaves: its other run goes on") in fates
    await looks.apply({LAUNCH: merged}, NOW + DAY)
    for days in (1, 11, 12):
        for run in (launch, other_run):
            await looks.look(run, NOW + days * DAY)
    assert sorted(looks.box.subjects) == ["Hello", "Second"]
    ended = {row.id: row.ended for row in await looks.world.rows(EnrolmentRow)}
    assert ended == {launch.id: "finished", other_run.id: "flow_merged"}


async def test_who_is_in_only_one_of_them_goes_on_in_what_they_became(db: Database) -> None:
    looks = Looks(db)
    other = _flow(SECOND, REST, MAIL, name="other")
    elsewhere = BOTH.replace("form_submitted", "page")
    await looks.apply({LAUNCH: elsewhere, OTHER: other}, NOW)
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    merged = _flow(REST, SECOND, MAIL, more="was: other")
    await looks.apply({LAUNCH: merged}, NOW + DAY)
    await looks.look(run, NOW + DAY)
    [row] = await looks.world.rows(EnrolmentRow)
    assert (row.flow, row.ended) == ("launch", None)
    for days in (11, 12):
        await looks.look(run, NOW + days * DAY)
    assert looks.box.subjects == ["Second", "Hello"]


async def test_steps_of_one_name_that_are_other_mails_are_each_sent_though_their_flows_become_one(
    db: Database,
) -> None:
    looks = Looks(db)
    hi, other = _called(MAIL, "hi"), _flow(_called(SECOND, "hi"), REST, name="other")
    await looks.apply({LAUNCH: _flow(REST, hi), OTHER: other}, NOW)
    runs = await looks.enter_all(NOW)
    for run in runs:
        await looks.look(run, NOW)
    await looks.apply({LAUNCH: _flow(REST, hi, more="was: other")}, NOW + DAY)
    for days in (1, 11):
        for run in runs:
            await looks.look(run, NOW + days * DAY)
    assert looks.box.subjects == ["Second", "Hello"]


async def test_a_mail_that_is_to_go_out_once_more_goes_out_though_its_flow_was_merged_meanwhile(
    db: Database,
) -> None:
    looks = Looks(db)
    other = _flow(SECOND, REST, MAIL, name="other")
    await looks.apply({LAUNCH: BOTH.replace("form_submitted", "page"), OTHER: other}, NOW)
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    async with db.write() as session:  # as a person settles it that did not go out
        await session.execute(update(MessageRow).values(state="planned", sent_at=None))
        await session.execute(update(EnrolmentRow).values(again=["second"]))
    await looks.apply({LAUNCH: _flow(REST, SECOND, MAIL, more="was: other")}, NOW + DAY)
    await looks.look(run, NOW + DAY)
    assert looks.box.subjects == ["Second", "Second"]


async def test_a_restored_database_doubts_mails_of_a_run_that_is_yet_to_come_over(
    db: Database,
) -> None:
    looks = Looks(db)
    other = _flow(REST, SECOND, name="other")
    await looks.apply({LAUNCH: BOTH.replace("form_submitted", "page"), OTHER: other}, NOW)
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    await looks.apply({LAUNCH: _flow(REST, SECOND, more="was: other")}, NOW + DAY)
    await Restoring(db, Shelf(db)).doubt(NOW + 11 * DAY)
    await looks.look(run, NOW + 11 * DAY)
    assert looks.box.subjects == []


async def test_a_restored_database_doubts_mails_of_the_version_that_a_renamed_flow_lets_finish(
    db: Database,
) -> None:
    looks, run = await _inside(db, {LAUNCH: _flow(REST, MAIL)})
    other = _flow(REST, SECOND, name="b", more="was: launch\nin_flight: finish_old")
    await looks.apply({LAUNCH: other}, NOW + DAY)
    await Restoring(db, Shelf(db)).doubt(NOW + 11 * DAY)
    await looks.look(run, NOW + 11 * DAY)
    assert looks.box.subjects == []
    assert ("welcome", "unknown") in await looks.ledger()


async def test_what_an_earlier_release_put_in_force_has_the_names_that_its_files_tell(
    db: Database,
) -> None:
    looks, run = await _inside(db, {LAUNCH: _flow(_called(WAIT, "a"), MAIL)})
    await looks.apply({LAUNCH: _flow(_called(WAIT, "b", "a"), MAIL)}, NOW + DAY)
    async with db.write() as session:
        await session.execute(update(PlaybookInForceRow).values(names=None))
    looks = Looks(db)
    await looks.apply({LAUNCH: _flow(_called(WAIT, "c", "b"), MAIL)}, NOW + 2 * DAY)
    await looks.look(run, NOW + 2 * DAY)
    assert looks.box.subjects == []
    await looks.look(run, NOW + 10 * DAY)
    assert looks.box.subjects == ["Hello"]
