"""Export, erase, rescore and quarantine as an operator types them."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Nurture


@pytest.fixture
def keyed(nurture: Nurture) -> Nurture:
    """A database with the shipped playbook in force; Temporal is away, which must not matter."""

    def run(*words: str) -> Any:
        return nurture(
            *words,
            NURTURE_SECRET_KEY="k" * 32,
            NURTURE_SALES_SECRET="whsec_" + "Q0ND" * 8,
            NURTURE_META_TOKEN="token",
            TEMPORAL_ADDRESS="127.0.0.1:1",
        )

    for words in (("db", "upgrade"), ("apply",)):
        assert run(*words).returncode == 0
    return run


def test_a_person_is_imported_exported_erased_and_not_revived(
    keyed: Nurture, tmp_path: Path
) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("email,first_name\nanna@firm.dk,Anna\n")
    assert "1 rows taken" in keyed("import", str(leads)).stdout
    exported = json.loads(keyed("export", "anna@firm.dk").stdout)
    assert exported["lead"][0]["traits"]["first_name"] == "Anna"
    assert keyed("rescore").stdout == "every lead has the score of this playbook\n"
    erased = json.loads(keyed("erase", "anna@firm.dk", "--yes", "--json").stdout)
    assert erased["lead"] == exported["lead"][0]["id"]
    assert keyed("export", "anna@firm.dk").returncode == 2
    leads.write_text("email,first_name\nanna@firm.dk,Anna Maria\n")
    again = keyed("import", str(leads))
    assert (again.returncode, "1 rows rejected" in again.stdout) == (1, True)


def test_a_list_that_is_written_anew_counts_and_the_same_file_twice_does_not(
    keyed: Nurture, tmp_path: Path
) -> None:
    leads = tmp_path / "leads.csv"
    for said in ("no", "yes", "no"):
        leads.write_text(f"email,email_marketing\nanna@firm.dk,{said}\n")
        assert "1 rows taken, 0 known already" in keyed("import", str(leads)).stdout
    assert json.loads(keyed("export", "anna@firm.dk").stdout)["lead"][0]["consents"] == []
    assert "0 rows taken, 1 known already" in keyed("import", str(leads)).stdout


def test_a_dry_run_refuses_what_the_import_would_and_keeps_nothing(
    keyed: Nurture, tmp_path: Path
) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("email\nanna@firm.dk\ncy@firm.dk\n")
    keyed("import", str(leads))
    keyed("erase", "cy@firm.dk", "--yes")
    rows = ("bo@firm.dk,nonsense", "cy@firm.dk,", "anna@firm.dk,", "di@firm.dk,", "di@firm.dk,")
    leads.write_text("\n".join(("email,stage", *rows)))
    tried = keyed("import", str(leads), "--dry-run")
    assert "1 rows would make new leads, 2 are of leads known already" in tried.stdout
    assert keyed("export", "di@firm.dk").returncode == 2
    real = keyed("import", str(leads))
    assert (tried.returncode, real.returncode) == (1, 1)
    would, did = (tmp_path / f"leads.{name}.csv" for name in ("dry-run", "rejects"))
    assert sorted(line[:2] for line in did.read_text().splitlines()) == ["2,", "3,", "li"]
    assert would.read_bytes() == did.read_bytes()


def test_a_dry_run_leaves_a_stopped_import_its_rejected_rows(
    keyed: Nurture, tmp_path: Path
) -> None:
    leads, rejected = tmp_path / "leads.csv", tmp_path / "leads.rejects.csv"
    leads.write_text("email\nanna@firm.dk\n")
    rejected.write_text("those of the first part")
    assert keyed("import", str(leads), "--dry-run").returncode == 0
    assert rejected.read_text() == "those of the first part"


def test_what_became_usable_leaves_quarantine(keyed: Nurture, tmp_path: Path) -> None:
    good = json.dumps({"type": "track", "event": "Read", "anonymousId": "a", "messageId": "m"})
    token = good.replace('"m"', '"n"')
    [file] = tmp_path.rglob("nurture.db")
    with sqlite3.connect(file) as db:
        db.executemany(
            "INSERT INTO quarantine (source, reason, raw, at) VALUES (?, 'once', ?, '2026-01-01 12:00:00')",
            [("nurture-dev", good), ("nurture-dev", "{}"), ("form/x", "{}"), ("api", token)],
        )
    retried = keyed("quarantine", "retry")
    assert retried.stderr == ""
    assert retried.stdout == "2 messages taken, 1 rows still cannot be used\n"
    assert retried.returncode == 1
    assert len(json.loads(keyed("quarantine", "list", "--json").stdout)) == 2
    with sqlite3.connect(file) as db:
        when = db.execute("SELECT DISTINCT date(at) FROM touch").fetchall()
    assert when == [("2026-01-01",)], "it happened when it came, not when it was read again"


def test_a_person_in_the_honeypot_is_taken_by_the_rows_id_and_other_rows_say_why_not(
    keyed: Nurture, tmp_path: Path
) -> None:
    """Rows of a quarantine are tried one by one, or dropped; a form's as its answers came."""
    person = json.dumps(
        {"email": "anna@firm.dk", "newsletter": ["0", "on"], "website": "autofilled"}
    )
    rows = [
        ("form/course-guide", person),
        ("form/gone", person),
        ("feedback/ses", "{}"),
        ("nurture-dev", "{"),
    ]
    [file] = tmp_path.rglob("nurture.db")
    with sqlite3.connect(file) as db:
        db.executemany(
            "INSERT INTO quarantine (source, reason, raw, at) VALUES (?, 'once', ?, '2026-01-01 12:00:00')",
            rows,
        )
    retried = keyed("quarantine", "retry", "1", "2", "3", "4")
    assert retried.returncode == 1
    assert retried.stdout.splitlines() == [
        "1 messages taken, 3 rows still cannot be used",
        "2  form/gone: the playbook in force has no such form",
        "3  feedback/ses: no key has this name; whoever told it has to tell it again",
        "4  nurture-dev: is not JSON, or was too long to be kept whole",
    ]
    consents = json.loads(keyed("export", "anna@firm.dk").stdout)["consent"]
    assert [(said["purpose"], said["at"][:10]) for said in consents] == [
        ("email_marketing", "2026-01-01")
    ]
    assert keyed("quarantine", "drop", "2", "4").stdout == "2 rows dropped\n"
    left = keyed("quarantine", "retry")
    assert (left.returncode, left.stdout) == (0, "0 messages taken, 0 rows still cannot be used\n")


