import json
from pathlib import Path

from tests.support.command import Nurture


def test_a_flow_is_drawn_as_text_and_into_a_file(nurture: Nurture, tmp_path: Path) -> None:
    target = tmp_path / "welcome.svg"
    assert nurture("picture", "welcome").stdout.startswith("flowchart TD\n")
    found = nurture("picture", "welcome", "--svg", str(target), "--json")
    assert "course-guide" in target.read_text(encoding="utf-8")
    assert any(box["words"] == "mail course-guide" for box in json.loads(found.stdout)["boxes"])


def test_an_unknown_flow_is_refused_with_the_one_that_was_meant(nurture: Nurture) -> None:
    found = nurture("picture", "welcom")
    assert found.returncode == 2
    assert 'did you mean "welcome"?' in found.stderr
