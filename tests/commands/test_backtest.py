import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nurture.domain.backtest import auc, held_out
from tests.support.command import Ended, Nurture
from tests.support.small import SCORING as SCORING_FILE
from tests.support.small import SMALL, STAGES, TRAITS, put

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SHIPPED = ("--leads", str(EXAMPLES / "education-leads.csv"), "--outcome", "Converted")
EDUCATION = (*SHIPPED, "--map", str(EXAMPLES / "education-map.yaml"))

SCORING = """\
fit:
  in-work: {points: 20, when: 'lead.occupation == "Working Professional"'}
  odd: {points: 5, when: 'lead.occupation == "Student"'}
engagement:
  asked: {points: 30, touch: demo_requested}
"""
MAP = """\
lead: No
after_outcome: [Notes]
yardstick: [Their score]
traits: {Job: occupation}
touches:
  - touch: demo_requested
    when: {Asked: ["yes"]}
"""
LEADS = """\
No,Job,Asked,Notes,Their score,Bought
1,Working Professional,yes,signed,3,yes
2,Working Professional,no,signed,1,yes
3,,no,,2,no
4,Student,no,,,no
"""


@pytest.fixture
def small(nurture: Nurture, tmp_path: Path) -> Nurture:
    """A back-test of four leads; further words and another text of a file may be given, or files of a small playbook
    in the place of the one that comes along."""

    def run(*words: str, book: Mapping[str, str] | None = None, **texts: str) -> Ended:
        files = {"scoring": SCORING, "map": MAP, **texts}
        for name in ("scoring", "map"):
            (tmp_path / f"{name}.yaml").write_text(files[name])
        (tmp_path / "leads.csv").write_text(texts.get("leads", LEADS))
        put(tmp_path, {**SMALL, **book} if book else {})
        env = {"NURTURE_PLAYBOOK_DIR": str(tmp_path)} if book else {}
        given = ("--scoring", "scoring.yaml", "--leads", "leads.csv", "--map", "map.yaml")
        return nurture("backtest", *given, "--outcome", "Bought", *words, **env)

    return run


def test_every_figure_of_four_leads(small: Nurture) -> None:
    ended = small("--json", "--per-month", "1", "--months", "2")
    assert ended.returncode == 0
    told = json.loads(ended.stdout)
    assert (told["leads"], told["customers"], told["auc"]) == (4, 2, 1.0)
    assert told["yardstick"] == {"leads": 3, "auc": 0.5, "ours": 1.0}
    assert [(cut["threshold"], cut["picked"], cut["won"]) for cut in told["thresholds"]] == [
        (50, 1, 1),
        (20, 2, 2),
        (5, 3, 2),
        (0, 4, 2),
    ]
    assert told["thresholds"][0]["lift"] == 2.0
    assert told["per_month"]["threshold"] == 20
    assert told["per_month"]["delivers"] == 1.0
    rules = {rule["rule"]: rule for rule in told["rules"]}
    assert rules["in-work"]["gain"] == pytest.approx(1 - 0.625)
    assert rules["asked"]["leads"] == 1
    assert rules["odd"]["gain"] == pytest.approx(0.0)


def test_the_table_says_what_helps_and_what_hurts(small: Nurture) -> None:
    worse = SCORING.replace("points: 5", "points: 90")
    said = small("--per-month", "9", "--months", "1", scoring=worse).stdout
    assert "4 leads (all of the list), 50.0% of them bought" in said
    assert "hurts" in said
    assert "helps" in said
    assert "the list has not so many" in said


@pytest.mark.parametrize(
    ("line", "place", "problem"),
    [
        ("traits: {Job: occupation, Notes: motivation}", ":4:27", "written after the outcome"),
        ("traits: {Bought: occupation}", ":4:10", "is the outcome itself"),
        ("traits: {Jobb: occupation}", ':4:10: there is no column "Jobb"', 'did you mean "Job"?'),
        ("traits: {Job: occupatoin}", ":4:15", 'did you mean "occupation"?'),
        ("trait: {Job: occupation}", ":4:1", 'did you mean "traits"?'),
    ],
)
def test_a_mapping_that_may_not_be_is_refused_at_its_place(
    small: Nurture, line: str, place: str, problem: str
) -> None:
    ended = small(map=MAP.replace("traits: {Job: occupation}", line))
    assert ended.returncode == 2
    assert f"map.yaml{place}" in ended.stderr
    assert problem in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(
    "touch",
    [
        '  - {touch: page, when: {Notes: ["signed"]}}',
        "  - {touch: page, times: [Notes]}",
        "  - {touch: page, numbers: {minutes: {column: Notes}}}",
    ],
)
def test_no_touch_is_read_from_what_sales_wrote_afterwards(small: Nurture, touch: str) -> None:
    ended = small(map=f"{MAP}{touch}\n")
    assert ended.returncode == 2
    assert "map.yaml:8" in ended.stderr
    assert '"Notes" was written after the outcome' in ended.stderr


