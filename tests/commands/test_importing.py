import contextlib
import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands import csv_rows
from commands.importing.bookmark import Bookmark, Tally
from commands.importing.command import BATCH, bring_in, writing
from commands.importing.mapping import Mapped, targets
from nurture.domain.errors import StartError
from nurture.incoming import Incoming, Receipt
from nurture.store.address import place

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Desk:
    """Takes what it is given, except addresses of `refused`."""

    def __init__(self, refused: str = "") -> None:
        self.batches: list[Sequence[Incoming]] = []
        self._refused = refused

    async def take(self, messages: Sequence[Incoming]) -> Receipt:
        self.batches.append(messages)
        refused = tuple((m.message_id, "blocked") for m in messages if m.email == self._refused)
        return Receipt(accepted=len(messages) - len(refused), refused=refused)


async def imported(
    folder: Path, content: bytes, desk: Desk, database: str = "sqlite:///nurture.db"
) -> Tally:
    path = folder / "list.csv"
    path.write_bytes(content)
    columns, rows = csv_rows.read(path)
    mapped = Mapped(targets(columns, None), {})
    mark = Bookmark.open(path, [path], database, folder / "rejects.csv")
    with writing(folder / "rejects.csv", mark) as refuse:
        return await bring_in(rows, mapped, desk.take, refuse, NOW, mark)


def rejects(folder: Path) -> list[list[str]]:
    text = (folder / "rejects.csv").read_bytes().decode(errors="surrogateescape")
    return list(csv.reader(text.splitlines()))


async def test_every_bad_row_is_written_with_its_line_and_reason_and_the_rest_is_taken(
    tmp_path: Path,
) -> None:
    desk = Desk(refused="blocked@firm.dk")
    content = b"email,city\nbo@firm.dk,Vejle\nnobody,Vejle\nx@firm.dk,\xc5rhus\nblocked@firm.dk,\n"
    tally = await imported(tmp_path, content, desk)
    assert (tally.accepted, tally.rejected) == (1, 3)
    assert [row[:2] for row in rejects(tmp_path)] == [
        ["line", "reason"],
        ["3", "email: is not an e-mail address"],
        ["4", "contains bytes that are not UTF-8"],
        ["5", "blocked"],
    ]


async def test_a_rejected_row_stands_in_the_file_as_it_came(tmp_path: Path) -> None:
    await imported(tmp_path, b"email,city\nx@firm.dk,\xc5rhus\ny@firm.dk,A\0B\n", Desk())
    assert b"x@firm.dk,\xc5rhus" in (tmp_path / "rejects.csv").read_bytes()
    assert b"y@firm.dk,A\0B" in (tmp_path / "rejects.csv").read_bytes()


async def test_without_bad_rows_no_file_is_left(tmp_path: Path) -> None:
    await imported(tmp_path, b"email\nbo@firm.dk\n", Desk())
    assert not (tmp_path / "rejects.csv").exists()


async def test_a_long_list_is_taken_in_batches(tmp_path: Path) -> None:
    desk = Desk()
    lines = [f"lead-{number}@firm.dk" for number in range(BATCH + 1)]
    tally = await imported(tmp_path, "\n".join(["email", *lines]).encode(), desk)
    assert tally.accepted == BATCH + 1
    assert [len(batch) for batch in desk.batches] == [BATCH, 1]


def test_a_rejects_file_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(StartError) as error,
        writing(tmp_path / "no" / "rejects.csv"),
    ):
        pytest.fail("nothing may be read")
    said = str(error.value)
    assert said.endswith(
        ": cannot be written: No such file or directory; say with --rejects where it can"
    )


class Dying(Desk):
    """Dies at the second batch, as a process does that is killed."""

    async def take(self, messages: Sequence[Incoming]) -> Receipt:
        if self.batches:
            raise KeyboardInterrupt
        return await super().take(messages)


def _list(bad: Sequence[int] = ()) -> bytes:
    rows = [f"lead-{n}@firm.dk" if n not in bad else "nobody" for n in range(BATCH * 2)]
    return "\n".join(["email", *rows]).encode()


async def test_an_import_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    content = _list(bad=(3, BATCH + 50))
    with pytest.raises(KeyboardInterrupt):
        await imported(tmp_path, content, Dying())
    desk = Desk()
    tally = await imported(tmp_path, content, desk)
    assert [len(batch) for batch in desk.batches] == [BATCH - 2]
    assert (tally.accepted, tally.rejected) == (2 * BATCH - 2, 2)
    assert [row[0] for row in rejects(tmp_path)] == ["line", "5", str(BATCH + 52)]
    assert not (tmp_path / "list.import.json").exists()


async def test_an_import_from_a_folder_that_nobody_may_write_to_leaves_its_bookmark_elsewhere(
    tmp_path: Path,
) -> None:
    shared, own = tmp_path / "shared", tmp_path / "own"
    shared.mkdir()
    own.mkdir()
    (shared / "list.csv").write_bytes(_list())
    mark = Bookmark.open(shared / "list.csv", [], "sqlite://", own / "rejects.csv")
    mark.save()
    assert [path.name for path in shared.iterdir()] == ["list.csv"]
    assert [path.name for path in own.iterdir()] == ["list.import.json"]


async def test_another_content_of_the_file_begins_at_its_beginning(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        await imported(tmp_path, _list(), Dying())
    desk = Desk()
    await imported(tmp_path, _list(bad=(0,)), desk)
    assert sum(len(batch) for batch in desk.batches) == 2 * BATCH - 1


async def test_what_was_taken_into_one_database_is_not_left_out_of_another(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        await imported(tmp_path, _list(), Dying(), database="sqlite:///staging.db")
    desk = Desk()
    await imported(tmp_path, _list(), desk, database="sqlite:///production.db")
    assert sum(len(batch) for batch in desk.batches) == 2 * BATCH


def test_a_database_is_the_same_from_every_folder_and_with_every_password(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        from_inside = place("sqlite+aiosqlite:///nurture.db")
    assert from_inside == place(f"sqlite+aiosqlite:///{tmp_path}/nurture.db")
    one, other = (place(f"postgresql+asyncpg://ann:{word}@db/n") for word in ("one", "two"))
    assert one == other
    assert one != place("postgresql+asyncpg://ann:one@db/m")


@pytest.mark.parametrize("left", [None, b"line,"])
async def test_an_import_whose_rejected_rows_are_gone_begins_at_its_beginning(
    tmp_path: Path, left: bytes | None
) -> None:
    with pytest.raises(KeyboardInterrupt):
        await imported(tmp_path, _list(bad=(3,)), Dying())
    (tmp_path / "rejects.csv").unlink()
    if left:
        (tmp_path / "rejects.csv").write_bytes(left)
    desk = Desk()
    await imported(tmp_path, _list(bad=(3,)), desk)
    assert sum(len(batch) for batch in desk.batches) == 2 * BATCH - 1
    assert [row[0] for row in rejects(tmp_path)] == ["line", "5"]


async def test_a_bookmark_that_was_cut_off_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "list.import.json").write_text('{"of": "')
    assert (await imported(tmp_path, b"email\nbo@firm.dk\n", Desk())).accepted == 1
