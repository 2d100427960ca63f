"""Temporal's door: `python worker.py` runs workflows and activities until it is told to stop."""

import asyncio
import signal
import sys
from contextlib import suppress

import structlog
import uvloop
from temporalio.service import RPCError

from nurture import figures, logs, settings
from nurture.domain.errors import NurtureError, Transient
from services import Services, assemble, require_ready
from workflows import telemetry
from workflows.schedules import keep_schedules, keep_upkeep
from workflows.telemetry import SILENT, Telemetry
from workflows.worker import build_worker

log = structlog.get_logger()

_LOOK_AGAIN_SECONDS = 30


async def run(config: settings.Settings, told: Telemetry = SILENT) -> None:
    """Serve the task queue; on SIGINT or SIGTERM finish what is under way, then return."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with assemble(config, told=told) as services:
        await require_ready(services)
        worker = build_worker(
            services.client, config.task_queue, services.activities, config.worker_sandbox
        )
        await services.mailbox.start()
        beside = [
            services.relay.run(stop),
            services.calls.run(stop),
            services.mailbox.run(stop),
            _schedules(services, stop),
        ]
        tasks = [asyncio.create_task(work) for work in beside]
        async with worker:
            log.info("worker_ready", task_queue=config.task_queue)
            await stop.wait()
            log.info("worker_stopping")
        await asyncio.gather(*tasks)


async def _schedules(services: Services, stop: asyncio.Event) -> None:
    """The reports are sent when the playbook in force says, also once another one is; upkeep every night."""
    kept = ""
    while not stop.is_set():
        try:
            async with services.db.read() as session:
                playbook = await services.shelf.current(session)
            if playbook.hash != kept:
                zone = figures.zone_of(playbook)
                await keep_schedules(
                    services.client,
                    services.settings.task_queue,
                    playbook.reports.values(),
                    zone,
                    playbook.day,
                )
                await keep_upkeep(services.client, services.settings.task_queue, zone)
                kept = playbook.hash
        except (RPCError, Transient) as error:
            log.warning("not_scheduled", error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_AGAIN_SECONDS)


def main() -> int:
    try:
        config = settings.load()
        logs.configure(config.log_level)
        with telemetry.opened("worker", config) as told:
            uvloop.run(run(config, told))
    except NurtureError as error:
        sys.stderr.write(f"worker: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
