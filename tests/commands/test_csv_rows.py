from pathlib import Path

import pytest

from commands.csv_rows import Reject, Row, read
from nurture.domain.errors import InputError


def file(folder: Path, content: str | bytes) -> Path:
    path = folder / "leads.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(path: Path) -> list[Row | Reject]:
    return list(read(path)[1])


def told(path: Path) -> list[tuple[int, dict[str, str]]]:
    return [(row.line, dict(row.values)) for row in rows(path) if isinstance(row, Row)]


def test_each_row_is_known_by_its_line_in_the_file(tmp_path: Path) -> None:
    assert told(file(tmp_path, "email,city\na@b.dk,Aarhus\n\nc@d.dk, Vejle \n")) == [
        (2, {"email": "a@b.dk", "city": "Aarhus"}),
        (4, {"email": "c@d.dk", "city": "Vejle"}),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separators_of_all_spreadsheets_are_understood(tmp_path: Path, separator: str) -> None:
    text = "\ufeffemail,city\r\na@b.dk,Aarhus\r\n".replace(",", separator)
    assert told(file(tmp_path, text)) == [(2, {"email": "a@b.dk", "city": "Aarhus"})]


def test_a_quoted_cell_may_hold_a_line_break(tmp_path: Path) -> None:
    assert told(file(tmp_path, 'email,note\na@b.dk,"one\ntwo"\nc@d.dk,x\n')) == [
        (2, {"email": "a@b.dk", "note": "one\ntwo"}),
        (4, {"email": "c@d.dk", "note": "x"}),
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"a@b.dk", "1 columns instead of 2"),
        (b"a@b.dk,x,y", "3 columns instead of 2"),
        (b"a@b.dk,\xc5rhus", "bytes that are not UTF-8"),
        (b"a@b.dk,A\0rhus", "NUL"),
        (b'a@b.dk,"Aarhus', "unreadable"),
        (b'a@b.dk,"Aar"hus', "unreadable"),
        (b"a@b.dk," + b"x" * 200_000, "unreadable"),
    ],
)
def test_a_bad_row_is_given_back_with_its_reason_and_the_rest_goes_on(
    tmp_path: Path, bad: bytes, reason: str
) -> None:
    content = b"email,city\nfirst@b.dk,Vejle\n" + bad + b"\nlast@b.dk,Ribe\n"
    path = file(tmp_path, content)
    reject = rows(path)[1]
    assert isinstance(reject, Reject)
    assert reject.line == 3
    assert reason in reject.reason
    assert told(path) == [
        (2, {"email": "first@b.dk", "city": "Vejle"}),
        (4, {"email": "last@b.dk", "city": "Ribe"}),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "the first line must name the columns"),
        ("email,email\n", "appear twice: email"),
        ("mail,city\n", "columns are missing: email; it has: mail, city"),
        ('"email,city\n', "unreadable"),
        (b"em\xffail\n", "not UTF-8"),
    ],
)
def test_a_file_without_usable_columns_is_refused_as_a_whole(
    tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        read(file(tmp_path, content), needed=["email"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"leads\.csv: cannot be read: No such file"):
        read(tmp_path / "leads.csv")
