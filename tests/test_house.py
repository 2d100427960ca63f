"""What the house promises about itself, where no linter looks."""

import ast
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, packages_distributions
from pathlib import Path

import pytest
from pydantic import SecretStr

from nurture.settings import Settings

ROOT = Path(__file__).parent.parent
ROOMS = ("nurture", "workflows", "activities", "embedded", "commands")
DOORS = ("cli.py", "services.py", "worker.py", "server.py")


def test_the_domain_imports_only_the_standard_library_and_itself() -> None:
    strangers = {
        f"{path.name}: {name}"
        for path in (ROOT / "nurture" / "domain").glob("*.py")
        for name in _imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not name.startswith("nurture.domain")
    }
    assert strangers == set()


def test_every_package_the_product_imports_is_a_declared_dependency() -> None:
    declared = {_normal(name) for name in _pyproject()["project"]["dependencies"]}
    # Their names and types are part of what sqlmodel, fastapi and jinja2 promise.
    declared |= {"sqlalchemy", "pydantic", "pydantic-core", "starlette", "markupsafe"}
    owners = packages_distributions()
    undeclared = {
        name
        for path in _sources()
        for name in (name.split(".")[0] for name in _imports(path))
        if name in owners
        and name not in ROOMS
        and not declared & {_normal(owner) for owner in owners[name]}
    }
    assert undeclared == set()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_address_and_hashes_everything(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links", text)
    pins = re.findall(r"(?m)^[a-z0-9][^\n]*(?:\n +[^\n]*)*", text)
    assert pins
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_one_environment_made_from_the_dev_lock_serves_the_product_too() -> None:
    assert _pins("requirements.lock") <= _pins("requirements-dev.lock")


def test_no_runtime_dependency_is_under_the_gpl() -> None:
    strict = re.compile(r"\bA?GPL|GNU (Affero )?General Public")
    names = {pin.split("==")[0] for pin in _pins("requirements.lock")}
    assert {name for name in names if strict.search(_licence(name))} == set()


def test_what_the_threat_model_names_is_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|") and "`nurture/" in line]
    assert all("`tests/" in row for row in rows)
    named = re.findall(r"`((?:nurture|tests)/[\w/.]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_setting_is_explained_with_its_default() -> None:
    rows = dict(
        re.findall(
            r"(?m)^\| `NURTURE_(\w+)` \| (.*?) \|",
            (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"),
        )
    )
    assert rows == {
        name.upper(): _written(field.default) for name, field in Settings.model_fields.items()
    }


def _written(default: object) -> str:
    """As docs/settings.md has it: empty is a dash, the current folder a dot."""
    text = default.get_secret_value() if isinstance(default, SecretStr) else str(default)
    return f"`{text}`" if text else "–"


def _licence(name: str) -> str:
    """What the installed package says of itself; one for another platform says nothing here."""
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return ""
    said = [*found.get_all("License-Expression", []), *found.get_all("Classifier", [])]
    return "\n".join(said + [line.split("\n")[0] for line in found.get_all("License", [])])


def _pyproject() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _sources() -> list[Path]:
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return files + [ROOT / door for door in DOORS]


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "nurture")
    return found


def _normal(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def _pins(lock: str) -> set[str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return set(re.findall(r"(?m)^[a-z0-9-]+==\S+", text))
