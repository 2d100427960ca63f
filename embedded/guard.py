"""Kills its process group when the process that holds the other end of its standard input is gone.

A supervisor that is killed outright cannot stop its children; this one can. It leads their process
group and does nothing until its input ends, which the kernel sees to however the supervisor dies.
Started as a plain script, so it imports nothing but the standard library.
"""

import os
import signal
import sys
import time

GRACE = 3.0
"""Seconds between asking the group to stop and killing it."""


def main() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