def test_another_tools_score_must_not_be_the_outcome_either(small: Nurture) -> None:
    ended = small(map=MAP.replace("[Their score]", "[Notes]"))
    assert ended.returncode == 2
    assert "map.yaml:3:13" in ended.stderr


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            ("[Notes]", "[notes]"),
            'map.yaml:2:17: there is no column "notes"; did you mean "Notes"?'
            " (if not every list has it, name it under may_be_missing, too)\n",
        ),
        (
            ("[Notes]", "[Notes, Fax]"),
            'map.yaml:2:24: there is no column "Fax"; name it as the list does (if not every list',
        ),
        (
            ("[Their score]", "[Theirscore]"),
            'map.yaml:3:13: there is no column "Theirscore"; did you mean "Their score"?',
        ),
        (
            ("yardstick:", "may_be_missing: [Note]\nyardstick:"),
            'map.yaml:3:18: "Note" is named under neither after_outcome nor yardstick;'
            ' did you mean "Notes"?\n',
        ),
    ],
)
def test_a_misspelt_column_does_not_go_without_its_guard(
    small: Nurture, change: tuple[str, str], finding: str
) -> None:
    ended = small(map=MAP.replace(*change))
    assert ended.returncode == 2
    assert ended.stderr.removeprefix("nurture: ").startswith(finding)


def test_a_map_serves_lists_that_lack_what_may_be_missing(small: Nurture) -> None:
    text = f"{MAP}may_be_missing: [Notes, Their score]\n"
    assert small(map=text).returncode == 0
    rows = [line.split(",") for line in LEADS.splitlines()]
    shorter = "\n".join(",".join([*row[:3], row[5]]) for row in rows)
    ended = small(map=text, leads=shorter)
    assert ended.returncode == 0
    assert "yardstick: none in this list" in ended.stdout


@pytest.mark.parametrize("written", ["notes", "NOTES", "No tes"])
def test_the_guard_knows_a_column_in_any_spelling(small: Nurture, written: str) -> None:
    """The list may spell it otherwise than the mapping, which may come from another list."""
    ended = small(
        map=MAP.replace("Job: occupation", f"{written}: occupation") + "may_be_missing: [Notes]\n",
        leads=LEADS.replace("Notes", written),
    )
    assert ended.returncode == 2
    assert f'"{written}" was written after the outcome' in ended.stderr


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("""fit: {leak: {points: 9, when: 'lead.notes != ""'}}""", "scoring.yaml:1:31"),
        ("""fit: {leak: {points: 9, when: 'lead.bought == "yes"'}}""", "scoring.yaml:1:31"),
        (
            "engagement: {leak: {points: 9, touch: page, where: {notes: signed}}}",
            "scoring.yaml:1:53",
        ),
    ],
)
def test_a_rule_that_reads_what_sales_wrote_afterwards_is_refused(
    small: Nurture, rule: str, place: str
) -> None:
    ended = small(scoring=rule)
    assert ended.returncode == 2
    assert place in ended.stderr
    assert "outcome" in ended.stderr


def test_a_mistake_in_the_scoring_file_is_named_by_that_file(small: Nurture) -> None:
    ended = small(scoring="fit: {a: {points: lots, when: 'lead.occupation != \"\"'}}")
    assert ended.returncode == 2
    assert ended.stderr.startswith("nurture: scoring.yaml:1:")


def test_a_list_that_says_too_little_gives_no_points(small: Nurture) -> None:
    def of(*bought: str) -> str:
        rows = [f"{n},,no,,,{answer}" for n, answer in enumerate(bought)]
        return "\n".join([LEADS.partition("\n")[0], *rows])

    ended = small("--suggest", "new.yaml", leads=of(*["yes", "no"] * 30))
    assert ended.stderr == "nurture: leads.csv: 42 leads say too little to fit points to\n"
    unseen = ["no" if held_out(str(n), 0.3, 2026) and n % 2 else "yes" for n in range(60)]
    ended = small("--suggest", "new.yaml", leads=of(*unseen))
    assert ended.stderr == "nurture: Bought: the 42 leads to learn from have one outcome\n"


