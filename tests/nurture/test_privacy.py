"""What a person may ask of us: to see everything, and to be forgotten."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import SQLModel

from nurture.domain.consent import EMAIL_MARKETING, TRACKING, ConsentRecord
from nurture.domain.effects import CreateTask
from nurture.domain.errors import InputError
from nurture.domain.lifecycle import SALES
from nurture.domain.sla import State
from nurture.figures import Question
from nurture.incoming import Answer, Incoming
from nurture.store import leads, migrate, owned
from nurture.store.audience_tables import AudienceMemberRow
from nurture.store.database import Database
from nurture.store.feedback_tables import FeedbackRow
from nurture.store.handover_tables import HandoverRow, NoticeRow
from nurture.store.tables import (
    ConsentRow,
    EnrolmentRow,
    ErasureRow,
    IdentityRow,
    LeadRow,
    QuarantineRow,
)
from tests.support.domain import DAY, HOUR, NOW
from tests.support.playbook import PLAYBOOK, playbook
from tests.support.world import OneBook, World

SECRETS = ("anna", "Asta", "Skovgaard", "12345678", "99887766", "crm-77")


async def _known(db: Database) -> World:
    """Anna: in a flow, handed over, told to sales, on an audience, and in quarantine."""
    world = World(db)
    await world.tell("page", email=None, anonymous_id="browser-of-anna")
    await world.tell("form_submitted")
    await world.tell(
        "demo_requested",
        anonymous_id="browser-of-anna",
        user_id="crm-77",
        traits={"first_name": "Asta", "last_name": "Skovgaard", "occupation": "pro"},
        properties={"phone": "12345678"},
    )
    said = "Yes, write to me, Asta Skovgaard", "on paper, with her number 99887766"
    signed = ConsentRecord(TRACKING, True, NOW, "import/list.csv", *said)
    listed = Incoming("l1", NOW, email="anna@example.org", consents=(signed,), trusted=True)
    await world.intake.take("import", [listed], NOW)
    await world.intake.refuse("site", [('{"email": "ANNA@example.org"}', "no type")], NOW)
    await world.intake.refuse("site", [('{"email": "bo@example.org"}', "no type")], NOW)
    lead = await world.lead("anna@example.org")
    async with db.write() as session:
        session.add(
            AudienceMemberRow(
                audience="hesitating",
                lead_id=lead.id,
                desired=True,
                confirmed=True,
                named=True,
                changed_at=NOW,
                next_try_at=NOW,
                sent_as={"lead_id": lead.id, "email": "anna@example.org"},
            )
        )
        [notice] = [await session.merge(row) for row in await world.rows(NoticeRow)]
        notice.delivered_at, notice.error = NOW, "first refused for anna@example.org"
    world.alarm.woken.clear()
    return world


async def _all_text(world: World, but: set[str]) -> str:
    """Every row of every table as text."""
    async with world.db.read() as session:
        found: list[Any] = []
        for table in SQLModel.metadata.sorted_tables:
            if table.name not in but:
                found += (await session.execute(table.select())).all()
    return repr(found)


async def test_erasure_leaves_nothing_of_the_person_but_what_the_platform_must_still_remove(
    db: Database,
) -> None:
    world = await _known(db)
    before = await _all_text(world, {"playbook"})
    assert all(secret in before for secret in SECRETS)
    erased = await world.privacy.erase("anna@example.org", "operator", NOW + DAY)
    after = await _all_text(world, {"playbook", "audience_member"})
    assert [secret for secret in SECRETS if secret in after] == []
    [member] = await world.rows(AudienceMemberRow)
    assert (member.desired, member.confirmed) == (False, True)
    assert (erased.enrolments, erased.audiences, erased.handovers) == (1, ("hesitating",), 1)


LATE = NOW + 2 * DAY + HOUR
"""When the deadline of a handover was broken."""

SAID = "on sick leave, her boss says"
"""What sales wrote, wherever it may write something."""


async def _talked_about(world: World) -> None:
    """Anna, who is with sales: tried, told news of, lost, moved by hand, given again and not wanted, and a task."""
    [first] = await world.rows(HandoverRow)
    await world.desk.open("anna@example.org", SAID, "operator", NOW)
    await world.desk.answer(first.id, Answer(State.CONTACTED, NOW, how=SAID))
    await world.desk.answer(first.id, Answer(State.LOST, NOW, reason=SAID))
    await world.stages.move("anna@example.org", "mql", SALES, SAID, NOW)
    second = await world.desk.open("anna@example.org", SAID, "operator", NOW)
    await world.desk.answer(second, Answer(State.REJECTED, NOW, reason="no budget"))
    async with world.outbox.write() as session:
        lead = await leads.lock(session, first.lead_id)
        assert lead is not None
        facts = await leads.facts(session, lead, NOW)
        task = CreateTask("call", "call", "sales", SAID, None)
        await world.handovers.ask(session, PLAYBOOK, lead, facts, task, SAID, "welcome", NOW)


async def test_erasure_leaves_no_word_of_sales_about_the_person_and_what_is_counted(
    db: Database,
) -> None:
    world = await _known(db)
    await _talked_about(world)
    assert (await _all_text(world, set())).count(SAID) > 9
    await world.privacy.erase("anna@example.org", "operator", NOW + DAY)
    assert SAID not in await _all_text(world, set())
    ends = {(row.kind, row.state, row.outcome) for row in await world.rows(HandoverRow)}
    assert ends == {
        ("handover", "lost", "lost"),
        ("handover", "rejected", "no budget"),
        ("task", "recycled", "erased"),
    }


@pytest.mark.parametrize("by", ["persona", "source", "owner", "flow"])
async def test_erasure_changes_no_figure_of_a_month_that_is_over(db: Database, by: str) -> None:
    book = playbook(promise=replace(PLAYBOOK.promise, personas={"pro": 1}))
    world = World(db, OneBook(book))
    await world.tell("demo_requested", source="website", traits={"occupation": "pro"})
    [row] = await world.rows(HandoverRow)
    async with world.outbox.write() as session:
        held, lead = await owned.hold(session, HandoverRow, row.id)
        await world.handovers.act(session, book, book, held, lead, LATE)
    await world.desk.answer(row.id, Answer(State.ACCEPTED, LATE))
    asked = Question(f"{NOW:%Y-%m}", by)
    before = await world.reports.summary(NOW + 40 * DAY, asked)
    assert before["sla"]["escalated_to"] == {"Sales lead": 1}
    assert before["persona_promises"]["pro"]["so_far"] == 1
    seen = await world.desk.view(row.id)
    await world.privacy.erase("anna@example.org", "operator", NOW + 40 * DAY)
    after = await world.reports.summary(NOW + 40 * DAY, asked)
    told = ("figures", "groups", "persona_promises", "contact", "rejects", "sla")
    assert {name: after[name] for name in told} == {name: before[name] for name in told}
    for notice in await world.rows(NoticeRow):
        assert not notice.data or notice.data["lead"]["persona"] == ""
    left = await world.desk.view(row.id)
    assert seen
    assert seen.persona
    assert left
    assert left.persona == ""


async def test_erasure_ends_flows_tells_sales_and_wakes_all_that_must_act(db: Database) -> None:
    world = await _known(db)
    await world.privacy.erase("anna@example.org", "operator", NOW + DAY)
    await world.outbox.drain()
    [run] = await world.rows(EnrolmentRow)
    [handover] = await world.rows(HandoverRow)
    notices = sorted(await world.rows(NoticeRow), key=lambda row: row.number)
    assert (run.ended, handover.state, handover.outcome) == ("erased", "recycled", "erased")
    assert [row.type for row in notices] == ["lead.handover.created", "lead.handover.erased"]
    assert notices[1].data["handover"]["id"] == handover.id
    assert world.alarm.kinds() == ["audience", "enrolment", "handover"]


async def test_only_the_persons_rows_leave_quarantine(db: Database) -> None:
    world = await _known(db)
    await world.privacy.erase("anna@example.org", "operator", NOW)
    [left] = await world.rows(QuarantineRow)
    assert "bo@" in left.raw


async def test_others_messages_in_the_same_row_stay_and_are_shown_to_nobody(db: Database) -> None:
    world = await _known(db)
    both = [{"userId": "crm-77", "event": ""}, {"userId": "crm-771", "event": ""}]
    await world.intake.refuse("site", [(json.dumps(both), "no event")], NOW)
    exported = (await world.privacy.export("anna@example.org"))["quarantine"]
    assert json.loads(exported[-1]["raw"]) == both[:1]
    assert "crm-771" not in json.dumps(exported)
    await world.privacy.erase("anna@example.org", "operator", NOW)
    assert json.loads((await world.rows(QuarantineRow))[-1].raw) == both[1:]


async def test_news_of_an_unknown_mail_to_the_person_is_theirs_too(db: Database) -> None:
    world = await _known(db)
    for number, to in enumerate(("anna@example.org", "joanna@example.org")):
        raw = json.dumps({"recipient": to})
        async with db.write() as session:
            session.add(
                FeedbackRow(
                    id=f"{number}", provider="p", kind="bounce", at=NOW, received_at=NOW, raw=raw
                )
            )
    exported = await world.privacy.export("anna@example.org")
    assert [row["id"] for row in exported["feedback"]] == ["0"]
    await world.privacy.erase("anna@example.org", "operator", NOW)
    assert [row.id for row in await world.rows(FeedbackRow)] == ["1"]


@pytest.mark.parametrize("user_id", ["anna@example.org", "ANNA@Example.org"])
async def test_a_person_that_is_two_leads_is_forgotten_as_both(db: Database, user_id: str) -> None:
    """A shop's server calls her by her address as a user id, a form gives the address itself."""
    world = World(db)
    shop = await world.tell("page", email=None, user_id=user_id)
    form = await world.tell("form_submitted", email="anna@example.org")
    assert shop.id != form.id
    exported = await world.privacy.export("Anna@example.org")
    assert {row["id"] for row in exported["lead"]} == {shop.id, form.id}
    erased = await world.privacy.erase("Anna@example.org", "operator", NOW)
    assert erased.lead == form.id
    assert all(row.erased_at for row in await world.rows(LeadRow))


