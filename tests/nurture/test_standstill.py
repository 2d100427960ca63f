"""A door whose event loop stands still."""

import signal
import subprocess
import sys

import pytest

PROCESS = """
import asyncio, time
from nurture.standstill import watched

async def work():
    for _ in range(3):
        await asyncio.sleep(0.1)
    {then}

asyncio.run(watched(work(), longest=0.2))
"""


def test_one_that_was_held_goes_on_when_it_is_let_go() -> None:
    """A container that was frozen; it was no standstill of its own."""
    words = [sys.executable, "-uc", PROCESS.format(then="print('held'); await asyncio.sleep(0.5)")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as held:
        assert held.stdout is not None
        held.stdout.readline()
        held.send_signal(signal.SIGSTOP)
        with pytest.raises(subprocess.TimeoutExpired):
            held.wait(1)
        held.send_signal(signal.SIGCONT)
    assert held.returncode == 0


@pytest.mark.parametrize(
    ("then", "code", "told"),
    [("time.sleep(30)", 1, "in work"), ("pass", 0, "")],
    ids=["one that stands still ends and says where", "one that goes on does not"],
)
def test_it_ends_only_when_it_stands_still(then: str, code: int, told: str) -> None:
    words = [sys.executable, "-c", PROCESS.format(then=then)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    assert (ended.returncode, told in ended.stderr) == (code, True)
