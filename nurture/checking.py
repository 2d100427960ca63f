"""Everything wrong with a playbook, config and mails alike, all at once."""

from collections.abc import Mapping

from nurture.delivery.email.checking import check_templates
from nurture.domain.errors import Finding, PlaybookError
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.playbook.document import parse
from nurture.playbook.reading import MAILS

_TEMPLATES, _TRAITS = "templates/", "config/traits.yaml"


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


def _mails(files: Mapping[str, str]) -> list[Finding]:
    """Nothing when the traits cannot be read: then any name in a mail may be right."""
    traits = parse(_TRAITS, files[_TRAITS]).value if _TRAITS in files else None
    if not isinstance(traits, dict):
        return []
    mails = {
        file.removeprefix(_TEMPLATES): text
        for file, text in files.items()
        if file.startswith(MAILS)
    }
    return check_templates(mails, traits)
