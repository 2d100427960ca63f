import pytest

from cli import VERBS
from tests.support.command import Nurture


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_is_for(nurture: Nurture, verb: str) -> None:
    ended = nurture(verb, "--help")
    assert ended.returncode == 0
    usage, _, rest = ended.stdout.strip().partition("\n")
    assert usage.strip().startswith(f"Usage: nurture {verb}")
    assert rest.strip().partition("\n")[0].strip(" ╭─╮") not in ("", "Options", "Commands")


def test_help_breaks_where_the_screen_ends(nurture: Nurture) -> None:
    """Not where a line of the source ended."""
    lines = [line.strip() for line in nurture("--help").stdout.splitlines()]
    [first] = [index for index, line in enumerate(lines) if line.startswith("Exit codes:")]
    assert len(lines[first]) > 60
    assert len(lines[first + 1]) > 40