@pytest.mark.parametrize("kept", ["by an earlier release", "by this one"])
@pytest.mark.parametrize(
    "name", ["bo@firm.example", "BO@FIRM.EXAMPLE", "Bo@firm.example", "bö@firm.example"]
)
async def test_an_address_as_a_user_id_is_found_however_it_is_spelled(
    db: Database, name: str, kept: str
) -> None:
    world = World(db)
    bo = await world.tell("page", email=None, user_id=name.upper())
    if kept == "by an earlier release":
        async with db.write() as session:
            await leads.forget_name(session, "user", name.lower())
        await migrate.downgrade(db, "0034")
        await migrate.upgrade(db)
    assert (await world.lead(name)).id == bo.id
    assert [row["id"] for row in (await world.privacy.export(name))["lead"]] == [bo.id]
    assert (await world.tell("page", email=None, user_id=name)).id == bo.id
    await world.privacy.erase(name, "operator", NOW)
    assert await world.rows(IdentityRow) == []


@pytest.mark.parametrize("asked", ["capitals", "small letters", "another", "lead id", "42"])
@pytest.mark.parametrize("address", ["a_b@example.org", "åse%@example.org"])
async def test_two_leads_that_have_a_spelling_of_an_address_each_are_found_as_both(
    db: Database, address: str, asked: str
) -> None:
    """An earlier release told them apart; in the address stands what a pattern would read otherwise."""
    world = World(db)
    capitals = await world.tell("page", email=None, user_id=address.upper())
    await world.tell("page", email=None, user_id=address.upper(), previous_id="42")
    async with db.write() as session:
        await leads.forget_name(session, "user", address)
    small = await world.tell("page", email=None, user_id=address)
    other = await world.tell("page", email=None, user_id=address.replace("_", "x").replace("%", ""))
    name = {
        "capitals": address.upper(),
        "small letters": address,
        "another": address.title(),
        "lead id": small.id,
    }.get(asked, asked)
    exported = await world.privacy.export(name)
    assert {row["id"] for row in exported["lead"]} == {capitals.id, small.id}
    await world.privacy.erase(name, "operator", NOW)
    assert {row.id for row in await world.rows(LeadRow) if row.erased_at is None} == {other.id}


