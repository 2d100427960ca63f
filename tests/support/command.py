"""How a command line ended."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


Nurture = Callable[..., Ended]
