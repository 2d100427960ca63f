"""Pydantic's errors -> findings: each at its line and column, in words, with what would be right."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from nurture.domain.errors import Finding
from nurture.playbook.document import Document, Path
from nurture.playbook.fields import LANGUAGE, WRONG, Known, Reads
from nurture.playbook.findings import Problem, suggest
from nurture.playbook.flow_schema import END, VERBS

T = TypeVar("T")

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list, each item after a dash",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}
_TAGS = frozenset(f"<{verb}>" for verb in (*VERBS, END, "text", "mapping"))
"""Parts of Pydantic's places that stand for a kind of step or value, not for a key."""

_LIMITS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} long",
    "string_too_short": "filled in",
    "string_too_long": "at most {max_length} characters long",
}


def validate(
    adapter: TypeAdapter[T], document: Document, known: Known
) -> tuple[T | None, list[Finding]]:
    """The document as its model, or None and why."""
    try:
        return adapter.validate_python(document.value, context=known), []
    except ValidationError as error:
        problems = error.errors(include_url=False)
        return None, [found for each in problems for found in _findings(document, known, each)]


def _findings(document: Document, known: Known, error: Mapping[str, Any]) -> Iterator[Finding]:
    path = tuple(part for part in error["loc"] if part not in _TAGS)
    kind = str(error["type"])
    if kind == WRONG:
        of_key = path[-1:] == ("[key]",)
        for problem in error["ctx"][WRONG].problems:
            yield document.at(path[:-1] if of_key else path, problem, key=of_key)
    elif path and path[-1] == "[key]":
        yield document.at(path[:-1], _bad_key(str(path[-2]), error), key=True)
    elif kind == "extra_forbidden":
        yield document.at(path, _unknown_key(document, known, path), key=True)
    elif kind == "missing" and path not in document.blanks:
        yield document.at(path[:-1], _missing(document, known, path), key=True)
    elif kind == "union_tag_not_found" and not _has_blank(document, path):
        yield _no_step(document, path, error["input"])
    elif kind not in ("missing", "union_tag_not_found"):
        yield document.at(path, _unfit(path, kind, error))


def _has_blank(document: Document, path: Path) -> bool:
    """Whether a key of that mapping has no value, which is the finding already."""
    return any(blank[: len(path)] == path for blank in document.blanks)


def _unfit(path: Path, kind: str, error: Mapping[str, Any]) -> Problem:
    """A value of the wrong kind, or outside its limits."""
    name = f'"{path[-1]}"' if path and isinstance(path[-1], str) else "this"
    context = error.get("ctx", {})
    if kind in _EXPECTED:
        return Problem(f"{name} should be {_EXPECTED[kind]}, not {_what(error['input'])}")
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", '"')
        names = expected.replace(" or ", ", ").replace('"', "").split(", ")
        word = error["input"]
        remedy = suggest(word, names) if isinstance(word, str) else f"one of {', '.join(names)}"
        return Problem(f"{name} cannot be {_what(word)}", remedy)
    if kind in _LIMITS:
        return Problem(f"{name} should be {_LIMITS[kind].format(**context)}")
    if kind == "string_pattern_mismatch":
        return Problem(f"{name} cannot be {_what(error['input'])}", _spelling(context["pattern"]))
    message = str(error["msg"])
    return Problem(f"{name} {message[:1].lower()}{message[1:]}".replace("input should", "should"))


_LANGUAGE = "two or three small letters, such as de"


def _unknown_key(document: Document, known: Known, path: Path) -> Problem:
    key = str(path[-1])
    names = _keys(known, _inside(document.value, path[:-1]))
    if key in VERBS and any(verb in names for verb in VERBS):
        return Problem(f'a step does one thing, so "{key}" is too much', f'begin a new "- {key}:"')
    return Problem(f'unknown key "{key}"', suggest(key, names))


def _missing(document: Document, known: Known, path: Path) -> Problem:
    name = str(path[-1])
    model = known.models.get(id(_inside(document.value, path[:-1])))
    examples: tuple[str, ...] = ()
    for field_name, field in model.model_fields.items() if model else ():
        if name == (field.alias or field_name):
            examples = next((m.examples for m in field.metadata if isinstance(m, Reads)), ())
    return Problem(
        f'the key "{name}" is missing', f"such as {name}: {examples[0]}" if examples else ""
    )


def _no_step(document: Document, path: Path, value: Any) -> Finding:
    if isinstance(value, dict) and value:
        key = next((key for key in value if key != "id"), "id")
        problem = Problem(f'unknown step "{key}"', suggest(key, VERBS))
        return document.at((*path, key), problem, key=True)
    return document.at(path, Problem("this is not a step", suggest(str(value), [*VERBS, END])))


def _bad_key(key: str, error: Mapping[str, Any]) -> Problem:
    if error.get("ctx", {}).get("pattern") == LANGUAGE:
        return Problem(f'"{key}" is not a language', _LANGUAGE)
    return Problem(
        f'"{key}" cannot be a name here', "use small letters and digits, joined by - or _"
    )


def _spelling(pattern: str) -> str:
    if pattern == LANGUAGE:
        return _LANGUAGE
    if "A-Z" in pattern:
        return "three capital letters, such as DKK"
    return "use small letters and digits, joined by - (names of touches and traits: by _)"


def _keys(known: Known, value: Any) -> list[str]:
    model = known.models.get(id(value))
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _inside(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _what(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value[:40]}"'
        case int() | float():
            return str(value)[:40]
        case list():
            return "a list"
        case _:
            return "a mapping"