@pytest.mark.parametrize("asked", ["anna@example.org", "ANNA@Example.org"])
async def test_an_address_in_capitals_that_only_a_browser_told_is_the_persons_when_asked_by_it(
    db: Database, asked: str
) -> None:
    world = World(db)
    anna = await world.tell("page", email="anna@shop.example", user_id="anna@example.org")
    browser = {"user_id": "ANNA@Example.org", "trusted": False}
    lent = await world.tell("page", email="bo@example.org", **browser)
    exported = await world.privacy.export(asked)
    assert {row["id"] for row in exported["lead"]} == {anna.id, lent.id}
    assert [row["id"] for row in (await world.privacy.export(anna.id))["lead"]] == [anna.id]
    await world.privacy.erase(asked, "operator", NOW)
    again = Incoming("1", NOW, user_id="ANNA@Example.org", email="c@x.example", trusted=True)
    assert (await world.intake.take("crm", [again], NOW)).accepted == 0


@pytest.mark.parametrize("name", ["lead id", "42", "shop's lead id", "anna@new.example"])
async def test_whichever_name_is_given(db: Database, name: str) -> None:
    """The dashboard's button gives an id; she has told another address since."""
    world = World(db)
    shop = await world.tell("page", email=None, user_id="anna@example.org")
    form = await world.tell("form_submitted", email="anna@example.org", user_id="42")
    await world.tell(None, email="anna@new.example", user_id="42", at=NOW + DAY)
    given = {"lead id": form.id, "shop's lead id": shop.id}.get(name, name)
    exported = await world.privacy.export(given)
    assert {row["id"] for row in exported["lead"]} == {shop.id, form.id}
    await world.privacy.erase(given, "operator", NOW)
    assert all(row.erased_at for row in await world.rows(LeadRow))
    assert await world.rows(IdentityRow) == []


