import os
from pathlib import Path

from temporalio.client import Client

from embedded import temporal
from embedded.processes import Processes
from tests.support.ports import free_ports


async def test_a_workflow_still_waits_after_a_restart_on_the_same_folder(tmp_path: Path) -> None:
    port, ui_port = free_ports(2)
    address = f"127.0.0.1:{port}"
    async with Processes(tmp_path) as group:
        command = temporal.command(tmp_path, "127.0.0.1", port, ui_port)
        await group.start("temporal", command, os.environ)
        await group.ready("temporal", lambda: temporal.answers(address))
        client = await Client.connect(address)
        started = await client.start_workflow("Any", id="waiting", task_queue="nobody")

        await group.stop("temporal")
        await group.start("temporal", command, os.environ)
        await group.ready("temporal", lambda: temporal.answers(address))
        client = await Client.connect(address)
        found = await client.get_workflow_handle("waiting").describe()
    assert found.run_id == started.result_run_id
