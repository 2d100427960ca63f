"""The playbook as files on disk, and the hash that names one version of it."""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from nurture.domain.errors import InputError

_CONFIG = frozenset({".yaml", ".yml"})
_TEMPLATES = frozenset({".txt", ".mjml", ".html", ".md"})


def read_files(playbook_dir: Path) -> dict[str, str]:
    """Every text of the playbook by its path with `/`, such as `config/scoring.yaml`.

    Hidden files and other kinds of file are no part of it. Raises InputError naming what is missing or
    cannot be read.
    """
    config = config_of(playbook_dir)
    found: dict[str, str] = {}
    for folder, suffixes in ((config, _CONFIG), (playbook_dir / "templates", _TEMPLATES)):
        for path in _walk(folder, suffixes):
            found[path.relative_to(playbook_dir).as_posix()] = _text(path)
    return found


def config_of(playbook_dir: Path) -> Path:
    """Its folder config/. Raises InputError where there is none."""
    config = playbook_dir / "config"
    if not config.is_dir():
        raise InputError(
            "there is no playbook here: the folder config/ is missing", str(playbook_dir)
        )
    return config


def flow_file(files: Mapping[str, str], flow: str) -> str | None:
    """The file of that flow."""
    says = re.compile(rf"^flow:\s*[\"']?{re.escape(flow)}[\"']?\s*(#.*)?$", re.MULTILINE)
    return next((f for f in files if f.startswith("config/flows/") and says.search(files[f])), None)


def content_hash(files: Mapping[str, str]) -> str:
    """The SHA-256 of all names and texts, the same in whatever order they come."""
    digest = sha256()
    for name in sorted(files):
        for part in (name, files[name]):
            content = part.encode("utf-8", "surrogatepass")
            digest.update(len(content).to_bytes(8, "big"))
            digest.update(content)
    return digest.hexdigest()


def _walk(folder: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix in suffixes and not hidden and not path.is_dir():
            yield path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text (byte {error.start + 1})", str(path)) from error
