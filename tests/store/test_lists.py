"""Leads and mails a page at a time, and flows counted: the same on both databases."""

from datetime import datetime, timedelta

import pytest

from nurture.store import flow_figures, lead_list, mail_list, words
from nurture.store.database import Database
from nurture.store.lead_list import Filter
from nurture.store.paging import Key, cut
from nurture.store.tables import EnrolmentRow, LeadRow, MessageRow
from tests.support.domain import NOW


async def fill(db: Database) -> None:
    """Five leads, the first the newest; each in the flow and with one mail."""
    for n in range(5):
        at = NOW - timedelta(hours=n // 2)
        async with db.write() as session:
            email = f"p{n}@firm.example"
            stage = "lead" if n else "sql"
            session.add(LeadRow(id=f"l{n}", email=email, stage=stage, created_at=at))
            await session.flush()
            ended = "goal" if n == 4 else None
            run = EnrolmentRow(
                id=f"r{n}", lead_id=f"l{n}", flow="f", ordinal=1, playbook="p", step="a",
                since=at, started_at=at, ended=ended,
            )  # fmt: skip
            session.add(run)
            await session.flush()
            mail = MessageRow(
                id=f"m{n}", enrolment_id=f"r{n}", step="a", lead_id=f"l{n}", flow="f", template="a",
                sender="s", state="accepted" if n else "unknown", claimed_at=at,
                clicked_at=at if n == 1 else None, opened_at=at if n < 2 else None,
            )  # fmt: skip
            session.add(mail)


async def test_pages_of_leads_follow_each_other_without_gap_or_repetition(db: Database) -> None:
    await fill(db)
    found, after = [], None
    async with db.read() as session:
        while rows := await lead_list.page(session, Filter(), after, 2):
            found += [row.id for row in rows]
            after = Key(rows[-1].created_at, rows[-1].id)
    assert found == ["l1", "l0", "l3", "l2", "l4"]


@pytest.mark.parametrize("last", ["l4", "l2", "l3", "l0", "l1"])
async def test_before_a_page_of_leads_or_mails_stand_those_that_came_before_it(
    db: Database, last: str
) -> None:
    await fill(db)
    async with db.read() as session:
        every = await lead_list.page(session, Filter(), None, 9)
        number = [row.id for row in every].index(last)
        key = Key(every[number].created_at, last, back=True)
        pages = cut(await lead_list.page(session, Filter(), key, 3), key, 2, _place)
        assert pages.rows == every[max(number - 2, 0) : number]
        assert (pages.before is not None, pages.after is not None) == (number > 2, number > 0)
        key = Key(key.at, f"m{last[1:]}", back=True)
        mails = await mail_list.page(session, mail_list.Filter(), key, 2)
        assert [lead.id for _, lead in mails] == [row.id for row in pages.rows]


def _place(row: LeadRow) -> tuple[datetime, str]:
    return row.created_at, row.id


async def test_leads_are_filtered(db: Database) -> None:
    await fill(db)
    async with db.read() as session:
        for wanted, ids in (
            (Filter(stage="sql"), ["l0"]),
            (Filter(among=["l4", "l2"]), ["l2", "l4"]),
            (Filter(among=[]), []),
            (Filter(owner="Mette Holm"), []),
        ):
            rows = await lead_list.page(session, wanted, None, 10)
            assert [row.id for row in rows] == ids, wanted


CALLED: dict[str, dict[str, str]] = {
    "l0": {"first_name": "Mette", "last_name": "Holm", "company": "Østerbro Øl"},
    "l1": {"first_name": "Anna Sofie", "last_name": "Müller-Holm"},
    "l2": {"first_name": "Mads"},
}


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("mette", ["l0"]),
        ("HOLM", ["l0", "l1"]),
        ("holm m", ["l0", "l1"]),
        ("m", ["l0", "l1", "l2"]),
        ("sof mul", ["l1"]),
        ("Müll", ["l1"]),
        ("østerbro", ["l0"]),
        ("P3@", ["l3"]),
        ("p3@firm.example", ["l3"]),
        ("firm mads", ["l2"]),
        ("l2", ["l2"]),
        ("ette", []),
        ("%", []),
        ("", []),
    ],
)
async def test_leads_are_found_by_the_beginnings_of_their_names(
    db: Database, asked: str, ids: list[str]
) -> None:
    await fill(db)
    async with db.write() as session:
        rows = [await session.get_one(LeadRow, f"l{n}") for n in range(5)]
        for row in rows:
            row.traits = CALLED.get(row.id, {})
        await words.write(session, rows)
    async with db.read() as session:
        assert sorted(await words.find(session, asked, 10)) == ids
        assert len(await words.find(session, asked, 1)) == min(len(ids), 1)


async def test_mails_are_listed_by_state_flow_and_step(db: Database) -> None:
    await fill(db)
    async with db.read() as session:
        for wanted, ids in (
            (mail_list.Filter(), ["m1", "m0", "m3", "m2", "m4"]),
            (mail_list.Filter(state="unknown"), ["m0"]),
            (mail_list.Filter(flow="f", step="b"), []),
            (mail_list.Filter(owner="Mette Holm"), []),
        ):
            rows = await mail_list.page(session, wanted, None, 10)
            assert [mail.id for mail, _ in rows] == ids, wanted
        after = Key(NOW, "m0")
        rows = await mail_list.page(session, mail_list.Filter(flow="f", step="a"), after, 2)
        assert [mail.id for mail, _ in rows] == ["m3", "m2"]
        one = await mail_list.one(session, "m2")
        assert one
        assert (one[1].id, one[2].id) == ("l2", "r2")
        assert await mail_list.one(session, "nothing") is None


async def test_a_flow_is_counted_by_step_and_end_and_its_mails_by_state(db: Database) -> None:
    await fill(db)
    async with db.read() as session:
        runs = await flow_figures.runs(session, "f")
        assert {(each.step, each.ended): each.number for each in runs} == {
            ("a", None): 4,
            ("a", "goal"): 1,
        }
        assert await flow_figures.overview(session) == {"f": (4, 5)}
        mails = {each.state: each for each in await flow_figures.mails(session, "f")}
        assert (mails["accepted"].number, mails["accepted"].clicked) == (4, 1)
        assert (mails["unknown"].number, mails["unknown"].opened) == (1, 1)
