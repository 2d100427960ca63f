"""All files of the playbook read and checked one by one, each knowing the names that the others declare."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from nurture.domain.errors import Finding
from nurture.playbook import schema
from nurture.playbook.conditions import Conditions
from nurture.playbook.document import Document, parse
from nurture.playbook.durations import Durations
from nurture.playbook.fields import RESERVED, Known
from nurture.playbook.findings import suggest
from nurture.playbook.flow_schema import Flow
from nurture.playbook.form_schema import Forms
from nurture.playbook.scenario_schema import Scenario
from nurture.playbook.traits import KINDS
from nurture.playbook.validation import validate
from nurture.ports import SMTP_ACCOUNT

FLOWS = "config/flows/"
SCENARIOS = "config/scenarios/"
MAILS = "templates/email/"
NEEDED = ("company", "traits", "stages", "senders", "sla")
SHAPES: Mapping[str, Any] = {
    "company": schema.Company,
    "traits": schema.Traits,
    "touches": schema.Touches,
    "stages": schema.Stages,
    "personas": schema.Personas,
    "scoring": schema.Scoring,
    "audiences": schema.Audiences,
    "senders": schema.Senders,
    "forms": Forms,
    "sla": schema.Sla,
    "webhooks": schema.Webhooks,
    "subscriptions": schema.Subscriptions,
    "reports": schema.Reports,
    "flow": Flow,
    "scenario": Scenario,
}
FOLDERS = {FLOWS: "flow", SCENARIOS: "scenario"}
"""Any number of files of one shape each."""

TOUCHES = (
    "page",
    "identified",
    "form_submitted",
    "opened",
    "clicked",
    "unsubscribed",
    "resubscribed",
    "mails_paused",
    "bounced",
    "complained",
    "consent_requested",
    "consent_confirmed",
    "support_case_opened",
    "support_case_closed",
    "sales_conversation",
    "chat_conversation",
    "video_played",
    "downloaded",
    "demo_requested",
    "order_completed",
    "task_done",
)
"""The touches that need no declaration in config/touches.yaml."""


@dataclass
class Reading:
    """What came of it. `models` has one entry per file that is free of errors in itself."""

    documents: Mapping[str, Document]
    models: Mapping[str, Any]
    known: Known
    findings: list[Finding]
    kept: bool = False

    def flows(self) -> Iterator[tuple[Document, Flow]]:
        """The flows in the order of their files."""
        for file in sorted(self.models):
            if file.startswith(FLOWS):
                yield self.documents[file], self.models[file]

    def model(self, name: str) -> Any:
        """The model of config/<name>.yaml; None when it is absent or has errors."""
        return self.models.get(f"config/{name}.yaml")


class Anything(Collection[str]):
    """The names of a file that cannot be read: any name may be in it, so none is called unknown."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def read(files: Mapping[str, str], durations: Durations, kept: bool = False) -> Reading:
    """Parse every file, collect the names it declares, then check each against its shape. `kept` as in compiler."""
    findings = list(_strangers(files))
    documents = {
        file: parse(file, files[file])
        for file in sorted(files)
        if file.startswith("config/") and _shape(file) is not None
    }
    known = _known(files, documents, durations, kept)
    models = {}
    for file, document in documents.items():
        if document.value is not None:
            model, problems = validate(_adapter(file), document, known)
            findings += problems
            if model is not None:
                models[file] = model
    for name in NEEDED:
        if f"config/{name}.yaml" not in files:
            findings.append(
                Finding(f"config/{name}.yaml", 1, 1, "this file is missing", "write it")
            )
    for document in documents.values():
        findings += document.findings
    return Reading(documents, models, known, findings, kept)


def _shape(file: str) -> Any:
    """What the file must look like; None for one that has no place in a playbook."""
    for folder, shape in FOLDERS.items():
        if file.startswith(folder):
            flat = "/" not in file.removeprefix(folder)
            return SHAPES[shape] if flat and file.endswith(".yaml") else None
    name = file.removeprefix("config/").removesuffix(".yaml")
    return SHAPES.get(name) if name not in FOLDERS.values() and file.endswith(".yaml") else None


