"""How much one process takes on at once. What was measured to choose the defaults: docs/scale.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from temporalio.worker import PollerBehaviorAutoscaling

from activities import queues
from nurture.settings import Settings

_POLLERS_AT_FIRST = 5


@dataclass(frozen=True)
class Tuning:
    """`slots`: activities under way at once, by part; each sender's queue has as many as `mail`. What a process has
    taken on stands ahead of anything more urgent that comes later, so more is not better.

    `pollers`: the most questions for work open at once on a queue; how many there are, the SDK settles with the
    server. There are no local activities, and so no slots for them: a kill runs one that has finished again.
    """

    workflow_slots: int
    cached_workflows: int
    pollers: int
    slots: Mapping[str, int]

    @classmethod
    def usual(cls) -> "Tuning":
        return cls.of(Settings.model_construct())

    @classmethod
    def of(cls, settings: Settings) -> "Tuning":
        slots = {
            queues.DECISIONS: settings.decision_slots,
            queues.WEBHOOKS: settings.webhook_slots,
            queues.ADS: settings.ad_slots,
            queues.MAIL: settings.mail_slots,
        }
        return cls(settings.workflow_slots, settings.cached_workflows, settings.pollers, slots)

    def of_queue(self, part: str) -> dict[str, Any]:
        """Options of the worker that serves that part."""
        kind = queues.MAIL if part.startswith(queues.MAIL) else part
        at_first = min(_POLLERS_AT_FIRST, self.pollers)
        behaviour = PollerBehaviorAutoscaling(maximum=self.pollers, initial=at_first)
        return {
            "max_concurrent_activities": self.slots[kind],
            "workflow_task_poller_behavior": behaviour,
            "activity_task_poller_behavior": behaviour,
        }

    def of_workflows(self) -> dict[str, Any]:
        """More of them, of the worker that also runs workflows."""
        return {
            "max_concurrent_workflow_tasks": self.workflow_slots,
            "max_cached_workflows": self.cached_workflows,
        }
