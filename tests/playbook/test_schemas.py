import json
from pathlib import Path

import pytest

from nurture.playbook.schemas import EDITOR, editor_settings, schemas, write

CONFIG = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_shipped_schema_is_up_to_date(name: str) -> None:
    shipped = (CONFIG / "schema" / name).read_text(encoding="utf-8")
    assert shipped == schemas()[name], "write them anew: nurture.playbook.schemas.write(folder)"


def test_an_editor_learns_the_steps_and_refuses_unknown_keys(tmp_path: Path) -> None:
    write(tmp_path)
    flow = json.loads((tmp_path / "flow.schema.json").read_text(encoding="utf-8"))
    assert flow["additionalProperties"] is False
    assert {"flow", "title", "enter", "steps", "goal", "exit"} <= set(flow["properties"])
    assert "else" in flow["$defs"]["WaitFor"]["properties"]


@pytest.mark.parametrize("file", sorted(CONFIG.rglob("*.yaml")), ids=lambda file: file.name)
def test_every_shipped_file_tells_the_editor_its_schema(file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (file.parent / named).resolve().is_file()


def test_the_editor_knows_the_schema_of_files_that_do_not_name_it() -> None:
    shipped = (CONFIG.parent / EDITOR).read_text(encoding="utf-8")
    assert shipped == editor_settings(), f"remove {EDITOR} and run `nurture schema`"
