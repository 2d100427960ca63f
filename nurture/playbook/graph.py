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
from nurture.playbook.wording import Say, key_words, step_words

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
    say: Say = str,
) -> Graph:
    """All steps in the order of the file. `counts` and `notes` by step id, by START and by FINISHED; `say` puts our own
    words into another language."""

    def box(id_: str, kind: str, words: str, key: str) -> Box:
        count = None if counts is None else counts.get(key, 0)
        return Box(id_, kind, words, count, (notes or {}).get(key, ""))

    boxes = [box(START, "start", _entry(flow, entry, say), START)]
    arrows = [Arrow(START, step_id(flow.first))]
    for name, step in flow.steps.items():
        first = isinstance(step, Branch)
        words = say("the first that holds") if first else step_words(step, say)
        boxes.append(box(step_id(name), _KINDS[type(step)], words, name))
        arrows += [Arrow(step_id(name), step_id(to), words) for to, words in _ways(step, say)]
    if any(arrow.target == FINISHED for arrow in arrows):
        boxes.append(box(FINISHED, "end", say("end of the flow"), FINISHED))
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


def _ways(step: Step, say: Say) -> Iterator[tuple[str | None, str]]:
    """Where the step leads, and when it leads there."""
    match step:
        case Email() | Wait() | Act():
            yield step.next, ""
        case WaitUntil():
            yield step.next, "" if step.trait is None else say("date known")
            if step.trait is not None:
                yield step.otherwise, say("no date")
        case WaitFor():
            yield step.then, say("yes")
            yield step.otherwise, say("in vain")
        case Branch():
            for condition, target in step.arms:
                yield target, condition.source
            yield step.otherwise, say("else")
        case Split():
            whole = sum(weight for weight, _ in step.arms)
            for weight, target in step.arms:
                yield target, f"{weight / whole:.0%}"
        case Goto() | End():
            return


def _entry(flow: Flow, entry: Entry, say: Say) -> str:
    on = say(" or ").join(sorted(_topic(topic, say) for topic in entry.on)) or say("by hand")
    told = say("enter on %(what)s") % {"what": f"{on} {entry.stage}" if entry.stage else on}
    if entry.when:
        told = say("%(entry)s if %(condition)s") % {"entry": told, "condition": entry.when.source}
    if flow.paused:
        held = flow.paused is Paused.HOLD
        return (say("on hold: %(entry)s") if held else say("skipping: %(entry)s")) % {"entry": told}
    return told if flow.live else say("draft: %(entry)s") % {"entry": told}


def _topic(topic: str, say: Say) -> str:
    return key_words(topic.removeprefix("touch:"), say)
