"""`nurture handovers`: what sales has in hand and what it could not be told, for the operator."""

import asyncio
import json
from pathlib import Path

from nurture.store import notices
from nurture.store.database import Database
from nurture.store.handover_tables import HandoverRow
from tests.support.command import Nurture
from tests.support.domain import NOW
from tests.support.world import World


async def _lose_a_notice(data: Path, name: str = "anna") -> str:
    """A lead is handed over, and the receiver says 410."""
    db = Database(f"sqlite+aiosqlite:///{data / 'nurture.db'}")
    world = World(db)
    lead = await world.tell(
        "demo_requested", f"{name}@example.org", source=name, traits={"occupation": "pro"}
    )
    [row] = [row for row in await world.rows(HandoverRow) if row.lead_id == lead.id]
    async with db.write() as session:
        await notices.close(session, "http_410", NOW)
    await db.close()
    return str(row.id)


def test_what_sales_could_not_be_told_is_listed_and_told_again(
    nurture: Nurture, tmp_path: Path
) -> None:
    assert nurture("db", "upgrade").returncode == 0
    handover = asyncio.run(_lose_a_notice(tmp_path / "data"))
    assert handover in nurture("handovers", "list", "--json").stdout
    [lost] = json.loads(nurture("handovers", "list", "--dead", "--json").stdout)
    assert (lost["handover_id"], lost["type"]) == (handover, "lead.handover.created")
    assert "Sales is told nothing: http_410" in nurture("handovers", "list").stdout
    refused = nurture("handovers", "resend", lost["id"])
    assert refused.returncode == 2
    assert "open it again first" in refused.stderr
    assert "told again" in nurture("handovers", "open").stdout
    assert nurture("handovers", "resend", "--dead").stdout == "1 to be sent again.\n"
    shown = json.loads(nurture("handovers", "show", handover).stdout)
    assert [told["dead_at"] for told in shown["notices"]] == [None]
    assert nurture("handovers", "show", "nothing").returncode == 2
    assert nurture("handovers", "resend").returncode == 2
    asyncio.run(_lose_a_notice(tmp_path / "data", "bo"))
    for dead in ((), ("--dead",)):
        listed = nurture("handovers", "list", "--limit", "1", "--json", *dead)
        assert len(json.loads(listed.stdout)) == 1
        assert listed.stderr == "There are more than 1; --limit shows more of them.\n"
        whole = nurture("handovers", "list", "--limit", "2", "--json", *dead)
        assert (len(json.loads(whole.stdout)), whole.stderr) == (2, "")
