import json
from pathlib import Path

from tests.support.command import Nurture


def test_a_cohort_is_forecast_and_one_lead_told(nurture: Nurture, tmp_path: Path) -> None:
    leads, drawn = tmp_path / "leads.csv", tmp_path / "welcome.svg"
    leads.write_text("email,occupation\nanna@firm.dk,Student\nbo@firm.dk,Unemployed\n")
    words = ("simulate", "welcome", "--leads", str(leads), "--start", "2026-03-02")
    found = nurture(*words, "--svg", str(drawn), "--json")
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)
    assert (told["leads"], told["promised_sqls"]) == (2, 20)
    assert "2 leads" in drawn.read_text(encoding="utf-8")
    story = nurture(*words, "--lead", "anna@firm.dk").stdout
    assert "day   0  Mon 02 Mar 09:00  mail welcome" in story


def test_what_cannot_be_simulated_is_a_sentence(nurture: Nurture, tmp_path: Path) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("email,occupatoin\nanna@firm.dk,Student\n")
    found = nurture("simulate", "all", "--leads", str(leads))
    assert found.returncode == 2
    assert 'leads.csv:2: unknown trait "occupatoin"; did you mean "occupation"?' in found.stderr
