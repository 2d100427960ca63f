"""How far the demo is: a bar for people at a terminal, a line per playbook week for everybody else."""

from collections.abc import Callable, Mapping
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

_WEEK = 7
_OFTEN = 10.0
"""Seconds between two lines about waiting."""


class Telling:
    """`figures` gives what is to be told beside the day. Everything goes to stderr."""

    def __init__(self, days: float, figures: Callable[[], str]) -> None:
        self._console = Console(stderr=True)
        self._days = days
        self._figures = figures
        self._week = 0
        self._told_waiting = 0.0
        columns = (
            TextColumn("{task.description}"),
            BarColumn(24),
            TextColumn("{task.fields[told]}"),
        )
        self._bar = Progress(*columns, console=self._console, transient=True)
        self._task = self._bar.add_task("day 0", total=days, told="")

    def __enter__(self) -> "Telling":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def at(self, day: float) -> None:
        """It is this day of the playbook now."""
        if self._console.is_terminal:
            description = f"day {min(day, self._days):4.1f} of {self._days:g}"
            told = self._figures()
            self._bar.update(self._task, completed=day, description=description, told=told)
        elif day >= (self._week + 1) * _WEEK or day >= self._days:
            self._week = int(day // _WEEK)
            line = f"day {day:.0f}: {self._figures()}"
            self._console.print(line, highlight=False, soft_wrap=True)

    def waits(self, overdue: Mapping[str, int]) -> None:
        """The days are over, but this is still to be done."""
        told = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in overdue.items())
        if self._console.is_terminal:
            self._bar.update(self._task, description="catching up", told=told)
        elif monotonic() - self._told_waiting >= _OFTEN:
            self._told_waiting = monotonic()
            line = f"catching up: {told} overdue; {self._figures()}"
            self._console.print(line, highlight=False, soft_wrap=True)
