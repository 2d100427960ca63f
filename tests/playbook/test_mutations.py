"""Whatever somebody does to the files, the answer is findings with places, never a traceback."""

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from io import StringIO
from typing import Any

import pytest
from ruamel.yaml import YAML

from nurture.delivery.email.checking import check_templates
from nurture.domain.errors import PlaybookError
from nurture.playbook import Playbook
from nurture.playbook.compiler import compile_playbook
from nurture.versions.checking import checked

MUTATIONS = int(os.environ.get("NURTURE_MUTATIONS", "250"))
"""`NURTURE_MUTATIONS=10000` for a thorough look at files of config/; 100000 for as many of templates."""
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    0.5,
    "",
    "x",
    "3 dyas",
    [],
    {},
    ["x"],
    {"a": 1},
    [[]],
)
NOISE = (
    "",
    ":",
    "- ",
    "{",
    "]",
    '"',
    "'",
    "\t",
    "&a ",
    "*a",
    "!x ",
    "\x00",
    "\u2028",
    "ø",
    "---\n",
    "|\n",
    "<![x",
    "<!--",
    "</p>",
    "{% raw %}",
    "{{ x }}",
)
DEEP = tuple(
    opens * levels + closes * levels
    for levels in (15, 60, 250, 9_000)
    for opens, closes in (
        ("{% if lead.email %}", "{% endif %}"),
        ("{% for x in [1] %}", "{% endfor %}"),
        ("<div>", "</div>"),
        ("<mj-wrapper>", "</mj-wrapper>"),
    )
) + tuple("{{ " + "(" * levels + "1" + ")" * levels + " }}" for levels in (15, 80, 9_000))
"""What a template may hold more levels of than its compilers have stack for."""


@cache
def loaded(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def plain(text: str) -> Any:
    return deepcopy(loaded(text))


def dump(value: Any) -> str:
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(value, stream)
    return stream.getvalue()


def containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list) and value:
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from containers(child)


def mutate_tree(text: str, chance: random.Random) -> str:
    """Delete, retype, rename, double or swap something in the file's tree."""
    tree = plain(text)
    holder = chance.choice(list(containers(tree)))
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    key, other = chance.choice(keys), chance.choice(keys)
    match chance.randrange(5):
        case 0:
            del holder[key]
        case 1:
            holder[key] = chance.choice(VALUES)
        case 2:
            holder[key], holder[other] = holder[other], holder[key]
        case 3 if isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        case _ if isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        case _:
            holder[key] = {"nested": holder[key]}
    return dump(tree)


def mutate_text(text: str, chance: random.Random, noise: Sequence[str] = NOISE) -> str:
    """Cut letters out, or put noise in."""
    at = chance.randrange(len(text))
    if chance.random() < 0.5:
        return text[:at] + text[at + chance.randrange(1, 12) :]
    return text[:at] + chance.choice(noise) + text[at:]


def outcome(files: Mapping[str, str]) -> Playbook | PlaybookError:
    try:
        return compile_playbook(files)
    except PlaybookError as error:
        return error


def one_mail(templates: Mapping[str, str], chance: random.Random) -> dict[str, str]:
    """A mail and what all of them share: the others have no part in what is found in it."""
    folders = sorted({path.split("/")[2] for path in templates})
    name = chance.choice([folder for folder in folders if not folder.startswith("_")])
    return {
        path.removeprefix("templates/"): text
        for path, text in templates.items()
        if path.split("/")[2] == name or path.split("/")[2].startswith("_")
    }


@pytest.mark.parametrize("mutate", [mutate_tree, mutate_text])
def test_a_mutated_playbook_compiles_or_has_findings(shipped: dict[str, str], mutate: Any) -> None:
    chance = random.Random(mutate.__name__)
    paths = sorted(path for path in shipped if path.startswith("config/"))
    refused = 0
    for _ in range(MUTATIONS // 2):
        path = chance.choice(paths)
        mutated = {**shipped, path: mutate(shipped[path], chance)}
        result = outcome(mutated)
        if isinstance(result, PlaybookError):
            refused += 1
            for finding in result.findings:
                assert finding.problem, mutated[path]
                assert 1 <= finding.line <= mutated.get(finding.file, "").count("\n") + 1
                assert finding.column >= 1
    assert refused > MUTATIONS // 8


def test_a_mutated_template_is_in_order_or_has_findings(shipped: dict[str, str]) -> None:
    """Through all that `nurture check` does: a mail is rendered on trial, too."""
    chance = random.Random("templates")
    playbook = compile_playbook(shipped)
    templates = {path: text for path, text in shipped.items() if path.startswith("templates/")}
    personas = [persona.id for persona in playbook.personas]
    refused = 0
    for _ in range(MUTATIONS // 10):
        mail = one_mail(templates, chance)
        path = chance.choice(sorted(mail))
        mutated = {**mail, path: mutate_text(mail[path], chance, NOISE + DEEP)}
        found = check_templates(mutated, playbook.traits, playbook.company.languages, personas)
        refused += bool(found)
        assert all(finding.problem and finding.line >= 1 for finding in found), mutated[path]
    assert refused > MUTATIONS // 40


def test_mails_are_looked_at_whatever_became_of_what_they_lean_on(
    shipped: dict[str, str],
) -> None:
    chance = random.Random("beside")
    templates = {path: text for path, text in shipped.items() if path.startswith("templates/")}
    config = {path: text for path, text in shipped.items() if path.startswith("config/")}
    for _ in range(MUTATIONS // 20):
        path = f"config/{chance.choice(['traits', 'company', 'personas'])}.yaml"
        mutate = chance.choice([mutate_tree, mutate_text])
        mutated = {**config, path: mutate(config[path], chance)}
        mail = {f"templates/{name}": text for name, text in one_mail(templates, chance).items()}
        with pytest.raises(PlaybookError) as refused:  # the flows lack their other mails
            checked({**mutated, **mail})
        assert all(finding.problem for finding in refused.value.findings), mutated[path]


def test_a_playbook_without_one_of_its_files_compiles_or_has_findings(
    shipped: dict[str, str],
) -> None:
    for missing in shipped:
        rest = {path: text for path, text in shipped.items() if path != missing}
        result = outcome(rest)
        assert isinstance(result, Playbook | PlaybookError)


def test_no_files_at_all_are_findings() -> None:
    result = outcome({})
    assert isinstance(result, PlaybookError)
    assert {finding.file for finding in result.findings} == {
        f"config/{name}.yaml" for name in ("company", "senders", "sla", "stages", "traits")
    }
