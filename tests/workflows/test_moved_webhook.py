"""A webhook step is moved to where leads come to it again; on both databases."""

from datetime import UTC, datetime

import pytest

from nurture.store.database import Database
from nurture.store.tables import CallRow
from tests.support.domain import DAY
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
