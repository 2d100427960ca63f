"""`make bench`: prints the figures of one run and writes them to bench/results.json."""

import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench import (
    asleep,
    audiences,
    core,
    dashboard,
    due,
    faults,
    figures,
    handover,
    journeys,
    mails,
    open_leads,
    plans,
    smtp,
    touches,
    tuning,
    watch,
    workers,
)

RESULTS = Path(__file__).parent / "results.json"

BENCHES: dict[str, Callable[[Path], Awaitable[dict[str, Any]]]] = {
    "journeys": journeys.measure,
    "touches": touches.measure,
    "handover": handover.measure,
    "audiences": audiences.measure,
    "dashboard": dashboard.measure,
    "figures": figures.measure,
    "mails": mails.measure,
    "faults": faults.measure,
    "smtp": smtp.measure,
    "watch": watch.measure,
    "open_leads": open_leads.measure,
    "asleep": asleep.measure,
    "workers": workers.measure,
    "tuning": tuning.measure,
    "due": due.measure,
    "plans": plans.measure,
    "simulation": core.simulation,
    "interpreter": core.interpreter,
}


async def run(names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"machine": f"{platform.machine()}, {os.cpu_count()} cores"}
    for name in names or list(BENCHES):
        with tempfile.TemporaryDirectory() as folder:
            found[name] = await BENCHES[name](Path(folder))
        sys.stdout.write(f"{name}: {json.dumps(found[name], indent=2)}\n")
    return found


def main() -> None:
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known |= asyncio.run(run(sys.argv[1:]))
    RESULTS.write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    main()
