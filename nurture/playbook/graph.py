"""A flow as boxes and arrows: what a picture of it shows, before anything is drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nurture.domain.enrolment import Entry
from nurture.domain.flow import (
    Act,
    Branch,
    Email,
    End,
    Flow,
    Goto,
    Split,
    Step,
    Wait,
    WaitFor,
    WaitUntil,
)
from nurture.domain.steps import Paused
from nurture.playbook.wording import step_words

START, FINISHED = "start", "finished"
"""Ids of the first and the last box. They cannot be those of steps, which are drawn as `step:<id>`."""

_KINDS: Mapping[type[Step], str] = {
    Email: "mail",
    Wait: "wait",
    WaitUntil: "wait",
    WaitFor: "choice",
    Branch: "choice",
    Split: "choice",
    Act: "act",
    Goto: "end",
    End: "end",
}


@dataclass(frozen=True)
class Box:
    """`kind`: start, mail, wait, choice, act or end. `count`: how many leads came to it, if counted; `note`: what
    else stands below its words."""

    id: str
    kind: str
    words: str
    count: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Arrow:
    source: str
    target: str
    words: str = ""


@dataclass(frozen=True)
class Graph:
    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def graph(
    flow: Flow,
    entry: Entry,
    counts: Mapping[str, int] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Graph:
    """All steps in the order of the file. `counts` and `notes` by step id, by START and by FINISHED."""

    def box(id_: str, kind: str, words: str, key: str) -> Box:
        count = None if counts is None else counts.get(key, 0)
        return Box(id_, kind, words, count, (notes or {}).get(key, ""))

    boxes = [box(START, "start", _entry(flow, entry), START)]
    arrows = [Arrow(START, step_id(flow.first))]
    for name, step in flow.steps.items():
        words = "the first that holds" if isinstance(step, Branch) else step_words(step)
        boxes.append(box(step_id(name), _KINDS[type(step)], words, name))
        arrows += [Arrow(step_id(name), step_id(to), words) for to, words in _ways(step)]
    if any(arrow.target == FINISHED for arrow in arrows):
        boxes.append(box(FINISHED, "end", "end of the flow", FINISHED))
    return Graph(flow.title, tuple(boxes), tuple(arrows))


def mermaid(drawn: Graph) -> str:
    """The picture as text for Mermaid, which many wikis and code hosts draw by themselves."""
    names = {box.id: f"n{number}" for number, box in enumerate(drawn.boxes)}
    lines = ["flowchart TD"]
    for box in drawn.boxes:
        opening, closing = _SHAPES[box.kind]
        told = box.words if box.count is None else f"{box.words}\n{counted(box.count)}"
        lines.append(f"    {names[box.id]}{opening}{_quoted(told)}{closing}")
    for arrow in drawn.arrows:
        told = f"|{_quoted(arrow.words)}|" if arrow.words else ""
        lines.append(f"    {names[arrow.source]} -->{told} {names[arrow.target]}")
    return "\n".join(lines) + "\n"


_SHAPES = {
    "start": ("([", "])"),
    "mail": ("[", "]"),
    "wait": ("(", ")"),
    "choice": ("{{", "}}"),
    "act": ("[[", "]]"),
    "end": ("([", "])"),
}


def counted(number: int) -> str:
    return "1 lead" if number == 1 else f"{number} leads"


def _quoted(text: str) -> str:
    """Mermaid reads entity codes with `#`, and quotes end its texts."""
    text = (
        text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    )
    return '"' + text.replace("\n", "<br/>") + '"'


def step_id(step: str | None) -> str:
    """The id of its box; without a step that of the end."""
    return FINISHED if step is None else f"step:{step}"


def _ways(step: Step) -> Iterator[tuple[str | None, str]]:
    """Where the step leads, and when it leads there."""
    match step:
        case Email() | Wait() | Act():
            yield step.next, ""
        case WaitUntil():
            yield step.next, "" if step.trait is None else "date known"
            if step.trait is not None:
                yield step.otherwise, "no date"
        case WaitFor():
            yield step.then, "yes"
            yield step.otherwise, "in vain"
        case Branch():
            for condition, target in step.arms:
                yield target, condition.source
            yield step.otherwise, "else"
        case Split():
            whole = sum(weight for weight, _ in step.arms)
            for weight, target in step.arms:
                yield target, f"{weight / whole:.0%}"
        case Goto() | End():
            return


def _entry(flow: Flow, entry: Entry) -> str:
    on = " or ".join(sorted(topic.removeprefix("touch:") for topic in entry.on)) or "by hand"
    if entry.stage:
        on += f" {entry.stage}"
    when = f" if {entry.when.source}" if entry.when else ""
    state = "" if flow.live else "draft: "
    if flow.paused:
        state = "on hold: " if flow.paused is Paused.HOLD else "skipping: "
    return f"{state}enter on {on}{when}"
