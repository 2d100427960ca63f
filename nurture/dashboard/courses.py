"""Flows as the dashboard shows them: a list, and one as a picture with what happened at each step."""

import difflib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.errors import InputError
from nurture.domain.passage import passages
from nurture.domain.steps import Email, Paused
from nurture.playbook import Playbook
from nurture.playbook.drawing import svg
from nurture.playbook.graph import FINISHED, START, Graph, graph, step_id
from nurture.playbook.source import flow_file
from nurture.playbook.wording import Say, step_words
from nurture.store import flow_figures, playbooks
from nurture.store.database import Database
from nurture.store.flow_figures import Mails, Runs
from nurture.versions.shelf import Shelf

VERSIONS = 30
_DONE = "finished"
_SENT = frozenset({"accepted", "delivered", "complained"})


@dataclass(frozen=True)
class Line:
    id: str
    title: str
    state: str
    inside: int
    ever: int


@dataclass(frozen=True)
class Step:
    """`passed` is None where the ways leave it open; `left`: how many ended there, by reason. A mail's
    figures are None for other steps."""

    id: str
    does: str
    waiting: int
    passed: int | None
    left: Mapping[str, int]
    mails: Mapping[str, int] | None


@dataclass(frozen=True)
class Edit:
    """A version in which the flow was another than before."""

    at: datetime
    by: str
    version: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Course:
    line: Line
    picture: str
    steps: Sequence[Step]
    ended: Mapping[str, int]
    edits: Sequence[Edit]


Write = Callable[[int], str]


class Courses:
    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf

    async def all(self) -> list[Line]:
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
            counts = await flow_figures.overview(session)
        return [_line(playbook, name, *counts.get(name, (0, 0))) for name in playbook.flows]

    async def show(self, name: str, say: Say = str, write: Write = str) -> Course | None:
        """None when there is no such flow in force. `say`: see `nurture.playbook.wording`; `write` puts a number as
        the reader does."""
        async with self._db.read() as session:
            playbook = await self._shelf.current(session)
            if name not in playbook.flows:
                return None
            runs = await flow_figures.runs(session, name)
            mails = await flow_figures.mails(session, name)
            history = await playbooks.history(session, VERSIONS, None)
            texts = {row.hash: await playbooks.files(session, row.hash) or {} for row in history}
        steps = _steps(playbook, name, runs, mails, say)
        inside = sum(each.number for each in runs if each.ended is None)
        ever = sum(each.number for each in runs)
        ended = Counter[str]()
        for each in runs:
            if each.ended:
                ended[each.ended] += each.number
        drawn = graph(
            playbook.flows[name],
            playbook.entries[name],
            None,
            _notes(steps, ever, ended, write),
            say,
        )
        edits = [
            Edit(row.at, row.by, row.hash, lines)
            for row, old in zip(history, [*history[1:], None], strict=True)
            if (lines := _diff(name, texts.get(old.hash, {}) if old else {}, texts[row.hash]))
        ]
        line = _line(playbook, name, inside, ever)
        return Course(line, svg(drawn, themed=True), steps, dict(ended.most_common()), edits)

    async def pause(self, name: str, paused: bool, by: str, now: datetime) -> None:
        """Put a version in force in which the flow is held, or goes on. Raises InputError."""
        async with self._db.read() as session:
            current = await playbooks.in_force(session)
            texts = dict(await playbooks.files(session, current.hash) or {}) if current else {}
        file = flow_file(texts, name)
        if file is None:
            raise InputError("there is no such flow in force", name)
        texts[file] = _held(texts[file], paused)
        await self._shelf.amend(texts, by, now)


def _held(text: str, paused: bool) -> str:
    """The flow's file with `paused: hold`, or without."""
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("paused:")]
    at = next(n for n, line in enumerate(lines) if line.startswith("flow:"))
    return "".join([*lines[: at + 1], "paused: hold\n", *lines[at + 1 :]] if paused else lines)


def _line(playbook: Playbook, name: str, inside: int, ever: int) -> Line:
    flow = playbook.flows[name]
    state = "draft" if not flow.live else "live"
    if flow.paused:
        state = "on hold" if flow.paused is Paused.HOLD else "skipping"
    return Line(name, flow.title, state, inside, ever)


def _steps(
    playbook: Playbook, name: str, runs: Sequence[Runs], mails: Sequence[Mails], say: Say
) -> list[Step]:
    flow = playbook.flows[name]
    passed = _passed(graph(flow, playbook.entries[name]), runs, mails)
    found = []
    for id_, step in flow.steps.items():
        here = [each for each in runs if each.step == id_]
        found.append(
            Step(
                id=id_,
                does=step_words(step, say),
                waiting=sum(each.number for each in here if each.ended is None),
                passed=passed.get(step_id(id_)),
                left={each.ended: each.number for each in here if each.ended not in (None, _DONE)},
                mails=_results(mails, id_) if isinstance(step, Email) else None,
            )
        )
    return found


def _passed(drawn: Graph, runs: Sequence[Runs], mails: Sequence[Mails]) -> dict[str, int | None]:
    here, done, out = Counter[str](), Counter[tuple[str, str]](), Counter[str]()
    for each in runs:
        if each.ended == _DONE:
            done[step_id(each.step), FINISHED] += each.number
        else:
            here[step_id(each.step)] += each.number
    for mail in mails:
        if mail.state not in ("planned", "claimed"):
            out[step_id(mail.step)] += mail.number
    edges = list(dict.fromkeys((arrow.source, arrow.target) for arrow in drawn.arrows))
    places = {box.id for box in drawn.boxes}
    last = {edge: done.get(edge, 0) for edge in edges if edge[1] == FINISHED}
    known_out = {box.id: out.get(box.id, 0) for box in drawn.boxes if box.kind == "mail"}
    # runs at steps of earlier versions are nowhere in this picture
    total = sum(each.number for each in runs if step_id(each.step) in places)
    return passages(edges, START, total, here, last, known_out)


def _results(mails: Sequence[Mails], step: str) -> dict[str, int]:
    of_step = [each for each in mails if each.step == step]
    found = {
        "sent": sum(each.number for each in of_step if each.state in _SENT),
        "opened": sum(each.opened for each in of_step),
        "clicked": sum(each.clicked for each in of_step),
    }
    for each in of_step:
        if each.state not in _SENT:
            found[each.state] = found.get(each.state, 0) + each.number
    return found


def _notes(
    steps: Sequence[Step], ever: int, ended: Mapping[str, int], write: Write
) -> dict[str, str]:
    """What stands in each box below its words."""
    notes = {START: write(ever), FINISHED: write(ended.get(_DONE, 0))}
    for step in steps:
        parts = [f"● {write(step.waiting)}"] if step.waiting else []
        parts += [f"✓ {write(step.passed)}"] if step.passed is not None else []
        parts += [f"✗ {write(sum(step.left.values()))}"] if step.left else []
        notes[step.id] = "   ".join(parts)
    return notes


def _diff(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    before, after = flow_file(old, name), flow_file(new, name)
    one = old[before].splitlines() if before else []
    other = new[after].splitlines() if after else []
    return list(difflib.unified_diff(one, other, lineterm="", n=2))[2:]