def test_a_lead_is_given_to_sales_by_hand(keyed: Nurture, tmp_path: Path) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("email,first_name\nanna@firm.dk,Anna\n")
    keyed("import", str(leads))
    given = keyed("handovers", "give", "anna@firm.dk", "--reason", "met at the fair", "--by", "Bo")
    shown = json.loads(keyed("handovers", "show", given.stdout.split()[-1]).stdout)
    assert (shown["reason"], shown["trigger"], shown["state"]) == ("met at the fair", "Bo", "open")
    unknown = keyed("handovers", "give", "nobody@firm.dk")
    assert (unknown.returncode, "nobody goes by that name" in unknown.stderr) == (2, True)


def test_an_audience_is_printed_as_hashes_and_nothing_else(keyed: Nurture, tmp_path: Path) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("email,first_name,phone,country\nSoren@firma.dk,Søren,20 12 34 56,DK\n")
    keyed("import", str(leads))
    lead = json.loads(keyed("export", "soren@firma.dk").stdout)["lead"][0]["id"]
    with sqlite3.connect(tmp_path / "data" / "nurture.db") as db:
        db.execute(
            "INSERT INTO audience_member (audience, lead_id, desired, confirmed, named, changed_at,"
            " next_try_at, attempts, error) VALUES ('hesitating-leads', ?, 1, 0, 0,"
            " '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', 0, '')",
            [lead],
        )
    assert keyed("audiences", "--csv", "hesitating-leads").stdout.splitlines() == [
        "email_sha256,phone_sha256",
        "9351ac21ba6358e2e243ee772dab300d810684098fe2e072000cf77ea98bf30b,"
        "be1c4e017f32a6ada65f06b76b4237927cec49433c4dc04c83d4a4313a06b6ef",
    ]
    unknown = keyed("audiences", "--csv", "nobody")
    assert (unknown.returncode, unknown.stdout) == (2, "")
