"""Everything wrong with a playbook, config and mails alike, all at once."""

from collections.abc import Mapping

from nurture.delivery.email.checking import check_templates, uncounted
from nurture.delivery.email.readable import unannounced
from nurture.domain.errors import Finding, PlaybookError
from nurture.playbook import FIRST_LANGUAGE, Playbook, compiler
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.document import parse
from nurture.playbook.reading import MAILS

_TEMPLATES = "templates/"


def checked(files: Mapping[str, str], pace: str = "") -> Playbook:
    """The playbook of these files. Raises PlaybookError with every finding."""
    playbook, findings = None, set[Finding]()
    try:
        playbook = compile_playbook(files, pace)
    except PlaybookError as error:
        findings = set(error.findings)
    mails = _mails(files)
    told = {(finding.file, finding.line) for finding in mails}
    findings = {one for one in findings if (one.file, one.line) not in told} | set(mails)
    if playbook is None or findings:
        raise PlaybookError(sorted(findings))
    return playbook


def remarks(files: Mapping[str, str]) -> list[Finding]:
    """What is allowed and yet worth a second look, in flows and in mails."""
    personas = _keys(files, "personas") or ()
    templates = _templates(files)
    told = unannounced(templates, _languages(files), personas)
    return sorted([*compiler.remarks(files), *told, *uncounted(templates)])


def _mails(files: Mapping[str, str]) -> list[Finding]:
    """Nothing when the traits cannot be read: then any name in a mail may be right."""
    traits = _keys(files, "traits")
    if traits is None:
        return []
    personas = _keys(files, "personas") or ()
    return check_templates(_templates(files), traits, _languages(files), personas)


def _templates(files: Mapping[str, str]) -> dict[str, str]:
    return {
        file.removeprefix(_TEMPLATES): text
        for file, text in files.items()
        if file.startswith(MAILS)
    }


def _keys(files: Mapping[str, str], name: str) -> dict[str, object] | None:
    file = f"config/{name}.yaml"
    found = parse(file, files[file]).value if file in files else None
    return found if isinstance(found, dict) else None


def _languages(files: Mapping[str, str]) -> list[str]:
    told = (_keys(files, "company") or {}).get("languages")
    languages = told if isinstance(told, list) else []
    return [each for each in languages if isinstance(each, str)] or [*FIRST_LANGUAGE]
