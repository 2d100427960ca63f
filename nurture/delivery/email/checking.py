"""Everything wrong with the mail templates, found without sending one."""

import re
from collections.abc import Collection, Iterator, Mapping

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from nurture.delivery.email import compiling
from nurture.delivery.email.linting import lint
from nurture.delivery.email.sandbox import (
    FOLDER,
    LEAD_NAMES,
    NAMES,
    PLAIN_NAMES,
    environment,
    variables,
)
from nurture.domain.errors import Finding, InputError
from nurture.domain.lead import Lead
from nurture.playbook import Company, Sender

BODIES = ("body.mjml", "body.html")
_SUBJECT = "subject.txt"
FILES = (_SUBJECT, *BODIES, "body.txt")
_ROOT = "email/"
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_HREF_OF_LEAD = re.compile(r"\bhref\s*=\s*(?:\"[^\"<]*?|'[^'<]*?)\{\{[^}\"']*?\blead\s*[.\[]")
_LEAVE = "unsubscribe_url"
_SAMPLE_COMPANY = Company("Company", "Street 1, Town", "contact")
_SAMPLE_SENDER = Sender("sender", "Name", "name@company.example")

_Access = nodes.Getattr | nodes.Getitem


def check_templates(templates: Mapping[str, str], traits: Collection[str]) -> list[Finding]:
    """Findings in file order. `templates` maps paths below templates/ to their text; only those below
    email/ are looked at. `traits` are the playbook's."""
    files = {path: text for path, text in sorted(templates.items()) if path.startswith(_ROOT)}
    findings = [finding for path in files for finding in _file(path, files, traits)]
    for name in sorted({path.split("/")[1] for path in files if path.count("/") > 1}):
        if not name.startswith("_"):
            broken = {finding.file for finding in findings}
            findings += _completeness(name, files)
            findings += _trials(name, files, traits, broken)
    return sorted(findings)


def _file(path: str, files: Mapping[str, str], traits: Collection[str]) -> Iterator[Finding]:
    text, file = files[path], FOLDER + path
    env = environment(files, html=not path.endswith(".txt"))
    try:
        tree = env.parse(text)
        env.compile(text, path, file)
    except TemplateSyntaxError as error:
        line = _line(text, error.lineno)
        yield Finding(
            file, error.lineno, _first_column(line, r"\{"), error.message or "broken Jinja"
        )
        return
    yield from _names(file, text, tree, env, traits)
    if path.endswith((".mjml", ".html")):
        yield from _personal_links(file, text)
    if path.endswith(".mjml"):
        partial = path.split("/")[1].startswith("_")
        yield from lint(file, _TAG.sub(lambda tag: re.sub(r"[^\n]", " ", tag[0]), text), partial)


def _names(
    file: str, text: str, tree: nodes.Template, env: Environment, traits: Collection[str]
) -> Iterator[Finding]:
    """Names that will not exist when a mail is rendered."""
    behind = {**NAMES, "lead": LEAD_NAMES | set(traits)}
    known = {*behind, *PLAIN_NAMES, *env.globals}
    unknown = meta.find_undeclared_variables(tree) - known
    for name in tree.find_all(nodes.Name):
        if name.name in unknown:
            column = _first_column(_line(text, name.lineno), rf"\b{name.name}\b")
            remedy = f"known are {', '.join(sorted({*behind, *PLAIN_NAMES}))}"
            yield Finding(file, name.lineno, column, f"{name.name} is unknown", remedy)
    accesses: list[_Access] = [*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem)]
    for access in accesses:
        owner, key = access.node, _key(access)
        if isinstance(owner, nodes.Name) and key and key not in behind.get(owner.name, {key}):
            what = f"{owner.name}.{key}"
            column = _first_column(
                _line(text, access.lineno), rf"\b{owner.name}\b\W+{re.escape(key)}"
            )
            remedy = f"known are {', '.join(sorted(behind[owner.name]))}"
            yield Finding(file, access.lineno, column, f"{what} is unknown", remedy)


def _key(access: _Access) -> str | None:
    if isinstance(access, nodes.Getattr):
        return access.attr
    return str(access.arg.value) if isinstance(access.arg, nodes.Const) else None


def _personal_links(file: str, text: str) -> Iterator[Finding]:
    for match in _HREF_OF_LEAD.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        yield Finding(
            file,
            line,
            column,
            "a link holds something of the lead",
            "personal data in addresses ends up in logs; the click already says who it was",
        )


def _completeness(name: str, files: Mapping[str, str]) -> Iterator[Finding]:
    """Whether a mail has the files it needs, and no others."""
    folder = f"{_ROOT}{name}/"
    there = {path.removeprefix(folder) for path in files if path.startswith(folder)}
    for unknown in sorted(there - set(FILES)):
        known = f"known: {', '.join(FILES)}"
        yield Finding(f"{FOLDER}{folder}{unknown}", 1, 1, "no mail has such a file", known)
    if "subject.txt" not in there:
        yield Finding(f"{FOLDER}{folder}subject.txt", 1, 1, "the subject is missing")
    bodies = there.intersection(BODIES)
    if len(bodies) != 1:
        problem = "there is also a body.html" if bodies else "the body is missing"
        yield Finding(f"{FOLDER}{folder}body.mjml", 1, 1, problem, "keep exactly one")


def _trials(
    name: str, files: Mapping[str, str], traits: Collection[str], broken: Collection[str]
) -> Iterator[Finding]:
    """Whether each part can be rendered (unless its files are `broken` anyway) and lets the lead leave."""
    for path in (f"{_ROOT}{name}/{part}" for part in FILES):
        if path not in files:
            continue
        reached = _reached(path, files)
        if not _broken_by(broken, reached):
            yield from _rendered(path, files, traits)
        if not path.endswith(_SUBJECT) and not any(_LEAVE in files[part] for part in reached):
            remedy = f"use {{{{ {_LEAVE} }}}}"
            yield Finding(FOLDER + path, 1, 1, "there is no link to unsubscribe", remedy)


def _broken_by(broken: Collection[str], paths: Collection[str]) -> bool:
    return any(FOLDER + path in broken for path in paths)


def _reached(path: str, files: Mapping[str, str]) -> list[str]:
    """The file and what it includes."""
    found, ahead = [], [path]
    while ahead:
        current = ahead.pop()
        if current in files and current not in found:
            found.append(current)
            wanted = (match[1] for match in compiling.INCLUDE.finditer(files[current]))
            ahead += [compiling.included_name(name) for name in wanted]
            ahead += re.findall(r"\{%-?\s*include\s+[\"']([^\"']+)[\"']", files[current])
    return found


def _rendered(path: str, files: Mapping[str, str], traits: Collection[str]) -> Iterator[Finding]:
    """A trial with a lead that says nothing, which is what most templates forget."""
    html = path.endswith(BODIES)
    env = environment(files, html)
    values = variables(
        Lead("lead"), traits, _SAMPLE_COMPANY, _SAMPLE_SENDER, None, "https://company.example/u/t"
    )
    try:
        part = compiling.body(env, path, files) if html else compiling.plain(env, path, files[path])
        if not part.render(values).strip() and path.endswith(_SUBJECT):
            remedy = "say something that needs no trait"
            yield Finding(FOLDER + path, 1, 1, "empty for a lead that says nothing", remedy)
    except InputError as error:
        file, _, line = error.place.rpartition(":")
        problem = str(error).removeprefix(f"{error.place}: ")
        yield Finding(file, int(line), 1, problem)


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _first_column(line: str, pattern: str) -> int:
    match = re.search(pattern, line)
    return match.start() + 1 if match else 1