async def test_an_address_that_a_browser_lent_to_her_leads_to_nobody_else(db: Database) -> None:
    world = World(db)
    bo = await world.tell("page", email=None, user_id="bo@example.org")
    anna = await world.tell("page", email=None, user_id="42", anonymous_id="family")
    await world.tell("page", email="bo@example.org", anonymous_id="family", trusted=False)
    exported = await world.privacy.export(anna.id)
    assert [row["id"] for row in exported["lead"]] == [anna.id]
    await world.privacy.erase(anna.id, "operator", NOW)
    assert [row.id for row in await world.rows(LeadRow) if row.erased_at is None] == [bo.id]


async def test_a_browser_that_calls_itself_by_her_address_is_not_her(db: Database) -> None:
    world = World(db)
    decoy = await world.tell("page", email=None, anonymous_id="anna@example.org")
    anna = await world.tell("form_submitted", email="anna@example.org")
    assert (await world.lead("anna@example.org")).id == anna.id
    await world.privacy.erase("anna@example.org", "operator", NOW)
    assert {row.id for row in await world.rows(LeadRow) if row.erased_at} == {anna.id}
    assert (await world.privacy.export(decoy.id))["lead"][0]["id"] == decoy.id


async def test_user_ids_are_told_apart_by_their_case(db: Database) -> None:
    world = World(db)
    upper = await world.tell("page", email=None, user_id="CRM-77")
    lower = await world.tell("page", email=None, user_id="crm-77")
    assert [(await world.lead(name)).id for name in ("CRM-77", "crm-77")] == [upper.id, lower.id]
    await world.privacy.erase("CRM-77", "operator", NOW)
    assert {row.id for row in await world.rows(LeadRow) if row.erased_at} == {upper.id}


async def test_consent_stays_proven_without_the_person(db: Database) -> None:
    world = await _known(db)
    erased = await world.privacy.erase("anna@example.org", "operator", NOW)
    proof = await world.rows(ConsentRow)
    assert {row.lead_id for row in proof} == {erased.lead}
    assert len(await world.rows(ErasureRow)) == 2


async def test_a_list_that_still_has_the_name_does_not_revive_the_person(db: Database) -> None:
    world = await _known(db)
    await world.privacy.erase("anna@example.org", "operator", NOW)
    again = [
        Incoming("1", NOW, email="anna@example.org", trusted=True),
        Incoming("2", NOW, user_id="crm-77", trusted=True),
        Incoming("3", NOW, email="bo@example.org", trusted=True),
    ]
    receipt = await world.intake.take("import", again, NOW + DAY)
    assert receipt.accepted == 1
    assert [message_id for message_id, _ in receipt.refused] == ["1", "2"]


