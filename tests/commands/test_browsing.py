"""A picture of a page where the browser will not do what it should."""

from pathlib import Path

import pytest

from commands import browsing
from nurture.domain.errors import InputError


def browser(folder: Path, script: str) -> str:
    """A folder with a browser that does this."""
    program = folder / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}:/bin:/usr/bin"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo one >&2; echo out of memory >&2; exit 1", "{} made no picture: out of memory"),
        ("exit 0", "{} made no picture: no reason"),
        ("sleep 9", "{target}: {} took longer than 0.2 s"),
    ],
)
def test_a_browser_that_makes_no_picture_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, problem: str
) -> None:
    monkeypatch.setenv("PATH", browser(tmp_path, script))
    target = tmp_path / "mail.png"
    with pytest.raises(InputError) as failed:
        browsing.picture(tmp_path / "mail.html", target, longest=0.2)
    assert str(failed.value) == problem.format(tmp_path / "chromium", target=target)


def test_without_a_browser_it_is_said_which_would_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError) as failed:
        browsing.picture(tmp_path / "mail.html", tmp_path / "mail.png")
    assert str(failed.value).startswith("a picture needs one of these browsers: chromium, ")
    monkeypatch.setenv("BROWSER", "none")
    with pytest.raises(InputError, match=r"mail\.html: no browser could be opened"):
        browsing.show(tmp_path / "mail.html")
