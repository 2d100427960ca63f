"""What one file alone cannot show: names given twice, flows that go in circles, promises nobody made."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from nurture.domain import topics
from nurture.domain.consent import REQUEST_LASTS
from nurture.domain.errors import Finding
from nurture.playbook import agreement_checks, schema
from nurture.playbook import flow_schema as s
from nurture.playbook.document import Document, Path
from nurture.playbook.fields import RESERVED
from nurture.playbook.findings import Problem, suggest
from nurture.playbook.form_schema import Form
from nurture.playbook.naming import Naming, Steps, nested_in
from nurture.playbook.reading import Reading
from nurture.playbook.traits import as_kind

Place = tuple[Path, s.Step]

PAGES = frozenset({"en", "da"})
"""The languages of our pages for leads."""


def check(reading: Reading) -> dict[str, Naming]:
    """Adds its findings to the reading's; the step ids of each flow, by the flow's file."""
    found = reading.findings
    found += _traits(reading)
    found += _rules(reading)
    found += _stages(reading)
    found += _forms(reading)
    found += _kinds(reading)
    found += () if reading.kept else _audiences(reading)
    found += () if reading.kept else _retention(reading)
    found += agreement_checks.check(reading)
    namings = {}
    for document, flow in reading.flows():
        naming = namings[document.file] = Naming(document)
        naming.enter(flow)
        naming.walk(flow.steps, ("steps",))
        found += naming.findings
        found += _steps(reading, document, flow, naming)
        found += _earlier_names(document, flow, naming)
    found += _flows(reading)
    return namings


def _traits(reading: Reading) -> Iterator[Finding]:
    document = reading.documents.get("config/traits.yaml")
    for name in RESERVED:
        if document and isinstance(document.value, dict) and name in document.value:
            problem = Problem(f'every lead has "{name}" already', "leave it out")
            yield document.at((name,), problem, key=True)


def _kinds(reading: Reading) -> Iterator[Finding]:
    """Their texts are in a language of the company, or of the page on which they are declined."""
    company: schema.Company | None = reading.model("company")
    document = reading.documents.get("config/subscriptions.yaml")
    if company is None or document is None:
        return
    known = {*company.languages, *PAGES}
    kinds: schema.Subscriptions = reading.model("subscriptions") or {}
    for name, kind in kinds.items():
        for part in ("title", "about"):
            for language in sorted(getattr(kind, part).keys() - known):
                problem = Problem(
                    f'"{language}" is not a language of the company',
                    "say it under languages in config/company.yaml",
                )
                yield document.at((name, part, language), problem, key=True)


def _rules(reading: Reading) -> Iterator[Finding]:
    scoring: schema.Scoring | None = reading.model("scoring")
    document = reading.documents.get("config/scoring.yaml")
    if scoring and document:
        for name in scoring.engagement:
            if name in scoring.fit:
                problem = Problem(f'two rules are called "{name}"', "rename one of them")
                yield document.at(("engagement", name), problem, key=True)
        for name, rule in scoring.engagement.items():
            if rule.group and rule.group not in scoring.groups:
                remedy = suggest(rule.group, scoring.groups, "give its cap under groups")
                problem = Problem(f'there is no group "{rule.group}"', remedy)
                yield document.at(("engagement", name, "group"), problem)


def _stages(reading: Reading) -> Iterator[Finding]:
    """Sales must lift a lead, and giving it back must lower it."""
    sla: schema.Sla | None = reading.model("sla")
    stages: Mapping[str, schema.Stage] | None = reading.model("stages")
    if not sla or not stages:
        return
    order, rule = list(stages), sla.handover
    document = reading.documents["config/sla.yaml"]
    rising = [("back_to", rule.back_to), ("sql_stage", rule.sql_stage)]
    rising.append(("customer_stage", rule.customer_stage))
    for (lower_key, lower), (key, higher) in pairwise(rising):
        if order.index(lower) >= order.index(higher):
            text = f'"{higher}" does not come after "{lower}" ({lower_key}) in config/stages.yaml'
            yield document.at(("handover", key), Problem(text, f"the order is {', '.join(order)}"))
    yield from _transitions(reading.documents["config/stages.yaml"], stages, rule)


def _transitions(
    document: Document, stages: Mapping[str, schema.Stage], rule: schema.Handover
) -> Iterator[Finding]:
    """Ways up come from below and ways back lead down; sales can do what the agreement has it do."""
    order = list(stages)
    for rank, (name, stage) in enumerate(stages.items()):
        if stage.when and stage.by and "rule" not in stage.by:
            problem = Problem("no rule may lift a lead here", 'add "rule" to by, or remove this')
            yield document.at((name, "when"), problem)
        for index, before in enumerate(stage.after or ()):
            if order.index(before) >= rank:
                problem = Problem(f'"{before}" is not below "{name}"', "name lower stages")
                yield document.at((name, "after", index), problem)
        for index, lower in enumerate(stage.back.to if stage.back else ()):
            if order.index(lower) >= rank:
                problem = Problem(f'"{lower}" is not below "{name}"', "name lower stages")
                yield document.at((name, "back", "to", index), problem)
    for name in (rule.sql_stage, rule.customer_stage):
        if "sales" not in (stages[name].by or ("sales",)):
            problem = Problem("sales lifts leads here (config/sla.yaml)", 'add "sales"')
            yield document.at((name, "by"), problem)
    for name in order[order.index(rule.back_to) + 1 : order.index(rule.customer_stage)]:
        back = stages[name].back
        if back and ("sales" not in (back.by or ("sales",)) or rule.back_to not in back.to):
            text = f'sales gives leads back to "{rule.back_to}" (config/sla.yaml)'
            yield document.at((name, "back"), Problem(text, "let it, under by and to"), key=True)


def _audiences(reading: Reading) -> Iterator[Finding]:
    """To leave one would take people off the other: the platform knows its list only."""
    document = reading.documents.get("config/audiences.yaml")
    first: dict[tuple[str, str], str] = {}
    for name, audience in (reading.model("audiences") or {}).items():
        other = first.setdefault((audience.platform, audience.external_id), name)
        if document and other != name:
            problem = Problem(f'"{other}" is kept on this list already', "give each one its own")
            yield document.at((name, "external_id"), problem)


def _forms(reading: Reading) -> Iterator[Finding]:
    """A consent that has to be confirmed needs a box, and a flow that asks for it without needing consent. What was
    agreed to is what stood beside the box."""
    asking = any(
        flow.live and flow.transactional and topics.touch("consent_requested") in flow.enter.on
        for _, flow in reading.flows()
    )
    forms: Mapping[str, Form] = reading.model("forms") or {}
    for name, form in forms.items():
        document, path = reading.documents["config/forms.yaml"], (name, "double_opt_in")
        if form.double_opt_in and not form.consent:
            yield document.at(
                path, Problem("there is no consent to confirm", "add one, or leave it out")
            )
        elif form.double_opt_in and not asking:
            remedy = "write one: transactional: true, with a mail that has {{ confirm_url }}"
            yield document.at(path, Problem("no live flow enters on consent_requested", remedy))
        if not reading.kept:
            yield from _boxes(document, name, form)


def _boxes(document: Document, name: str, form: Form) -> Iterator[Finding]:
    told = form.wording
    for box in form.consent:
        if not told or (isinstance(told, dict) and box not in told):
            remedy = "add it as wording: it is the proof of what was agreed to"
            problem = Problem(f"nobody knows the text beside the box {box}", remedy)
            yield document.at((name, "consent", box), problem)
    for box in told if isinstance(told, dict) else ():
        if box not in form.consent:
            yield document.at(
                (name, "wording", box), Problem(f"{box} is no box of consent", "take it out")
            )


def _retention(reading: Reading) -> Iterator[Finding]:
    """When a visitor was last here, and who else told of somebody, is known by the touches that are kept, and by
    nothing else. What may still be confirmed is kept."""
    company: schema.Company | None = reading.model("company")
    kept = company.retention if company else None
    document = reading.documents.get("config/company.yaml")
    if kept is None or document is None:
        return
    if kept.touches and kept.visitors and kept.touches < kept.visitors:
        problem = Problem(
            "without their touches nobody knows when visitors were last here",
            "keep touches at least as long as visitors",
        )
        yield document.at(("retention", "touches"), problem)
    if kept.touches and kept.unconfirmed and kept.touches < kept.unconfirmed:
        problem = Problem(
            "without their touches nobody knows who is known otherwise",
            "keep touches at least as long as unconfirmed",
        )
        yield document.at(("retention", "touches"), problem)
    if kept.unconfirmed and kept.unconfirmed < reading.known.durations.scale(REQUEST_LASTS):
        problem = Problem(
            "a consent can be confirmed for 30 days", "keep unconfirmed at least as long"
        )
        yield document.at(("retention", "unconfirmed"), problem)


def _steps(reading: Reading, document: Document, flow: s.Flow, naming: Naming) -> Iterator[Finding]:
    mails, tasks = (
        [naming.ids[path] for path, step in walk(flow.steps) if isinstance(step, kind)]
        for kind in (s.Email, s.CreateTask)
    )
    for path, step in walk(flow.steps):
        match step:
            case s.WaitFor(wait_for=s.Awaited(of=str(of), touch="task_done")):
                if of not in tasks:
                    problem = Problem(f'no task of this flow is called "{of}"', suggest(of, tasks))
                    yield document.at((*path, "wait_for", "of"), problem)
            case s.Wait(wait=s.Until(until="window")) if flow.send_window is None:
                problem = Problem("this flow has no send_window", "add one, or write a duration")
                yield document.at((*path, "wait", "until"), problem)
            case s.WaitFor(wait_for=s.Awaited(of=str(of))) if of not in mails:
                problem = Problem(f'no mail of this flow is called "{of}"', suggest(of, mails))
                yield document.at((*path, "wait_for", "of"), problem)
            case s.SetTrait(set=setting):
                kind = (reading.model("traits") or {}).get(setting.trait, "text")
                if misfit := _misfit(setting, kind):
                    yield document.at((*path, "set", "value"), misfit)
            case s.HandOver() if flow.live and "config/sla.yaml" not in reading.documents:
                text = "a live flow hands leads over, but sales has agreed to nothing"
                problem = Problem(text, "agree on a team and a deadline in config/sla.yaml")
                yield document.at((*path, "handover"), problem, key=True)


def _misfit(setting: s.Setting, kind: str) -> Problem | None:
    """Why a trait of that kind cannot be set so."""
    remedy = f"{setting.trait} is {kind}"
    if as_kind(kind, setting.value) is None:
        return Problem(f'"{setting.value}" is no {kind}', remedy)
    if kind != "list" and isinstance(setting.value, list):
        return Problem(f"a list is no {kind}", remedy)
    return None


def _earlier_names(document: Document, flow: s.Flow, naming: Naming) -> Iterator[Finding]:
    """An earlier name belongs to one step, and to none that still has it."""
    taken = set(naming.ids.values())
    for path, step in walk(flow.steps):
        for was in step.was:
            if was in taken:
                problem = Problem(f'a step is called "{was}"', "an earlier name must be free")
                yield document.at((*path, "was"), problem)
            taken.add(was)


def _flows(reading: Reading) -> Iterator[Finding]:
    """One name per flow; no moving in circles, nor into a flow that is not live."""
    live: dict[str, bool] = {}
    leads_to: dict[str, set[str]] = {}
    for document, flow in reading.flows():
        if flow.flow in live:
            problem = Problem(f'two flows are called "{flow.flow}"', "rename one of them")
            yield document.at(("flow",), problem)
        live[flow.flow] = flow.live
        gotos = {step.goto for _, step in walk(flow.steps) if isinstance(step, s.Goto)}
        leads_to.setdefault(flow.flow, set()).update(gotos)
    for document, flow in reading.flows():
        for was in flow.was:
            if was in live:
                problem = Problem(f'a flow is called "{was}"', "an earlier name must be free")
                yield document.at(("was",), problem)
        for path, step in walk(flow.steps):
            if not isinstance(step, s.Goto):
                continue
            if flow.flow in _reached(step.goto, leads_to):
                problem = Problem(f'"{step.goto}" leads back to "{flow.flow}"', "end one of them")
                yield document.at((*path, "goto"), problem)
            elif flow.live and not live.get(step.goto, True):
                problem = Problem(f'the flow "{step.goto}" is not live', "say live: true there")
                yield document.at((*path, "goto"), problem)
    yield from _recycling(reading, live)


def _recycling(reading: Reading, live: Mapping[str, bool]) -> Iterator[Finding]:
    sla: schema.Sla | None = reading.model("sla")
    target = sla.contact.recycle_to if sla else None
    if target and not live.get(target, True):
        problem = Problem(f'the flow "{target}" is not live', "say live: true there")
        yield reading.documents["config/sla.yaml"].at(("contact", "recycle_to"), problem)


def _reached(start: str, leads_to: Mapping[str, set[str]]) -> set[str]:
    """`start` and every flow that a lead can come to from it."""
    found, open_ = {start}, [start]
    while open_:
        for target in leads_to.get(open_.pop(), set()) - found:
            found.add(target)
            open_.append(target)
    return found


def walk(steps: Steps, path: Path = ("steps",)) -> Iterator[Place]:
    """Every step of a flow with its path, in the order of the file."""
    for index, step in enumerate(steps):
        if isinstance(step, str):
            continue
        here = (*path, index)
        yield here, step
        for nested in nested_in(step):
            yield from walk(nested.steps, (*here, *nested.path))
