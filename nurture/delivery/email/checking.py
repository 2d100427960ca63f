"""Everything wrong with the mail templates, found without sending one."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from html import unescape

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from nurture.delivery.email import compiling
from nurture.delivery.email.completeness import BODIES, FILES, SUBJECT, TEXT, completeness
from nurture.delivery.email.contrast import Faint, faint
from nurture.delivery.email.linting import lint, lint_html
from nurture.delivery.email.nesting import too_deep
from nurture.delivery.email.readable import unreadable
from nurture.delivery.email.sandbox import (
    LEAD_NAMES,
    NAMES,
    PLAIN_NAMES,
    environment,
    variables,
)
from nurture.delivery.email.variants import FOLDER, ROOT, Files, Library, Variant
from nurture.delivery.email.written import links_in, made_hosts, parted
from nurture.domain.errors import Finding, InputError
from nurture.domain.lead import Lead
from nurture.playbook import Company, Sender
from nurture.playbook.findings import problem_and_remedy
from nurture.playbook.placeholders import TOO_DEEP

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_HREF_OF_LEAD = re.compile(r"\bhref\s*=\s*(?:\"[^\"<]*?|'[^'<]*?)\{\{[^}\"']*?\blead\s*[.\[]")
_REMARK = re.compile(rf"\{{#.*?#\}}|{compiling.COMMENT.pattern}", re.DOTALL)
_LEAVE = "unsubscribe_url"
_SAMPLE_COMPANY = Company("Company", "Street 1, Town", "contact")
_SAMPLE_SENDER = Sender("sender", "Name", "name@company.example")

_Access = nodes.Getattr | nodes.Getitem


def check_templates(
    templates: Mapping[str, str],
    traits: Collection[str],
    languages: Sequence[str] = ("en",),
    personas: Collection[str] = (),
) -> list[Finding]:
    """Findings in file order. `templates` maps paths below templates/ to their text; only those below
    email/ are looked at. `traits`, `languages` and `personas` are the playbook's."""
    library = Library(templates, languages, personas)
    files = {each.path: templates[each.path] for each in library.files}
    findings = {finding for path in files for finding in _file(path, files, traits)}
    for name in sorted({path.split("/")[1] for path in files if path.count("/") > 1}):
        if not name.startswith("_"):
            broken = {finding.file for finding in findings}
            findings.update(completeness(name, library, languages[0]))
            for variant in library.variants(name):
                seen = library.seen_by(variant)
                findings.update(_trials(name, variant, seen, traits, broken))
    return sorted(findings)


def uncounted(templates: Mapping[str, str]) -> list[Finding]:
    """Links that nobody vouches for, since what is in their host might be a lead's own word."""
    remedy = "it gets no tags and is not counted; write it out, only language and persona may stand in it"
    return [
        Finding(FOLDER + path, *_place(text, start), "this link's host is made of values", remedy)
        for path, text in templates.items()
        if path.startswith(ROOT)
        for start in made_hosts(_blanked(_REMARK, text))
    ]


def _file(path: str, files: Mapping[str, str], traits: Collection[str]) -> Iterator[Finding]:
    text, file = files[path], FOLDER + path
    env = environment(None, html=not path.endswith(".txt"))
    try:
        tree = env.parse(text)
        env.compile(text, path, file)
    except TemplateSyntaxError as error:
        line = _line(text, error.lineno)
        told = problem_and_remedy(str(error.message))
        yield Finding(file, error.lineno, _first_column(line, r"\{"), *told)
        return
    yield from _names(file, text, tree, env, traits)
    yield from _links_to_nowhere(file, _blanked(_REMARK, text))
    markup = _blanked(_TAG, text)
    if path.endswith((".mjml", ".html")):
        yield from _personal_links(file, text)
        yield from _deep(file, markup)
    if path.endswith(".html"):
        yield from lint_html(file, markup)
    if path.endswith(".mjml"):
        yield from lint(file, markup, partial=path.split("/")[1].startswith("_"))


def _blanked(what: re.Pattern[str], text: str) -> str:
    """Without it, and with every place as before."""
    return what.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


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
        yield Finding(
            file,
            *_place(text, match.start()),
            "a link holds something of the lead",
            "personal data in addresses ends up in logs; the click already says who it was",
        )


def _deep(file: str, markup: str) -> Iterator[Finding]:
    if place := too_deep(markup, file.endswith(".mjml")):
        yield Finding(file, *place, *problem_and_remedy(TOO_DEEP))


def _links_to_nowhere(file: str, text: str) -> Iterator[Finding]:
    for start, link in links_in(text):
        try:
            parted(link)
        except InputError as error:
            remedy = "write it out, as in https://www.example.com/page"
            yield Finding(file, *_place(text, start), str(error), remedy)


def _trials(
    name: str, variant: Variant, files: Files, traits: Collection[str], broken: Collection[str]
) -> Iterator[Finding]:
    """Whether each part can be rendered (unless its files are `broken` anyway) and lets the lead leave."""
    for path in (f"{ROOT}{name}/{part}" for part in FILES):
        if path not in files:
            continue
        reached = compiling.reached(path, files)
        if not any(files.place(part) in broken for part in reached):
            yield from _rendered(path, variant, files, reached, traits)
        if path.endswith(BODIES):
            text = files.speaks_for(f"{ROOT}{name}/{TEXT}", path)
            yield from unreadable(path, files, reached, text)
        if not path.endswith(SUBJECT) and not any(_LEAVE in files[part] for part in reached):
            remedy = f"use {{{{ {_LEAVE} }}}}"
            yield Finding(files.place(path), 1, 1, "there is no link to unsubscribe", remedy)


def _rendered(
    path: str, variant: Variant, files: Files, reached: list[str], traits: Collection[str]
) -> Iterator[Finding]:
    """A trial with a lead that says nothing, which is what most templates forget."""
    values = variables(
        Lead("lead"),
        traits,
        _SAMPLE_COMPANY,
        _SAMPLE_SENDER,
        variant.persona,
        "https://company.example/u/t",
        variant.language,
        "https://company.example/y/t",
    )
    html = path.endswith(BODIES)
    try:
        if html:
            body = compiling.body(files, path, variant.language)
            page = body.html.render(values)
            yield from (_faint(found, files, reached) for found in faint(page))
            if body.text:
                body.text.render(values)
        elif not compiling.plain(files, path).render(values).strip():
            remedy = "say something that needs no trait"
            place = files.place(path)
            yield Finding(place, 1, 1, "empty for a lead that says nothing", remedy)
    except InputError as error:
        file, _, line = (error.place or f"{files.place(path)}:1").rpartition(":")
        told = problem_and_remedy(str(error).removeprefix(f"{error.place}: "))
        yield Finding(file, int(line), 1, *told)


def _faint(found: Faint, files: Files, reached: list[str]) -> Finding:
    """At the first file that has the text; at the body's beginning where a value made it."""
    when = " in dark mode" if found.dark else ""
    problem = f'"{found.text}" is hard to read{when}: contrast {found.ratio} to 1'
    remedy = f"{found.needed} is needed; make text or background darker or lighter"
    start = re.escape(found.text[:20].strip()).replace(r"\ ", r"\s+")
    for part in reached:
        if match := re.search(start, unescape(files[part])):
            place = _place(unescape(files[part]), match.start())
            return Finding(files.place(part), *place, problem, remedy)
    return Finding(files.place(reached[0]), 1, 1, problem, remedy)


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _first_column(line: str, pattern: str) -> int:
    match = re.search(pattern, line)
    return match.start() + 1 if match else 1
