"""Leads come again to a webhook step that has told of them, moved or in another run; on both databases."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from sqlmodel import col

from nurture.domain.consent import EMAIL_MARKETING
from nurture.store.database import Database
from nurture.store.tables import CallRow, EnrolmentRow, MessageRow
from tests.support.domain import DAY, HOUR
from tests.support.looks import Looks
from tests.support.small import FLOW, LAUNCH

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
HOOKS = {"config/webhooks.yaml": "crm: {title: CRM, url: 'https://crm.example/hook'}\n"}
CALL, REST, MAIL = (
    "  - webhook: crm\n",
    "  - wait: 1 day\n    id: rest\n",
    "  - email: welcome\n",
)


def _flow(*steps: str) -> dict[str, str]:
    return {**HOOKS, LAUNCH: FLOW.replace(MAIL, "".join(steps))}


@pytest.mark.parametrize(
    "name", ["", "    id: told\n    was: tell-crm\n"], ids=["as it was", "renamed"]
)
async def test_leads_pass_a_webhook_that_heard_of_them_without_telling_it_again(
    db: Database, name: str
) -> None:
    looks = Looks(db)
    await looks.apply(_flow(CALL, REST, MAIL), NOW)
    run = await looks.enter(NOW)
    await looks.look(run, NOW)
    await looks.apply(_flow(REST, MAIL, CALL + name), NOW)
    assert (await looks.look(run, NOW + 2 * DAY)).done
    assert await looks.ledger() == [("welcome", "accepted")]
    assert len(await looks.world.rows(CallRow)) == 1


@pytest.mark.parametrize("told", ["anna", "ann"])
async def test_a_webhook_is_told_and_a_mail_sent_once_to_two_leads_that_turn_out_to_be_one(
    db: Database, told: str
) -> None:
    looks = Looks(db)
    await looks.apply(_flow(CALL, MAIL, REST), NOW)
    for name in ("anna", "ann"):
        lead = {"email": f"{name}@example.org", "user_id": name}
        row = await looks.world.tell("form_submitted", at=NOW, **lead)
        if name == told:
            [run] = [run for run in await _under_way(looks) if run.lead_id == row.id]
            await looks.look(run, NOW)
    await looks.world.tell(None, user_id="anna", previous_id="ann", at=NOW + DAY)
    [run] = await _under_way(looks)
    await looks.look(run, NOW + DAY)
    assert [row.data["step"] for row in await looks.world.rows(CallRow)] == ["tell-crm"]
    assert await looks.ledger() == [("welcome", "accepted")]


@pytest.mark.parametrize(("state", "mails"), [("accepted", 2), ("planned", 1)])
async def test_of_two_such_leads_that_both_came_to_the_mail_nobody_gets_it_a_third_time(
    db: Database, state: str, mails: int
) -> None:
    """Nor does it go out where the first one's was put off and the other's was not."""
    looks = Looks(db)
    await looks.apply(_flow(MAIL, REST), NOW)
    for name in ("anna", "ann"):
        lead = {"email": f"{name}@example.org", "user_id": name}
        row = await looks.world.tell("form_submitted", at=NOW, **lead)
        [run] = [run for run in await _under_way(looks) if run.lead_id == row.id]
        await looks.look(run, NOW)
        if name == "anna":
            [first] = await looks.world.rows(MessageRow)
            async with db.write() as session:
                values = {"state": state, "sent_at": None if state == "planned" else NOW}
                await session.execute(update(MessageRow).values(values))
                of_first = update(EnrolmentRow).where(col(EnrolmentRow.id) == first.enrolment_id)
                await session.execute(of_first.values(step=first.step, wake_at=NOW))
    await looks.world.tell(None, user_id="anna", previous_id="ann", at=NOW + DAY)
    [run] = await _under_way(looks)
    await looks.look(run, NOW + DAY)
    assert await looks.ledger() == [("welcome", "accepted")] * mails


async def test_what_one_of_the_two_did_not_get_the_other_still_does(db: Database) -> None:
    """Ann had not agreed to mail; and her webhook was never heard."""
    looks = Looks(db)
    await looks.apply(_flow(CALL, MAIL, REST), NOW)
    for name, agreed in (("anna", (EMAIL_MARKETING,)), ("ann", ())):
        lead = {"email": f"{name}@example.org", "user_id": name, "consents": agreed}
        row = await looks.world.tell("form_submitted", at=NOW, **lead)
        if name == "ann":
            [run] = [run for run in await _under_way(looks) if run.lead_id == row.id]
            await looks.look(run, NOW)
    async with db.write() as session:
        await session.execute(update(CallRow).values(dead_at=NOW, next_attempt_at=None))
    await looks.world.tell(
        None, user_id="anna", previous_id="ann", consents=(EMAIL_MARKETING,), at=NOW + HOUR
    )
    [run] = await _under_way(looks)
    await looks.look(run, NOW + HOUR)
    assert [state for _, state in await looks.ledger()] == ["refused", "accepted"]
    assert len(await looks.world.rows(CallRow)) == 2


OTHER = "config/flows/other.yaml"


@pytest.mark.parametrize(("step", "calls"), [("", 1), ("    id: tell-shop\n", 2)])
async def test_a_webhook_is_told_once_of_a_lead_in_two_flows_that_become_one(
    db: Database, step: str, calls: int
) -> None:
    """But the merged flow's own webhook is, though the other flow's had its name."""
    looks = Looks(db)
    both = _flow(REST, MAIL)
    other = _flow(CALL + step, REST)[LAUNCH].replace("flow: launch", "flow: other")
    shop = {
        "config/webhooks.yaml": HOOKS["config/webhooks.yaml"]
        + "shop: {title: S, url: 'https://s.example/'}\n"
    }
    await looks.apply({**both, **shop, OTHER: other}, NOW)
    runs = await looks.enter_all(NOW)
    for run in runs:
        await looks.look(run, NOW)
    call = CALL if not step else "  - webhook: shop\n"
    merged = _flow(REST, MAIL, call)[LAUNCH].replace("flow: launch", "flow: launch\nwas: other")
    await looks.apply({**shop, LAUNCH: merged}, NOW + DAY)
    for run in runs:
        await looks.look(run, NOW + 2 * DAY)
    assert len(await looks.world.rows(CallRow)) == calls


async def _under_way(looks: Looks) -> list[EnrolmentRow]:
    return [run for run in await looks.world.rows(EnrolmentRow) if run.ended is None]
