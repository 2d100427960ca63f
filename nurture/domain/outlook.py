"""What comes next for a lead in a flow if it does nothing: the same core, asked about the future."""

from dataclasses import dataclass, replace
from datetime import datetime

from nurture.domain.effects import Effect, Enrol
from nurture.domain.flow import advance
from nurture.domain.lead import Facts
from nurture.domain.steps import Cursor, Flow

_MOVES = 200
"""Looks ahead at most; a wait for something that only time changes takes many."""


@dataclass(frozen=True)
class Pause:
    """Where it stands still until then; `why` is the gate's reason, or empty for the step's own wait."""

    step: str | None
    until: datetime | None
    why: str = ""


@dataclass(frozen=True)
class Outlook:
    """`effect` is the next thing that happens, at `at`, after these pauses; or how the run ends (`done`).
    Neither: nothing before somebody lets it go on."""

    at: datetime
    pauses: tuple[Pause, ...] = ()
    effect: Effect | None = None
    done: str | None = None


def outlook(flow: Flow, cursor: Cursor, facts: Facts, now: datetime) -> Outlook:
    """The next effect of a run, as far as it can be known today."""
    at, pauses = now, list[Pause]()
    for _ in range(_MOVES):
        move = advance(flow, cursor, facts, at)
        if move.effect is not None and not isinstance(move.effect, Enrol):
            return Outlook(at, tuple(pauses), move.effect)
        if move.done:
            return Outlook(at, tuple(pauses), move.effect, move.done)
        if move.cursor != cursor:
            cursor = move.cursor
            continue
        _note(pauses, Pause(cursor.step, move.wake_at, move.why))
        if move.wake_at is None or move.why == "paused":
            break
        at = max(at, move.wake_at)
    return Outlook(at, tuple(pauses))


def _note(pauses: list[Pause], pause: Pause) -> None:
    """One line for one wait, however often it looks."""
    if pauses and (pauses[-1].step, pauses[-1].why) == (pause.step, pause.why):
        pauses[-1] = replace(pauses[-1], until=pause.until)
    else:
        pauses.append(pause)
