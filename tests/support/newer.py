"""What a newer release put in force: a playbook with a key that this one does not know."""

from collections.abc import Mapping
from typing import Any

from nurture.playbook.source import content_hash
from nurture.store import playbooks
from nurture.store.database import Database
from tests.support.domain import NOW

LINE = "key_of_the_next_release: true"


async def put_in_force(
    db: Database, texts: Mapping[str, str], file: str, names: Mapping[str, Any] | None = None
) -> None:
    """As the newer release's `nurture apply` does; `file` holds what is new, `names` is what it keeps of them."""
    newer = {**texts, file: f"{texts[file]}{LINE}\n"}
    async with db.write() as session:
        await playbooks.put_in_force(
            session, content_hash(newer), newer, "next", NOW, "", names=names
        )
