"""Files in, Playbook out; or every mistake at once, each at its place."""

from collections.abc import Mapping

from jinja2 import TemplateSyntaxError

from nurture.domain.errors import Finding, PlaybookError
from nurture.playbook import (
    Playbook,
    agreement,
    crosschecks,
    flows,
    grade_checks,
    parts,
    placeholders,
)
from nurture.playbook.durations import Durations
from nurture.playbook.findings import Problem, problem_and_remedy
from nurture.playbook.naming import Naming
from nurture.playbook.reading import MAILS, Reading, read
from nurture.playbook.source import content_hash


def compile_playbook(files: Mapping[str, str], pace: str = "", kept: bool = False) -> Playbook:
    """The playbook that these files say. `pace` such as "1 day = 1 s" shortens all its durations. `kept`: it came into
    force with an earlier release, and what only later ones found wrong with such files does not stop it.

    Raises PlaybookError with every finding, and InputError for a pace that cannot be read.
    """
    durations = Durations(pace)
    reading, namings, findings = _check(files, durations, kept)
    if findings:
        raise PlaybookError(findings)
    return _build(files, reading, namings, durations)


def check(files: Mapping[str, str]) -> list[Finding]:
    """Everything wrong with these files, in the order of files and lines."""
    return _check(files, Durations())[2]


def remarks(files: Mapping[str, str]) -> list[Finding]:
    """What is allowed and yet worth a second look: grades out of reach, and flows of which nobody can say whether they
    work. One that only answers what a lead did is for nothing else."""
    reading = read(files, Durations())
    aimless = [
        document.at(
            ("flow",),
            Problem("this flow has no goal", 'say what it is for, such as goal: stage == "sql"'),
        )
        for document, flow in reading.flows()
        if flow.goal is None and not flow.transactional
    ]
    return [*grade_checks.remarks(reading), *aimless]


def _check(
    files: Mapping[str, str], durations: Durations, kept: bool = False
) -> tuple[Reading, dict[str, Naming], list[Finding]]:
    reading = read(files, durations, kept)
    namings = crosschecks.check(reading)
    return reading, namings, sorted({*reading.findings, *_templates(files)})


def _templates(files: Mapping[str, str]) -> list[Finding]:
    """Mail templates whose placeholders cannot be read."""
    findings = []
    for file in files:
        if file.startswith(MAILS):
            try:
                placeholders.parse(files[file])
            except TemplateSyntaxError as error:
                told = problem_and_remedy(error.message or "unreadable")
                findings.append(Finding(file, error.lineno, 1, *told))
    return findings


def _build(
    files: Mapping[str, str], reading: Reading, namings: Mapping[str, Naming], durations: Durations
) -> Playbook:
    model = reading.model
    calendar = parts.business_hours(model("company").business_hours, durations)
    clock = agreement.clock(model("sla"), calendar, durations)
    teams = agreement.teams(model("sla"), clock, durations)
    around = flows.Surroundings(
        durations,
        calendar,
        parts.cap(model("senders")),
        parts.soft_bounces(model("senders")),
    )
    written = {flow.flow: (namings[document.file], flow) for document, flow in reading.flows()}
    default = model("senders").default
    return Playbook(
        hash=content_hash(files),
        company=parts.company(model("company")),
        retention=parts.retention(model("company")),
        traits=dict(model("traits")),
        lifecycle=parts.stages(model("stages")),
        personas=parts.personas(model("personas") or {}),
        scoring=parts.scores(model("scoring")),
        flows={name: flows.flow(flow, ids, around) for name, (ids, flow) in written.items()},
        entries={name: flows.entry(flow, ids, around) for name, (ids, flow) in written.items()},
        audiences=parts.audiences(model("audiences") or {}),
        senders=parts.senders(model("senders"), durations),
        accounts=parts.accounts(model("senders")),
        sender_of={name: flow.sender or default for name, (_, flow) in written.items()},
        links=parts.link_rules(model("senders")),
        forms=parts.forms(model("forms") or {}),
        handover=agreement.handover(model("sla"), clock, teams[model("sla").handover.team]),
        promise=agreement.promise(model("sla")),
        templates=_below("templates/", files),
        day=durations.day,
        teams=teams,
        reports=parts.reports(model("reports") or {}),
        subscriptions=parts.subscriptions(model("subscriptions") or {}),
        watch=parts.watch(model("senders"), durations),
        webhooks={name: hook.url for name, hook in (model("webhooks") or {}).items()},
    )


def _below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(folder): text
        for name, text in sorted(files.items())
        if name.startswith(folder)
    }
