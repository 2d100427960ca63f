"""A door of the product on a clock that can be put wrong: `python -m bench.faults.door worker`.

SIGUSR1 puts it ahead, SIGUSR2 behind, SIGHUP right. What measures spans goes on evenly, as on a machine whose clock
is set.
"""

import runpy
import signal
import sys
import time

import time_machine

JUMP = 15.0
"""Seconds."""


class Clock:
    def __init__(self) -> None:
        self._wrong: time_machine.travel | None = None

    def put(self, seconds: float) -> None:
        if self._wrong:
            self._wrong.stop()
            self._wrong = None
        if seconds:
            self._wrong = time_machine.travel(time.time() + seconds, tick=True)
            self._wrong.start()


def main(door: str) -> None:
    clock = Clock()
    signal.signal(signal.SIGUSR1, lambda *_: clock.put(JUMP))
    signal.signal(signal.SIGUSR2, lambda *_: clock.put(-JUMP))
    signal.signal(signal.SIGHUP, lambda *_: clock.put(0))
    runpy.run_module(door, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
