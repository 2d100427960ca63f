"""Reads CSV files as people send them: whatever is wrong with one row, the others are read."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nurture.domain.errors import InputError

_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Row:
    """A usable row. `line` is where it begins in the file, counted from 1 (the header's line); `delimiter` is
    what separates its cells."""

    line: int
    values: Mapping[str, str]
    text: str = ""
    delimiter: str = ","

    def rejected(self, reason: str) -> "Reject":
        """This row, after all not usable."""
        return Reject(self.line, reason, self.text)


@dataclass(frozen=True)
class Reject:
    """A row that cannot be used, why, and its text as it stood in the file."""

    line: int
    reason: str
    text: str


def read(path: Path, needed: Sequence[str] = ()) -> tuple[list[str], Iterator[Row | Reject]]:
    """The columns, and the rows in order. Separated by what the header has most of: comma, semicolon, tab.

    Raises InputError for a file that cannot be opened, is empty, or lacks a `needed` column.
    """
    lines = _lines(path)
    delimiter = max(_DELIMITERS, key=lines[0].count)
    try:
        header, taken = _record(lines, 0, delimiter)
    except csv.Error as error:
        raise InputError(
            f"the line that names the columns is unreadable: {error}", str(path)
        ) from error
    columns = [name.strip() for name in header]
    _check_columns(path, columns, needed)
    return columns, _rows(lines, taken, columns, delimiter)


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(path)) from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[0].strip():
        raise InputError("the first line must name the columns, but it is empty", str(path))
    if not _is_text(lines[0]):
        raise InputError("the line that names the columns is not UTF-8", str(path))
    return lines


def _check_columns(path: Path, columns: Sequence[str], needed: Sequence[str]) -> None:
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise InputError(f"columns appear twice: {', '.join(twice)}", str(path))
    if missing := [name for name in needed if name not in columns]:
        found = ", ".join(columns)
        raise InputError(f"columns are missing: {', '.join(missing)}; it has: {found}", str(path))


def _rows(
    lines: Sequence[str], at: int, columns: Sequence[str], delimiter: str
) -> Iterator[Row | Reject]:
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        row, taken = _row(lines, at, columns, delimiter)
        yield row
        at += taken


def _row(
    lines: Sequence[str], at: int, columns: Sequence[str], delimiter: str
) -> tuple[Row | Reject, int]:
    """The row that begins at `at`, and how many lines it takes.

    A bad row gives up its first line only: a stray quote must not swallow the rest of the file.
    """
    try:
        cells, taken = _record(lines, at, delimiter)
    except csv.Error as error:
        return _reject(lines, at, f"unreadable: {error}"), 1
    if len(cells) != len(columns):
        return _reject(lines, at, f"{len(cells)} columns instead of {len(columns)}"), 1
    whole = "\n".join(lines[at : at + taken])
    if "\0" in whole:
        return _reject(lines, at, "contains a NUL character"), taken
    if not _is_text(whole):
        return _reject(lines, at, "contains bytes that are not UTF-8"), taken
    values = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
    return Row(at + 1, values, whole, delimiter), taken


def _record(lines: Sequence[str], at: int, delimiter: str) -> tuple[list[str], int]:
    """One record and the number of lines it spans (a quoted cell may hold line breaks)."""
    rest = (lines[index] + "\n" for index in range(at, len(lines)))
    reader = csv.reader(rest, delimiter=delimiter, strict=True)
    return next(reader), reader.line_num


def _reject(lines: Sequence[str], at: int, reason: str) -> Reject:
    return Reject(at + 1, reason, lines[at])


def _is_text(text: str) -> bool:
    """Undecodable bytes were kept as lone surrogates, which do not encode."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
