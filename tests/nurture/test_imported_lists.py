"""What lists say of people, week after week."""

from datetime import datetime

from commands.csv_rows import Row
from commands.importing.mapping import Mapped
from nurture.domain.consent import EMAIL_MARKETING
from nurture.incoming import Incoming, Receipt
from nurture.store.database import Database
from nurture.store.tables import ConsentRow, LeadRow, TouchRow, WakeupRow
from tests.support.domain import DAY, NOW
from tests.support.world import World

ANNA = "anna@example.org"
COLUMNS = {
    name: name
    for name in (
        *("email", "email_marketing", "first_name"),
        *("consent_at", "consent_wording", "consent_proof"),
    )
}


async def bring(world: World, at: datetime, *rows: dict[str, str], edition: str = "") -> Receipt:
    """A list of these rows about Anna; without an `edition` it is as new as the moment it comes."""
    mapped = Mapped(COLUMNS, {}, "list.csv", edition or at.isoformat())
    messages = [
        mapped.message(Row(line, {"email": ANNA, **row}), at) for line, row in enumerate(rows, 2)
    ]
    return await world.intake.take("import", messages, at)


async def test_a_no_in_a_list_counts_although_an_earlier_list_said_the_same(db: Database) -> None:
    world = World(db)
    for week, said in enumerate(("no", "yes", "no")):
        await bring(world, NOW + week * 7 * DAY, {"email_marketing": said})
    assert (await world.lead(ANNA)).consents == []
    assert [row.granted for row in await world.rows(ConsentRow)] == [False, True, False]


async def test_a_trait_that_changes_back_is_taken(db: Database) -> None:
    world = World(db)
    for week, name in enumerate(("Anna", "Anne", "Anna")):
        await bring(world, NOW + week * 7 * DAY, {"first_name": name})
    assert (await world.lead(ANNA)).traits["first_name"] == "Anna"


async def test_of_two_rows_of_one_lead_the_later_counts(db: Database) -> None:
    world = World(db)
    zoe, anna = ({"first_name": name, "email_marketing": "no"} for name in ("Zoe", "Anna"))
    await bring(world, NOW, zoe, {**anna, "email_marketing": "yes"})
    row = await world.lead(ANNA)
    assert (row.traits["first_name"], row.consents) == ("Anna", [EMAIL_MARKETING])


async def test_a_list_that_comes_once_more_changes_nothing(db: Database) -> None:
    world = World(db)
    await bring(world, NOW, {"first_name": "Anna"}, edition="the same")
    await world.tell(None, at=NOW + DAY, traits={"first_name": "Anne"})
    again = await bring(world, NOW + 2 * DAY, {"first_name": "Anna"}, edition="the same")
    assert (again.accepted, again.duplicates) == (0, 1)
    assert (await world.lead(ANNA)).traits["first_name"] == "Anne"


async def test_who_unsubscribed_gets_no_mails_again_because_a_list_says_yes(db: Database) -> None:
    world = World(db)
    lead = await world.tell("form_submitted", consents=(EMAIL_MARKETING,))
    await world.intake.withdraw(lead.id, EMAIL_MARKETING, "unsubscribe", NOW + DAY)
    await bring(world, NOW + 2 * DAY, {"email_marketing": "yes"})
    row = await world.lead(ANNA)
    assert (row.consents, row.declined) == ([], [EMAIL_MARKETING])
    await world.tell("form_submitted", at=NOW + 3 * DAY, consents=(EMAIL_MARKETING,))
    assert (await world.lead(ANNA)).consents == [EMAIL_MARKETING]


async def test_a_lists_old_yes_is_on_record_as_of_then_and_undoes_no_later_no(db: Database) -> None:
    world = World(db)
    await bring(world, NOW, {"email_marketing": "no"})
    then = NOW - 30 * DAY
    proof = {"consent_wording": "Send me news", "consent_proof": "https://old.example/7"}
    await bring(world, NOW + DAY, {"email_marketing": "yes", "consent_at": f"{then:%F}", **proof})
    row = await world.lead(ANNA)
    assert (row.consents, row.declined) == ([], [EMAIL_MARKETING])
    _, yes = await world.rows(ConsentRow)
    assert (yes.granted, yes.at, yes.wording, yes.proof) == (
        True,
        then.replace(hour=0, minute=0),
        *proof.values(),
    )
    again = {"email_marketing": "yes", "consent_at": f"{NOW + DAY:%F}", **proof}
    await bring(world, NOW + 2 * DAY, again)
    assert (await world.lead(ANNA)).consents == [EMAIL_MARKETING]


async def test_nor_who_unsubscribes_after_a_list_had_said_no(db: Database) -> None:
    world = World(db)
    await bring(world, NOW, {"email_marketing": "no"})
    await world.intake.withdraw(
        (await world.lead(ANNA)).id, EMAIL_MARKETING, "unsubscribe", NOW + DAY
    )
    await bring(world, NOW + 2 * DAY, {"email_marketing": "yes"})
    assert (await world.lead(ANNA)).consents == []


async def test_a_list_that_is_only_tried_leaves_no_trace_and_wakes_nobody(db: Database) -> None:
    world = World(db)
    trial = world.intake.rehearsed()
    good = Incoming("good", NOW, email=ANNA, touch="form_submitted", trusted=True)
    odd = Incoming("odd", NOW, email="bo@example.org", stage="nonsense", trusted=True)
    for _ in range(2):
        receipt = await trial.take("import", [good, odd], NOW)
        assert (receipt.accepted, [name for name, _ in receipt.refused]) == (1, ["odd"])
    await world.outbox.drain()
    kept = [await world.rows(kind) for kind in (LeadRow, TouchRow, WakeupRow)]
    assert (kept, world.alarm.woken) == ([[], [], []], [])


async def test_a_proof_that_a_later_list_brings_is_kept(db: Database) -> None:
    world = World(db)
    await bring(world, NOW, {"email_marketing": "yes"})
    proven = {"email_marketing": "yes", "consent_proof": "paper form 17"}
    for week in (1, 2):
        await bring(world, NOW + week * 7 * DAY, proven)
    assert [row.proof for row in await world.rows(ConsentRow)] == ["", "paper form 17"]
