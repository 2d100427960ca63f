"""JSON Schemas of the playbook's files, so that editors complete and check while somebody writes.

Names are checked by `nurture check` only: a schema cannot know which personas or mails there are.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from nurture.playbook.reading import FOLDERS, SHAPES

EDITOR = ".vscode/settings.json"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """The text of each schema by its file name, such as `scoring.schema.json`."""
    return {f"{name}.schema.json": _schema(name, shape) for name, shape in SHAPES.items()}


def editor_settings() -> str:
    """`.vscode/settings.json`: which files each schema is for, for files that do not name it themselves."""
    many = {name: f"{folder}*.yaml" for folder, name in FOLDERS.items()}
    files = {
        f"./config/schema/{name}.schema.json": many.get(name, f"config/{name}.yaml")
        for name in SHAPES
    }
    return json.dumps({"yaml.schemas": files, "yaml.validate": True}, indent=2) + "\n"


def write(folder: Path) -> None:
    """Bring the schemas in `folder` up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")


def _schema(name: str, shape: Any) -> str:
    one_of_many = name in FOLDERS.values()
    title = f"a {name} of the playbook" if one_of_many else f"config/{name}.yaml of the playbook"
    schema = {"$schema": _DIALECT, **TypeAdapter(shape).json_schema(), "title": title}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
