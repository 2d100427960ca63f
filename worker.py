"""Temporal's door: `python worker.py` runs workflows and activities until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog
from temporalio.service import RPCError

from activities import queues
from nurture import figures, settings
from nurture.domain.errors import Transient
from nurture.playbook import Playbook
from services import Services, assemble, lacking, open_door
from workflows import releases
from workflows.schedules import keep_schedules, keep_upkeep
from workflows.telemetry import SILENT, Telemetry
from workflows.tuning import Tuning
from workflows.worker import Workers

log = structlog.get_logger()

_LOOK_AGAIN_SECONDS = 5


async def run(config: settings.Settings, told: Telemetry = SILENT) -> None:
    """Serve the task queues; on SIGINT or SIGTERM finish what is under way, then return. What runs beside the queues
    never ends by itself: if it does the worker ends with its error, rather than go on without."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with assemble(config, told=told) as services:
        workers = Workers(
            services.client,
            config.task_queue,
            services.activities,
            config.parts,
            config.worker_sandbox,
            releases.deployment(config.deployment, config.build_id),
            Tuning.of(config),
        )
        try:
            async with asyncio.TaskGroup() as beside, workers:
                for work in await _beside(services, workers, stop):
                    beside.create_task(work)
                log.info("worker_ready", task_queue=config.task_queue, queues=sorted(config.parts))
                await stop.wait()
                log.info("worker_stopping")
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors


async def _beside(
    services: Services, workers: Workers, stop: asyncio.Event
) -> list[Coroutine[Any, Any, None]]:
    """What runs beside the queues, until `stop` is set."""
    config, parts = services.settings, services.settings.parts
    if queues.WEBHOOKS in parts:
        await services.mailbox.start()
    works = [following(services, workers, stop)]
    if config.build_id and config.take_over:
        its = config.deployment, config.build_id
        works.append(releases.take_over(services.client, *its, stop))
    if queues.DECISIONS in parts:
        works += [services.relay.run(stop), services.relay.tend(stop)]
    if queues.WEBHOOKS in parts:
        works += [services.calls.run(stop), services.mailbox.run(stop)]
    return works


async def following(services: Services, workers: Workers, stop: asyncio.Event) -> None:
    """The queues of mail and the reports' schedules are those of the playbook in force, also once another one is. What
    it lacks an account for waits, and the log says so."""
    kept = ""
    while not stop.is_set():
        try:
            async with services.db.read() as session:
                playbook = await services.shelf.current(session)
                changed = playbook.hash != kept
                rates = await services.shelf.senders(session) if changed else {}
            if changed:
                await workers.follow(rates)
                await _schedule(services, playbook)
                for problem in lacking(services, playbook):
                    log.warning("account_missing", problem=problem)
                kept = playbook.hash
        except (RPCError, Transient) as error:
            log.warning("playbook_not_followed", error=type(error).__name__, problem=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_AGAIN_SECONDS)


async def _schedule(services: Services, playbook: Playbook) -> None:
    """Temporal gets the playbook's schedules, and upkeep every night, from whoever works on decisions."""
    if queues.DECISIONS in services.settings.parts:
        client, queue, zone = (
            services.client,
            services.settings.task_queue,
            figures.zone_of(playbook),
        )
        plans = playbook.reports.values()
        await keep_schedules(client, queue, plans, zone, playbook.day, services.now())
        await keep_upkeep(client, queue, zone)


if __name__ == "__main__":
    sys.exit(open_door("worker", run))
