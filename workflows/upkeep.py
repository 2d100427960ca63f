"""Every night: does everything that should be going on go on?"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contract import RECONCILE, Reconcile
    from workflows import policies


@workflow.defn
class Upkeep:
    """Compare the database with Temporal page by page, and have repaired what differs."""

    @workflow.run
    async def run(self, order: Reconcile) -> None:
        night = order.night or workflow.info().run_id
        while True:
            following: Reconcile = await workflow.execute_activity(
                RECONCILE,
                Reconcile(night, order.part, order.after),
                result_type=Reconcile,
                start_to_close_timeout=policies.SYNC,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=policies.RETRY,
            )
            if following.done:
                return
            order = following
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(order)
