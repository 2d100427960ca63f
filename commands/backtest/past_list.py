"""A list of past leads, read by its mapping, beside the playbook it is judged by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from commands import csv_rows
from commands.backtest.past import Past, Reader, judged
from commands.backtest.past_map import Leaks, PastMap, read_map
from commands.backtest.trial import playbook_with
from commands.csv_rows import Reject
from nurture.domain.backtest import Case, held_out
from nurture.domain.errors import InputError
from nurture.playbook import Playbook
from nurture.playbook.durations import Durations
from nurture.playbook.reading import read


@dataclass(frozen=True)
class Split:
    """`share` of the leads (0 to 1) is held out: no points are fitted on them."""

    share: float
    seed: int

    def parts(self, pasts: Sequence[Past]) -> tuple[list[Past], list[Past]]:
        """Those to fit on, and those held out."""
        out = [held_out(past.lead, self.share, self.seed) for past in pasts]
        fit = [past for past, held in zip(pasts, out, strict=True) if not held]
        return fit, [past for past, held in zip(pasts, out, strict=True) if held]

    def __str__(self) -> str:
        return f"{self.share:.0%} held out by seed {self.seed}"


@dataclass(frozen=True)
class PastList:
    """`files` is the playbook as it stands on disk; `refused` holds the rows that could not be used."""

    name: str
    outcome: str
    files: Mapping[str, str]
    map: PastMap
    leaks: Leaks
    pasts: Sequence[Past]
    refused: Sequence[Reject]

    def playbook(self, scoring: str, name: str) -> Playbook:
        """The playbook with the points of that text. Raises PlaybookError."""
        return playbook_with(self.files, scoring, name, self.leaks)


def open_list(files: Mapping[str, str], leads: Path, map_file: Path, outcome: str) -> PastList:
    """Raises InputError for what cannot be read, and PlaybookError with the mapping's findings."""
    columns, rows = csv_rows.read(leads, [outcome])
    reading = read(files, Durations())
    found, leaks = read_map(map_file, columns, outcome, reading)
    pasts, refused = Reader(found, reading.model("traits") or {}, outcome).read(rows)
    if not pasts:
        why = f"; line {refused[0].line}: {refused[0].reason}" if refused else ""
        raise InputError(f"no row can be used{why}", str(leads))
    return PastList(leads.name, outcome, files, found, leaks, pasts, refused)


def cases(playbook: Playbook, pasts: Sequence[Past]) -> list[Case]:
    """What the playbook's points give to each."""
    return [judged(past, playbook, playbook.scoring) for past in pasts]