def test_rows_that_cannot_be_used_are_counted_and_end_with_1(small: Nurture) -> None:
    ended = small("--json", leads=f"{LEADS}5,,no,,many,no\n6,,no,,,perhaps\n7,,no\n")
    assert ended.returncode == 1
    told = json.loads(ended.stdout)
    assert told["leads"] == 4
    assert sorted(told["rejected"]) == [
        "3 columns instead of 6",
        "Bought: must be yes or no, not 'perhaps'",
        "Their score: must be a number from 0, not 'many'",
    ]


DANISH = """\
No;Visits;Employees;Score;Note;Bought
1;2,0;12,5;1,5;1,5;yes
2;1;3;0,5;2;no
3;;;;;no
"""
NUMBERS = """\
lead: No
yardstick: [Score]
traits: {Employees: employees, Note: country}
touches:
  - {touch: demo_requested, times: [Visits]}
"""
RULES = """\
fit:
  large: {points: 20, when: 'lead.employees >= 12.5'}
  as-written: {points: 5, when: 'lead.country == "1,5"'}
engagement:
  asked: {points: 30, touch: demo_requested}
"""


def test_a_list_with_semicolons_may_have_decimal_commas(small: Nurture) -> None:
    book = {TRAITS: "country: text\nemployees: number\n"}
    ended = small("--json", book=book, scoring=RULES, map=NUMBERS, leads=DANISH)
    assert ended.returncode == 0
    told = json.loads(ended.stdout)
    assert told["leads"] == 3
    assert [cut["threshold"] for cut in told["thresholds"]] == [85, 30, 0]
    assert told["yardstick"]["leads"] == 2


def test_rows_that_cannot_be_used_are_told_before_anything_else(small: Nurture) -> None:
    """They may be why the rest has one outcome, or why there is no rest."""
    rows = [f"{n},,no,,{n}|5,yes" for n in range(5, 21)]
    alike = "\n".join([LEADS.partition("\n")[0], *rows, *["21,,no,,many,yes"] * 7, "22,,no,,1,no"])
    said = small(leads=alike).stderr.splitlines()
    assert said[:2] == [
        "7 rows not used (line 18, 19, 20, 21, 22, ...): "
        "Their score: must be a number from 0, not 'many'",
        "1 row not used (line 2): Their score: must be a number from 0, not '5|5'",
    ]
    assert said[-2:] == [
        "5 rows not used for other reasons; --json tells all",
        "nurture: Bought: of 1 leads nobody bought: there is nothing to tell apart",
    ]
    none = small(leads="\n".join(alike.splitlines()[:3])).stderr
    assert none.endswith(
        "no row can be used; line 2: Their score: must be a number from 0, not '5|5'\n"
    )


def test_a_number_beyond_all_counting_costs_its_row_only(small: Nurture) -> None:
    times = "  - {touch: page, times: [Visits, Pages]}\n"
    head, *rows = LEADS.splitlines()
    told = [f"{head},Visits,Pages", *(f"{row},2,3" for row in rows)]
    ended = small("--json", map=MAP + times, leads="\n".join([*told, "5,,no,,,no,1e200,1e200"]))
    assert (ended.returncode, json.loads(ended.stdout)["leads"]) == (1, 4)
    assert json.loads(ended.stdout)["rejected"] == {
        "Visits: '1e200' is too large to be counted with": 1
    }


