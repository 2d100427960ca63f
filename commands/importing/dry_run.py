"""A list that is only tried: intake takes it as it would, and nothing of it stays."""

from collections.abc import Sequence

from nurture.domain.sources import IMPORT
from nurture.incoming import Incoming, Receipt
from nurture.intake.identity import Name, names
from nurture.store import leads
from services import Services


class DryRun:
    """Counts the rows whose leads would be new as accepted, those of leads that are known, or that an earlier
    row would have made, as duplicates."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._intake = services.intake.rehearsed()
        self._met: set[Name] = set()

    async def take(self, messages: Sequence[Incoming]) -> Receipt:
        receipt = await self._intake.take(IMPORT, messages, self._services.now())
        told = [name for message in messages for name in names(message)]
        async with self._services.db.read() as session:
            known, _ = await leads.identities(session, told)
        self._met |= known.keys()
        refused = {message_id for message_id, _ in receipt.refused}
        new = sum(self._meet(message) and message.message_id not in refused for message in messages)
        return Receipt(new, len(messages) - len(refused) - new, receipt.refused)

    def _meet(self, message: Incoming) -> bool:
        """Whether nobody went by any of its names so far."""
        own = set(names(message))
        stranger = not own & self._met
        self._met |= own
        return stranger
