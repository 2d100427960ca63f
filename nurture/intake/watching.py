"""Whether a lead may be watched holds from one message of a batch to the next; other news can wait for all of it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from nurture.domain.consent import TRACKING, ConsentRecord, counts
from nurture.store import consents
from nurture.store.tables import LeadRow


class Watching:
    """Asks the ledger only where the answer may change: anybody may say no a thousand times in one batch."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._agreed: dict[str, datetime] = {}

    async def hear(self, row: LeadRow, said: Iterable[ConsentRecord]) -> None:
        """Bring `consents` and `declined` in line with what the lead says of being watched."""
        tracking = [r for r in said if r.purpose == TRACKING and self._may_change(row, r)]
        if not tracking:
            return
        await consents.tell(self._session, [(row, tracking)])
        if TRACKING in row.consents:
            self._agreed[row.id] = await consents.agreed_at(self._session, row.id, TRACKING)

    def _may_change(self, row: LeadRow, record: ConsentRecord) -> bool:
        """A no to what was declined changes nothing, nor does one from before the lead agreed."""
        if not counts(record.source):
            return False
        if record.granted or TRACKING in row.declined:
            return record.granted and TRACKING in row.declined
        agreed = self._agreed.get(row.id)
        return agreed is None or record.at >= agreed
