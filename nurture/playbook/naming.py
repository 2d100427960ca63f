"""Step ids: what a lead's place in a flow is known by, so they must survive edits elsewhere in the flow.

A step is called what its author says (`id:`), else after what it does: a mail after its template, a wait
after the step before it. What would get one name twice needs an id of its own. A name that is made of another
step's follows that one's renaming.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nurture.domain.errors import Finding
from nurture.playbook import flow_schema as s
from nurture.playbook.document import Document, Path
from nurture.playbook.findings import Problem

START = "start"
ON_DATE: Path = ("enter", "date")
STILL_WANTED: Path = ("enter", "when")
DONE: Path = ("task", "within")
Steps = Sequence["s.AnyStep"]
Names = Sequence[str]
"""What a step is called, then what it was called before."""


@dataclass(frozen=True)
class Nested:
    """A list inside a step: where it stands below the step, and what its first step follows."""

    path: Path
    label: str
    steps: Steps


@dataclass
class Naming:
    """The ids of one flow's steps by their path in the file, what they were before, and what is wrong with them."""

    document: Document
    findings: list[Finding] = field(default_factory=list)
    ids: dict[Path, str] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)
    _followed: dict[str, str] = field(default_factory=dict)

    @property
    def was(self) -> dict[str, str]:
        """By each earlier name the one of today. What the author says goes before what only follows from it."""
        live = self.ids.values()
        followed = {was: name for was, name in self._followed.items() if was not in live}
        return {**followed, **self._said}

    def walk(self, steps: Steps, path: Path, before: Names = (START,)) -> None:
        """Name each step in the order of the file; same names and unreachable steps are findings."""
        for index, step in enumerate(steps):
            here = (*path, index)
            if index and leaves(steps[index - 1]):
                problem = Problem("no lead ever gets here", "the step before it always leads away")
                self.findings.append(self.document.at(here, problem))
            if isinstance(step, str):
                continue
            names = [step.id] if step.id else self._derived(step, before)
            self._name(here, step, names)
            self._said.update(dict.fromkeys(step.was, names[0]))
            before = [*names, *step.was]
            self._implied(here, step, before)
            for nested in nested_in(step):
                inside = [f"{name}-{nested.label}" for name in before]
                self.walk(nested.steps, (*here, *nested.path), inside)

    def enter(self, flow: "s.Flow") -> None:
        """Who enters on a date waits for it first, and is asked whether it still is wanted."""
        if flow.enter.date:
            self.ids[ON_DATE] = "entry-date"
            self.ids[STILL_WANTED] = "entry-wanted"

    def _derived(self, step: s.Step, before: Names) -> Names:
        """After each name of the steps that its own is made of."""
        match step:
            case s.WaitFor(wait_for=s.Awaited(touch=str(touch), of=of)):
                called = "wait-for-" + touch.replace("_", "-")
                earlier = {**self._followed, **self._said}
                names = [of, *(was for was, name in earlier.items() if name == of)]
                return [f"{called}-{name}" for name in names] if of else [called]
            case _:
                return list(dict.fromkeys(_made_of(step, name) for name in before))

    def _implied(self, path: Path, step: s.Step, names: Names) -> None:
        """Steps that one line of YAML stands for."""
        match step:
            case s.CreateTask(task=s.Task(within=within)) if within:
                self._name((*path, *DONE), step, [f"{name}-done" for name in names])
            case s.Split():
                for index, share in enumerate(step.split):
                    if share.holdout:
                        holdouts = [f"{name}-holdout" for name in names]
                        self._name((*path, "split", index, "holdout"), step, holdouts)

    def _name(self, path: Path, step: s.Step, names: Names) -> None:
        name, *earlier = names
        if name in self.ids.values():
            free = next(n for n in range(2, 10_000) if f"{name}-{n}" not in self.ids.values())
            problem = Problem(
                f'two steps are called "{name}"',
                f'give this one its own, such as "id: {name}-{free}"',
            )
            where = (*path, "id") if step.id else path
            self.findings.append(self.document.at(where, problem))
        self.ids[path] = name
        for was in earlier:
            self._followed.setdefault(was, name)


def nested_in(step: "s.AnyStep") -> Iterator[Nested]:
    """The lists inside a step, in the order of the file."""
    match step:
        case s.Wait() if step.otherwise:
            yield Nested(("else",), "else", step.otherwise)
        case s.CreateTask(task=s.Task(within=within)) if within:
            yield Nested(("then",), "then", step.then)
            yield Nested(("else",), "else", step.otherwise)
        case s.WaitFor():
            yield Nested(("then",), "then", step.then)
            yield Nested(("else",), "else", step.otherwise)
        case s.Branch():
            for index, arm in enumerate(step.branch):
                yield Nested(("branch", index, "do"), str(index + 1), arm.do)
            yield Nested(("else",), "else", step.otherwise)
        case s.Split():
            for index, share in enumerate(step.split):
                yield Nested(("split", index, "do"), str(index + 1), share.do)


def leaves(step: "s.AnyStep") -> bool:
    """Whether no lead goes on to the step after this one."""
    if step == s.END or isinstance(step, s.Goto):
        return True
    if isinstance(step, s.Wait):  # its `else` is for some leads only
        return False
    lists = [nested.steps for nested in nested_in(step)]
    return bool(lists) and all(any(leaves(inner) for inner in steps) for steps in lists)


def _made_of(step: s.Step, before: str) -> str:
    match step:
        case s.Email():
            return step.template
        case s.Wait():
            return f"wait-after-{before}"
        case s.WaitFor():
            return f"wait-for-after-{before}"
        case s.Branch():
            return f"branch-after-{before}"
        case s.Split():
            return f"split-after-{before}"
        case s.ChangeAudience(audience=change):
            return f"add-to-{change.add}" if change.add else f"remove-from-{change.remove}"
        case s.CreateTask(task=task):
            return f"{task.kind}-by-{task.to}"
        case s.SetTrait(set=setting):
            return f"set-{setting.trait.replace('_', '-')}"
        case s.SetTag(tag=tagging):
            return f"tag-{tagging.add}" if tagging.add else f"untag-{tagging.remove}"
        case s.Webhook():
            return f"tell-{step.webhook}"
        case s.Goto():
            return f"goto-{step.goto}"
        case _:
            return "handover"