def _adapter(file: str) -> TypeAdapter[Any]:
    names = (name for folder, name in FOLDERS.items() if file.startswith(folder))
    return _adapters()[next(names, Path(file).stem)]


@cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    """Building these takes longer than checking a playbook with them."""
    return {name: TypeAdapter(shape) for name, shape in SHAPES.items()}


def _strangers(files: Mapping[str, str]) -> Iterator[Finding]:
    """Files in config/ that nothing reads, so that no rule is silently without effect."""
    names = [f"config/{name}.yaml" for name in SHAPES if name not in FOLDERS.values()]
    for file in files:
        if file.startswith("config/") and _shape(file) is None:
            folder = next((folder for folder in FOLDERS if file.startswith(folder)), None)
            remedy = f"a {FOLDERS[folder]} is {folder}<name>.yaml" if folder else ""
            remedy = remedy or suggest(file, names, "remove it")
            yield Finding(file, 1, 1, "nothing reads this file", remedy)


def _known(
    files: Mapping[str, str],
    documents: Mapping[str, Document],
    durations: Durations,
    kept: bool,
) -> Known:
    def names(file: str, *inside: str) -> Collection[str]:
        document = documents.get(f"config/{file}.yaml")
        value = document.value if document else ({} if file not in NEEDED else None)
        for key in inside:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else Anything()

    touches = names("touches")
    all_names = {
        "trait": names("traits"),
        "touch": touches if isinstance(touches, Anything) else (*TOUCHES, *touches),
        "stage": names("stages"),
        "persona": names("personas"),
        "audience": names("audiences"),
        "webhook": names("webhooks"),
        "subscription": names("subscriptions"),
        "sender": names("senders", "senders"),
        "account": _accounts(documents.get("config/senders.yaml")),
        "team": names("sla", "teams"),
        "flow": _flow_names(documents),
        "mail template": _mails(files),
    }
    return Known(
        durations, _conditions(documents, all_names, durations, kept), all_names, kept=kept
    )


def _conditions(
    documents: Mapping[str, Document],
    names: Mapping[str, Collection[str]],
    durations: Durations,
    kept: bool,
) -> Conditions | None:
    """None when the traits cannot be read: then no condition can be checked."""
    if isinstance(names["trait"], Anything):
        return None
    declared = documents["config/traits.yaml"].value
    traits = {
        name: kind
        if kind in KINDS
        else "number"  # a bad kind has its own finding; number takes all
        for name, kind in declared.items()
        if name not in RESERVED
    }
    return Conditions(
        traits,
        names["stage"],
        names["persona"],
        names["touch"],
        durations,
        kept or _graded(documents.get("config/scoring.yaml")),
    )


def _graded(document: Document | None) -> bool:
    """Whether leads get grades; a file that cannot be read may well say so."""
    value = document.value if document else {}
    return not isinstance(value, dict) or value.get("grades") is not None


def _accounts(document: Document | None) -> Collection[str]:
    """With the one that is there without being named."""
    value = document.value if document else None
    named = value.get("accounts", {}) if isinstance(value, dict) else None
    return {SMTP_ACCOUNT.id, *named} if isinstance(named, dict) else Anything()


def _flow_names(documents: Mapping[str, Document]) -> Collection[str]:
    values = [doc.value for file, doc in documents.items() if file.startswith(FLOWS)]
    if any(not isinstance(value, dict) for value in values):
        return Anything()
    return {value["flow"] for value in values if isinstance(value.get("flow"), str)}


def _mails(files: Iterable[str]) -> set[str]:
    """The mail templates: each folder with a subject and a body."""
    folders: dict[str, set[str]] = {}
    for file in files:
        folder, _, part = file.removeprefix(MAILS).rpartition("/")
        if file.startswith(MAILS) and folder:
            folders.setdefault(folder, set()).add(part)
    return {
        folder
        for folder, parts in folders.items()
        if "subject.txt" in parts and parts & {"body.mjml", "body.html"}
    }
