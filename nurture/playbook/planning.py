"""What differs between two versions of the playbook, in words. Who is affected: nurture.versions.live_edits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

from nurture.domain.edits import alike, counterpart, steps_among
from nurture.domain.flow import Act, CallWebhook, Email, Flow, InFlight, Step
from nurture.domain.lead import Condition
from nurture.domain.renaming import forebears
from nurture.playbook import Playbook
from nurture.playbook.calendars import WEEKDAYS
from nurture.playbook.reading import FLOWS, MAILS
from nurture.playbook.wording import length_words, step_words

UNREAD = (
    "what was in force needs a newer release, so flows cannot be compared: every lead in flight looks anew, "
    "and leaves where its flow or its step is not there"
)


@dataclass(frozen=True)
class FlowChange:
    """One flow that is new, gone, renamed or edited. `before` is its name so far; None: new."""

    flow: str | None
    before: str | None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """`files` are sentences about all files but flows; `flows` one entry per flow that differs."""

    files: tuple[str, ...] = ()
    flows: tuple[FlowChange, ...] = field(default_factory=tuple)

    def __bool__(self) -> bool:
        return bool(self.files or self.flows)

    def sentences(self) -> list[str]:
        """One for each thing that changes."""
        flows = [
            f"flow {change.flow or change.before}: {words}"
            for change in self.flows
            for words in change.changes
        ]
        return [*flows, *self.files]


def difference(
    old: Playbook | None,
    new: Playbook,
    old_files: Mapping[str, str],
    new_files: Mapping[str, str],
) -> Difference:
    """From `old` to `new`. None: nothing was in force, or, if there are `old_files`, what this release cannot read."""
    if old is None and old_files:
        return Difference((UNREAD, *_files(old_files, new_files)))
    flows = tuple(_flows(old.flows if old else {}, new, old))
    return Difference(tuple(_files(old_files, new_files)), flows)


def _flows(old: Mapping[str, Flow], new: Playbook, book: Playbook | None) -> Iterator[FlowChange]:
    before = forebears(old, new.flows)
    for name, flow in sorted(new.flows.items()):
        if not before[name]:
            yield FlowChange(name, None, (f"new, with {len(flow.steps)} steps",))
            continue
        first, *others = before[name]
        changes = tuple(_edits(old[first], flow, book, new))
        if not changes and old[first].revision != flow.revision:
            changes = ("the way through its steps changes",)
        if changes:
            yield FlowChange(name, first, changes)
        for other in others:
            yield FlowChange(name, other, (f"{other} is merged into it",))
    for name in sorted(old.keys() - {was for names in before.values() for was in names}):
        yield FlowChange(None, name, ("removed",))


def _edits(old: Flow, new: Flow, old_book: Playbook | None, new_book: Playbook) -> Iterator[str]:
    if old.id != new.id:
        yield f"renamed from {old.id}"
    kept = {step: now for step in old.steps if (now := counterpart(old, new, step))}
    for step in old.steps:
        if step not in kept:
            yield f"step {step} deleted ({step_words(old.steps[step])})"
    for was, step in kept.items():
        if was != step:
            yield f"step {was} is now called {step}"
        before, after = step_words(old.steps[was]), step_words(new.steps[step])
        if before != after:
            yield f"step {step}: {before} → {after}"
    for step in new.steps:
        if step not in kept.values():
            yield f"step {step} inserted ({step_words(new.steps[step])})"
            if (other := _took_over(old, new, step)) and _is_told_once(new.steps[step]):
                yield f"step {step} has the name that {other} had, so who got that does not get this"
    for step in _moved([kept[step] for step in old.steps if step in kept], new):
        yield f"step {step} moved"
    yield from _settings(old, new)
    if (
        old_book
        and old_book.entries.get(old.id)
        and _entry(old_book, old.id) != _entry(new_book, new.id)
    ):
        yield "who enters changes"
    if _parts_ways(old, new, old_book, new_book):
        yield f"in flight: {new.in_flight}"


def _took_over(old: Flow, new: Flow, step: str) -> str | None:
    """Which step had the name of this new one before, if that is there still."""
    its = old.was.get(step)
    now = counterpart(old, new, its) if its else None
    had = (name for name in new.steps if name == now or new.root_of(name) == step)
    return next((name for name in had if name != step), None)


def _is_told_once(step: Step) -> bool:
    """Whether each run gets it once, by its name."""
    return isinstance(step, Email) or (
        isinstance(step, Act) and isinstance(step.effect, CallWebhook)
    )


def _parts_ways(old: Flow, new: Flow, old_book: Playbook | None, new_book: Playbook) -> bool:
    """Whether who is inside does otherwise than who comes: a renaming leads nobody out."""
    if old_book and new.in_flight is InFlight.EXIT:
        steps = steps_among(old, old_book.flows, new_book.flows)
        return not alike(replace(old, steps=steps), new)
    return old.revision != new.revision and new.in_flight is not InFlight.FOLLOW


def _moved(before: list[str], new: Flow) -> list[str]:
    after = [step for step in new.steps if step in before]
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    stayed = {before[block.a + n] for block in blocks for n in range(block.size)}
    return [step for step in after if step not in stayed]


def _settings(old: Flow, new: Flow) -> Iterator[str]:
    told = {
        "goal": (_source(old.goal), _source(new.goal)),
        "exits": (_sources(old.exits), _sources(new.exits)),
        "live": ("yes" if old.live else "no", "yes" if new.live else "no"),
        "paused": (str(old.paused or "no"), str(new.paused or "no")),
        "priority": (str(old.mail.priority), str(new.mail.priority)),
        "consent": (old.mail.purpose, new.mail.purpose),
        "about": (" ".join(sorted(old.mail.about)), " ".join(sorted(new.mail.about))),
        "send window": (_window(old), _window(new)),
    }
    for name, (before, after) in told.items():
        if before != after:
            yield f"{name}: {before or 'none'} → {after or 'none'}"


def _entry(book: Playbook, flow: str) -> object:
    entry = book.entries[flow]
    again = length_words(entry.again.elapsed) if entry.again else None
    when = _source(entry.when)
    opening = entry.opens, entry.closes, entry.date
    return entry.on, entry.stage, when, again, entry.lapse, entry.a_day, opening


def _window(flow: Flow) -> str:
    window = flow.mail.window
    if window is None:
        return ""
    days = " ".join(WEEKDAYS[day] for day in sorted(window.days))
    zone = "lead" if flow.mail.window_in_lead_zone else str(window.zone)
    holidays = getattr(window.holiday, "country", "")
    return f"{days} {window.opens:%H:%M}-{window.closes:%H:%M} {zone} {holidays}".strip()


def _source(condition: Condition | None) -> str:
    return condition.source if condition else ""


def _sources(conditions: tuple[Condition, ...]) -> str:
    return "; ".join(condition.source for condition in conditions)


def _files(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    mails = sorted(
        {
            file.removeprefix(MAILS).split("/")[0]
            for file in old.keys() & new.keys()
            if file.startswith(MAILS) and old[file] != new[file]
        }
    )
    yield from (f"mail {mail}: new words, for mails not sent yet" for mail in mails)
    for file in sorted(old.keys() | new.keys()):
        if file.startswith(FLOWS) or old.get(file) == new.get(file):
            continue
        if file not in old:
            yield f"added {file}"
        elif file not in new:
            yield f"removed {file}"
        elif not file.startswith(MAILS):
            yield f"changed {file}"