@pytest.mark.parametrize(
    ("words", "texts", "sentence"),
    [
        ((), {"leads": LEADS.replace(",yes\n", ",no\n")}, "of 4 leads nobody bought"),
        ((), {"leads": LEADS.partition("\n")[0]}, "leads.csv: no row can be used"),
        (("--per-month", "3"), {}, "--per-month: needs --months"),
        (("--picture", "curve.png"), {}, "end its name in .svg"),
        (("--suggest", "new.yaml"), {}, "there is nothing to tell apart"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    small: Nurture, words: tuple[str, ...], texts: dict[str, str], sentence: str
) -> None:
    ended = small(*words, **texts)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_shipped_points_beat_the_companys_own_on_leads_held_out(nurture: Nurture) -> None:
    scoring = str(EXAMPLES / "education-scoring.yaml")
    ended = nurture("backtest", *EDUCATION, "--scoring", scoring, "--held-out", "--json")
    assert ended.returncode == 0
    told = json.loads(ended.stdout)
    assert told["leads"] == 141
    assert told["auc"] > 0.8
    assert told["yardstick"]["ours"] > told["yardstick"]["auc"]
    assert all(rule["leads"] for rule in told["rules"])


def test_suggested_points_compile_and_are_judged_on_leads_they_never_saw(
    nurture: Nurture, tmp_path: Path
) -> None:
    ended = nurture("backtest", *EDUCATION, "--suggest", "mine.yaml", "--json")
    assert ended.returncode == 0
    told = json.loads(ended.stdout)
    assert (told["leads"], told["part"]) == (141, "30% held out by seed 2026")
    assert told["auc"] > 0.7
    text = (tmp_path / "mine.yaml").read_text()
    assert "359 leads of education-leads.csv" in text
    assert "leads, " in text.partition("fit:")[2]
    for unwanted in ("country", "city", "Housewife"):
        assert unwanted not in text

    again = nurture("backtest", *EDUCATION, "--scoring", "mine.yaml", "--held-out", "--json")
    assert json.loads(again.stdout)["auc"] == told["auc"]

    over = nurture("backtest", *EDUCATION, "--suggest", "mine.yaml")
    assert over.returncode == 2
    assert "mine.yaml: is there already; name another file, or remove it" in over.stderr
    assert (tmp_path / "mine.yaml").read_text() == text


GRADED = {
    TRAITS: "country: text\noccupation: text\n",
    STAGES: "lead: {title: Lead}\n"
    """sql: {title: SQL, when: 'stage == "lead" && score.grade == "A1"'}\n"""
    "customer: {title: Customer}\n",
}
GRADES = "grades: {fit: [40, 20, 10], engagement: [30, 20, -10]}\n"


def test_suggested_points_keep_the_grades_that_stages_ask_for(
    small: Nurture, nurture: Nurture, tmp_path: Path
) -> None:
    rows = [f"{n},Pilot,no,,,{'no' if n % 4 else 'yes'}" for n in range(200)]
    rows += [f"{n},Poet,no,,,{'yes' if n % 4 else 'no'}" for n in range(200, 400)]
    leads = "\n".join([LEADS.partition("\n")[0], *rows])
    ended = small("--suggest", "mine.yaml", book=GRADED, scoring=GRADES + SCORING, leads=leads)
    assert ended.returncode == 0
    written = (tmp_path / "mine.yaml").read_text()
    assert "scale of their own" in written
    assert "look again at grades and at conditions on a score" in ended.stdout
    assert "grades:\n  fit: [40, 20, 10]\n  engagement: [30, 20, -10]\n" in written
    (tmp_path / SCORING_FILE).write_text(written)
    assert nurture("check", NURTURE_PLAYBOOK_DIR=str(tmp_path)).returncode == 0


def test_points_without_the_grades_that_stages_ask_for_are_not_tried(small: Nurture) -> None:
    ended = small(book=GRADED)
    assert ended.returncode == 2
    assert ended.stderr == (
        "nurture: config/stages.yaml:2:45: no lead gets a grade; add grades to scoring.yaml\n"
    )


def test_the_picture_is_an_svg_that_says_what_it_shows(nurture: Nurture, tmp_path: Path) -> None:
    assert nurture("backtest", *EDUCATION, "--picture", "curve.svg").returncode == 0
    drawn = ElementTree.parse(tmp_path / "curve.svg").getroot()
    words = [str(each.text) for each in drawn.iter() if each.text]
    assert any("AUC 0." in word for word in words)
    assert any("20 % of leads with most points hold" in word for word in words)
    assert {"our points", "yardstick, where known", "our points on the same leads"} <= set(words)


def test_a_rule_for_a_touch_that_the_list_knows_nothing_of_is_not_judged(small: Nurture) -> None:
    unknown = SCORING + "  watched: {points: 9, touch: video_played}\n"
    never = unknown + "  odd-demo: {points: 9, touch: demo_requested, where: {form: odd}}\n"
    rows = {
        line.split()[1]: line for line in small(scoring=never).stdout.splitlines() if "+9" in line
    }
    assert "not in this list" in rows["watched"]
    assert "fits nobody" in rows["odd-demo"]
    told = json.loads(small("--json", scoring=never).stdout)["rules"]
    assert [rule["rule"] for rule in told if not rule["judged"]] == ["watched"]


def test_all_thresholds_together_give_the_area_back(nurture: Nurture) -> None:
    """The published thresholds describe the same order of leads as the published AUC."""
    told = json.loads(nurture("backtest", *EDUCATION, "--json").stdout)
    scores: list[float] = []
    won: list[bool] = []
    picked = bought = 0
    for cut in told["thresholds"]:
        more, wins = cut["picked"] - picked, cut["won"] - bought
        scores += [cut["threshold"]] * more
        won += [True] * wins + [False] * (more - wins)
        picked, bought = cut["picked"], cut["won"]
    assert auc(scores, won) == pytest.approx(told["auc"])
