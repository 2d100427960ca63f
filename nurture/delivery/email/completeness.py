"""Whether a mail has the files it needs, in every language it comes in, and no others."""

import re
from collections.abc import Iterator

from nurture.delivery.email.variants import FOLDER, ROOT, File, Library, Variant
from nurture.domain.errors import Finding

BODIES = ("body.mjml", "body.html")
SUBJECT = "subject.txt"
TEXT = "body.txt"
FILES = (SUBJECT, *BODIES, TEXT)

_LANG = re.compile(r"<(?:mjml|html)\b[^>]*?\slang\s*=\s*[\"']([a-zA-Z]*)")
_MARKS = "before the ending may stand a language of config/company.yaml and a persona"


def completeness(name: str, library: Library, first: str) -> Iterator[Finding]:
    """`first`: the company's first language, that of files which name none."""
    folder = f"{ROOT}{name}/"
    there = [each for each in library.files if each.path.startswith(folder)]
    parts = {part: [each for each in there if each.plain == folder + part] for part in FILES}
    known = {each.path for files in parts.values() for each in files}
    for each in there:
        if each.path not in known:
            remedy = f"known: {', '.join(FILES)}; {_MARKS}"
            yield Finding(FOLDER + each.path, 1, 1, "no mail has such a file", remedy)
    yield from _everybodys(folder, parts, first)
    yield from _twice(parts)
    yield from _subjects(folder, parts, first)
    for part in BODIES:
        yield from (found for each in parts[part] if (found := _other_language(each, library)))


def _everybodys(folder: str, parts: dict[str, list[File]], first: str) -> Iterator[Finding]:
    """A subject and a body for those who are in no variant."""

    def has(part: str) -> bool:
        return any(each.variant == (first, None) for each in parts[part])

    if not has(SUBJECT):
        yield Finding(f"{FOLDER}{folder}{SUBJECT}", 1, 1, "the subject is missing")
    if not any(map(has, BODIES)):
        problem = "the body is missing"
        yield Finding(f"{FOLDER}{folder}{BODIES[0]}", 1, 1, problem, "keep exactly one")


def _twice(parts: dict[str, list[File]]) -> Iterator[Finding]:
    """Two files for the same leads."""
    for kinds in ([SUBJECT], list(BODIES), [TEXT]):
        taken: dict[object, File] = {}
        for each in (each for kind in kinds for each in parts[kind]):
            other = taken.setdefault(each.variant, each)
            if other is not each:
                problem = f"there is also a {each.path.rpartition('/')[2]}"
                yield Finding(FOLDER + other.path, 1, 1, problem, "keep exactly one")


def _subjects(folder: str, parts: dict[str, list[File]], first: str) -> Iterator[Finding]:
    """A body in another language needs a subject in it."""
    subjects = {each.variant for each in parts[SUBJECT]}
    for each in (each for part in BODIES for each in parts[part]):
        language = each.variant.language
        if language != first and not subjects & {Variant(language), each.variant}:
            file = f"{FOLDER}{folder}subject.{language}.txt"
            remedy = f"{each.path.rpartition('/')[2]} has none in its language"
            yield Finding(file, 1, 1, "the subject is missing", remedy)


def _other_language(each: File, library: Library) -> Finding | None:
    text = library.text(each)
    said = _LANG.search(text)
    if not said or said[1].lower() in ("", each.variant.language):
        return None
    line = text.count("\n", 0, said.start(1)) + 1
    column = said.start(1) - text.rfind("\n", 0, said.start(1))
    problem = f'this says lang="{said[1]}", but the file is {each.variant.language} by its name'
    return Finding(FOLDER + each.path, line, column, problem, "leave lang out; it is filled in")
