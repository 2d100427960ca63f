"""Temporal's door: `python worker.py` runs workflows and activities until it is told to stop."""

import asyncio
import signal
import sys

import structlog
import uvloop

from nurture import logs, settings
from nurture.domain.errors import NurtureError
from services import assemble, require_ready
from workflows.worker import build_worker

log = structlog.get_logger()


async def run(config: settings.Settings) -> None:
    """Serve the task queue; on SIGINT or SIGTERM finish what is under way, then return."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with assemble(config) as services:
        await require_ready(services)
        worker = build_worker(
            services.client, config.task_queue, services.activities, config.worker_sandbox
        )
        beside = [services.relay.run(stop), services.calls.run(stop)]
        tasks = [asyncio.create_task(work) for work in beside]
        async with worker:
            log.info("worker_ready", task_queue=config.task_queue)
            await stop.wait()
            log.info("worker_stopping")
        await asyncio.gather(*tasks)


def main() -> int:
    try:
        config = settings.load()
        logs.configure(config.log_level)
        uvloop.run(run(config))
    except NurtureError as error:
        sys.stderr.write(f"worker: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
