"""How far a long import came, beside its rejected rows, so that the same command goes on where it was stopped."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from nurture.domain.errors import StartError
from nurture.incoming import Receipt


@dataclass
class Tally:
    """What became of a file's rows. `undeclared`: traits that they told and the playbook does not declare."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    undeclared: list[str] = field(default_factory=list)

    def take(self, receipt: Receipt) -> None:
        self.accepted += receipt.accepted
        self.duplicates += receipt.duplicates

    def reject(self, reason: str) -> None:
        self.rejected += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1


@dataclass
class Bookmark:
    """`line` is the last one that is done, `rejects` the size in bytes of the file of rejected rows then.

    `of` is the content and the database it was made for: of another file, map or database it says nothing.
    """

    path: Path
    of: str
    line: int = 0
    rejects: int = 0
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def open(cls, file: Path, inputs: Iterable[Path], database: str, rejects: Path) -> "Bookmark":
        """The one left beside `rejects`, where can be written, if it is of these inputs and this database, and the rows
        that were rejected by then still stand there; else a new one: what was taken is known by its lines."""
        path = rejects.with_name(f"{file.stem}.import.json")
        digest = sha256(database.encode())
        for each in inputs:
            digest.update(each.read_bytes())
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["of"] == digest.hexdigest() and rejects.stat().st_size >= kept["rejects"]:
                return cls(path, kept["of"], kept["line"], kept["rejects"], Tally(**kept["tally"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass  # none, or one that was cut off while it was written: begin at the beginning
        return cls(path, digest.hexdigest())

    def save(self) -> None:
        """Raises StartError when it cannot be written."""
        kept = {key: value for key, value in asdict(self).items() if key != "path"}
        part = self.path.with_suffix(".part")
        try:
            part.write_text(json.dumps(kept), encoding="utf-8")
            part.replace(self.path)
        except OSError as error:
            raise StartError(f"{self.path}: cannot be written: {error.strerror}") from error

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