@pytest.mark.parametrize("beside", [{"user_id": "42"}, {"user_id": "42", "previous_id": "crm-77"}])
async def test_nor_does_one_that_told_another_name_of_it_first(
    db: Database, beside: dict[str, str]
) -> None:
    world = await _known(db)
    await world.privacy.erase("anna@example.org", "operator", NOW)
    await world.tell("page", email=None, user_id="42", source="shop", at=NOW + DAY)
    address = {} if "previous_id" in beside else {"email": "anna@example.org"}
    told = Incoming(
        "sync", NOW + DAY, trusted=True, traits={"first_name": "A"}, **beside, **address
    )
    receipt = await world.intake.take("crm", [told], NOW + DAY)
    assert [message_id for message_id, _ in receipt.refused] == ["sync"]
    assert {row.email for row in await world.rows(LeadRow)} == {None}


async def _shared(db: Database) -> World:
    """Somebody logged in as u-anna in Bo's browser; nobody but that says whose user id it is. Bo was erased."""
    world = World(db)
    bo = await world.tell("page", email="bo@example.org", anonymous_id="family", trusted=False)
    await world.tell("page", email=None, user_id="u-anna", anonymous_id="family", trusted=False)
    await world.privacy.erase(bo.id, "operator", NOW)
    return world


async def test_who_logged_in_on_the_persons_browser_is_not_shut_out_with_it(db: Database) -> None:
    world = await _shared(db)
    said: dict[str, Any] = {"user_id": "u-anna", "trusted": True, "touch": "order"}
    told = [
        Incoming("1", NOW, email="anna@example.org", **said),
        Incoming("2", NOW, email="bo@example.org", **said),
        Incoming("3", NOW, **said),
    ]
    receipt = await world.intake.take("shop", told, NOW + DAY)
    assert [message_id for message_id, _ in receipt.refused] == ["2"]
    receipt = await world.intake.take("shop", [Incoming("4", NOW, **said)], NOW + DAY)
    assert receipt.accepted == 1
    assert (await world.lead("u-anna")).email == "anna@example.org"


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"email": "bo@example.org"},
        {"previous_id": "crm-9"},
        {"email": "anna@example.org", "trusted": False},
    ],
)
async def test_nor_does_the_person_come_back_by_the_user_id_it_had_there(
    db: Database, again: dict[str, Any]
) -> None:
    """As long as no trusted source tells it beside an address that is not the person's."""
    world = await _shared(db)
    told = Incoming("1", NOW, touch="order", **{"user_id": "u-anna", "trusted": True, **again})
    receipt = await world.intake.take("shop", [told], NOW + DAY)
    assert receipt.accepted == 0


async def test_who_asked_to_be_forgotten_by_such_a_user_id_is_whose_it_is(db: Database) -> None:
    world = World(db)
    await world.tell("page", email="bo@example.org", anonymous_id="phone", trusted=False)
    await world.tell("page", email=None, user_id="u-bo", anonymous_id="phone", trusted=False)
    await world.privacy.erase("u-bo", "operator", NOW)
    told = Incoming("1", NOW, user_id="u-bo", email="bo@new.example", trusted=True)
    assert (await world.intake.take("crm", [told], NOW)).accepted == 0


@pytest.mark.parametrize(
    ("erased", "again"),
    [
        ({"email": "anna@example.org"}, {"user_id": "Anna@Example.org"}),
        ({"email": None, "user_id": "Anna@Example.org"}, {"email": "anna@example.org"}),
    ],
)
async def test_nor_is_an_address_another_one_in_capitals(
    db: Database, erased: dict[str, Any], again: dict[str, Any]
) -> None:
    world = World(db)
    await world.tell("page", **erased)
    await world.privacy.erase(erased["email"] or erased["user_id"], "operator", NOW)
    receipt = await world.intake.take("crm", [Incoming("sync", NOW, trusted=True, **again)], NOW)
    assert receipt.accepted == 0


