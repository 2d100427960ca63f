"""The activity behind AudienceSync."""

from temporalio import activity

from activities import clock
from activities.contract import SYNC_AUDIENCE, Next
from nurture.audiences.keeper import AudienceKeeper


class AudienceActivities:
    """One look at one audience. Its work is kept batch by batch, so a crash repeats one batch at most."""

    def __init__(self, keeper: AudienceKeeper) -> None:
        self._keeper = keeper

    @activity.defn(name=SYNC_AUDIENCE)
    async def sync(self, name: str) -> Next:
        """Work off everything owed that may be tried now; when something next will be."""
        look = await self._keeper.sync(name, clock.now())
        return Next(wake_at=look.at.timestamp() if look.at else None, done=look.done)
