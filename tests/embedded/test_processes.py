import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from embedded.processes import Processes
from nurture.domain.errors import StartError
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""
SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from embedded.processes import Processes

async def main():
    async with Processes(Path(sys.argv[1])) as group:
        for name in ("one", "two"):
            await group.start(name, [sys.executable, "-c", sys.argv[2]], {})
        await group.death()

asyncio.run(main())
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def line_of(log: Path) -> str:
    """The log's first line, once it is written."""
    found: list[str] = []

    def written() -> bool:
        found[:] = log.read_text().splitlines() if log.exists() else []
        return bool(found)

    await until(written)
    return found[0]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return (
        not Path(f"/proc/{pid}/stat").exists() or " Z " not in Path(f"/proc/{pid}/stat").read_text()
    )


async def test_a_child_that_ends_by_itself_is_reported_with_its_last_words(tmp_path: Path) -> None:
    async with Processes(tmp_path) as group:
        await group.start("calm", python("import time; time.sleep(60)"), {})
        await group.start("hasty", python("import sys; sys.exit('no schema')"), {})
        death = await group.death()
    assert (death.name, death.code) == ("hasty", 1)
    assert str(death) == "hasty ended (1); its last words:\nno schema"


async def test_children_see_the_environment_they_are_given_and_no_other(tmp_path: Path) -> None:
    async with Processes(tmp_path) as group:
        await group.start(
            "teller", python("import os; print(sorted(os.environ))"), {"NURTURE_X": "1"}
        )
        await group.death()
    assert "NURTURE_X" in (tmp_path / "teller.log").read_text()
    assert "HOME" not in (tmp_path / "teller.log").read_text()


async def test_a_child_that_will_not_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    async with Processes(tmp_path) as group:
        await group.start("stubborn", python(STUBBORN), {})
        await line_of(tmp_path / "stubborn.log")
        async with asyncio.timeout(10):
            await group.stop("stubborn", grace=0.1)


async def test_a_child_that_ends_before_it_answers_tells_why(tmp_path: Path) -> None:
    async def answers() -> bool:
        return False

    async with Processes(tmp_path) as group:
        await group.start("server", python("import sys; sys.exit('no disk')"), {})
        with pytest.raises(StartError, match=r"server ended \(1\).*\nno disk"):
            await group.ready("server", answers)


async def test_a_child_that_never_answers_is_not_waited_for_longer_than_agreed(
    tmp_path: Path,
) -> None:
    async def answers() -> bool:
        return False

    async with Processes(tmp_path) as group:
        await group.start("server", python(SLEEPER), {})
        with pytest.raises(
            StartError, match=r"server does not answer after 0 s; its log: .*server"
        ):
            await group.ready("server", answers, patience=0.1)


async def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    supervisor = await asyncio.create_subprocess_exec(
        *python(SUPERVISOR), str(tmp_path), SLEEPER, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    )
    pids = [int(await line_of(tmp_path / f"{name}.log")) for name in ("one", "two")]
    assert all(runs(pid) for pid in pids)
    supervisor.send_signal(signal.SIGKILL)
    await supervisor.wait()
    await until(lambda: not any(runs(pid) for pid in pids))
