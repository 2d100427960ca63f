"""A door whose event loop stands still."""

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


@pytest.mark.parametrize(
    ("then", "code", "told"),
    [("time.sleep(30)", 1, "in work"), ("pass", 0, "")],
    ids=["one that stands still ends and says where", "one that goes on does not"],
)
def test_it_ends_only_when_it_stands_still(then: str, code: int, told: str) -> None:
    words = [sys.executable, "-c", PROCESS.format(then=then)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    assert (ended.returncode, told in ended.stderr) == (code, True)