async def test_who_came_back_through_a_form_is_known_by_its_other_names_again(
    db: Database,
) -> None:
    world = await _known(db)
    await world.privacy.erase("anna@example.org", "operator", NOW)
    back = await world.tell("form_submitted", source="form/guide", at=NOW + DAY)
    later = await world.tell("page", source="crm", user_id="crm-77", at=NOW + DAY)
    assert later.id == back.id == (await world.lead("crm-77")).id


async def test_the_person_itself_may_come_back_through_a_form(db: Database) -> None:
    world = await _known(db)
    erased = await world.privacy.erase("anna@example.org", "operator", NOW)
    row = await world.tell("form_submitted", source="form/guide", at=NOW + DAY)
    later = await world.tell("page", source="crm", at=NOW + DAY)
    assert row.id == later.id != erased.lead


async def test_erasing_twice_changes_nothing_more(db: Database) -> None:
    world = await _known(db)
    first = await world.privacy.erase("anna@example.org", "operator", NOW)
    again = await world.privacy.erase(first.lead, "operator", NOW + DAY)
    assert (again.enrolments, again.handovers, again.quarantined) == (0, 0, 0)
    assert len(await world.rows(NoticeRow)) == 2


async def test_a_click_in_an_old_mail_of_an_erased_person_is_not_kept(db: Database) -> None:
    world = await _known(db)
    await world.privacy.erase("anna@example.org", "operator", NOW)
    assert not await world.intake.hit("nothing", "clicked", {"url": "https://x"}, None, NOW)


async def test_an_export_holds_all_that_is_known_and_nobody_else(db: Database) -> None:
    world = await _known(db)
    await world.tell("page", email="bo@example.org")
    text = json.dumps(await world.privacy.export("anna@example.org"))
    assert all(secret in text for secret in SECRETS)
    assert "bo@example.org" not in text


async def test_nobody_to_export_or_erase_is_said(db: Database) -> None:
    world = World(db)
    with pytest.raises(InputError, match="no lead"):
        await world.privacy.erase("nobody@example.org", "operator", NOW)
    with pytest.raises(InputError, match="no lead"):
        await world.privacy.export("nobody@example.org")


async def test_a_statement_repeated_with_every_message_stands_once_in_the_ledger(
    db: Database,
) -> None:
    world = World(db)
    for day in (0, 2, 1):
        await world.tell("page", consents=(EMAIL_MARKETING,), at=NOW + day * DAY)
    [row] = await world.rows(ConsentRow)
    assert (row.at, row.again_at) == (NOW, NOW + 2 * DAY)


async def test_granting_again_after_a_withdrawal_is_a_new_statement(db: Database) -> None:
    world = World(db)
    row = await world.tell("page", consents=(EMAIL_MARKETING,))
    await world.intake.withdraw(row.id, EMAIL_MARKETING, "unsubscribe", NOW + DAY)
    row = await world.tell("page", consents=(EMAIL_MARKETING,), at=NOW + 2 * DAY)
    said = [statement.granted for statement in await world.rows(ConsentRow)]
    assert (said, row.consents) == ([True, False, True], [EMAIL_MARKETING])


async def test_a_repeated_consent_still_outlives_a_withdrawal_that_arrives_late(
    db: Database,
) -> None:
    world = World(db)
    for day in (0, 2):
        await world.tell("page", consents=(EMAIL_MARKETING,), at=NOW + day * DAY)
    taken_back = ConsentRecord(EMAIL_MARKETING, False, NOW + DAY, "form")
    late = Incoming("late", NOW + DAY, email="anna@example.org", consents=(taken_back,))
    await world.intake.take("site", [late], NOW + 3 * DAY)
    assert (await world.lead("anna@example.org")).consents == [EMAIL_MARKETING]


async def test_a_withdrawal_said_again_outlives_a_consent_that_arrives_late(db: Database) -> None:
    world = World(db)
    row = await world.tell("page", consents=(EMAIL_MARKETING,))
    for day in (1, 3):
        await world.intake.withdraw(row.id, EMAIL_MARKETING, "unsubscribe", NOW + day * DAY)
    await world.tell("page", consents=(EMAIL_MARKETING,), at=NOW + 2 * DAY)
    assert (await world.lead("anna@example.org")).consents == []
