"""`nurture schema`: what editors need to complete and check the playbook's files while they are written."""

import typer

from nurture import settings
from nurture.playbook.schemas import EDITOR, editor_settings, write
from nurture.playbook.source import config_of


def schema() -> None:
    """Write config/schema/ into the playbook, and the settings by which VS Code finds it unless it has its own."""
    root = settings.load().playbook_dir
    write(config_of(root) / "schema")
    file = root / EDITOR
    if file.exists():
        typer.echo(f"config/schema/ is up to date; {EDITOR} was there and is left alone")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(editor_settings(), encoding="utf-8")
    typer.echo(f"config/schema/ and {EDITOR} are written")
