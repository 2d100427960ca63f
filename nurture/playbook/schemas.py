"""JSON Schemas of the playbook's files, so that editors complete and check while somebody writes.

Names are checked by `nurture check` only: a schema cannot know which personas or mails there are.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from nurture.playbook.reading import SHAPES

EDITOR = ".vscode/settings.json"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """The text of each schema by its file name, such as `scoring.schema.json`."""
    return {f"{name}.schema.json": _schema(name, shape) for name, shape in SHAPES.items()}


def editor_settings() -> str:
    """`.vscode/settings.json`: which files each schema is for, for files that do not name it themselves."""
    files = {
        f"./config/schema/{name}.schema.json": (
            "config/flows/*.yaml" if name == "flow" else f"config/{name}.yaml"
        )
        for name in SHAPES
    }
    return json.dumps({"yaml.schemas": files, "yaml.validate": True}, indent=2) + "\n"


def write(folder: Path) -> None:
    """Bring the schemas in `folder` up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")


def _schema(name: str, shape: Any) -> str:
    title = "a flow of the playbook" if name == "flow" else f"config/{name}.yaml of the playbook"
    schema = {"$schema": _DIALECT, **TypeAdapter(shape).json_schema(), "title": title}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
