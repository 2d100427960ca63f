"""The activity behind Upkeep."""

from temporalio import activity

from activities import clock
from activities.contract import RECONCILE, Reconcile
from nurture.upkeep.reconciling import Place, Reconciling


class UpkeepActivities:
    """One page of the comparison; a crash repeats it, which changes nothing."""

    def __init__(self, reconciling: Reconciling) -> None:
        self._reconciling = reconciling

    @activity.defn(name=RECONCILE)
    async def reconcile(self, order: Reconcile) -> Reconcile:
        """Compare and repair one page; where to go on."""
        here = Place(order.part, order.after) if order.part else self._reconciling.first
        following = await self._reconciling.page(order.night, here, clock.now())
        if following is None:
            return Reconcile(order.night, done=True)
        return Reconcile(order.night, following.part, following.after)
