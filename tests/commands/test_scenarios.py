import json
import shutil
from pathlib import Path

from tests.support.command import Nurture

ROOT = Path(__file__).parents[2]


def test_scenarios_that_hold_are_told_and_one_that_differs_fails(
    nurture: Nurture, tmp_path: Path
) -> None:
    assert "all scenarios hold: 2" in nurture("test").stdout
    for folder in ("config", "templates"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    flow = tmp_path / "config" / "flows" / "welcome.yaml"
    flow.write_text(flow.read_text().replace("- wait: 5 days", "- wait: 1 day", 1))
    found = nurture("test", "silent-student", NURTURE_PLAYBOOK_DIR=str(tmp_path))
    assert found.returncode == 1
    assert "    + day 1: mail course-guide" in found.stdout
    told = json.loads(nurture("test", "--json").stdout)
    assert [each["holds"] for each in told] == [True, True]


def test_an_unknown_scenario_is_refused(nurture: Nurture) -> None:
    found = nurture("test", "nowhere")
    assert found.returncode == 2
    assert "there is no such scenario" in found.stderr
