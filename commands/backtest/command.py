"""`nurture backtest`: would these points have found the leads that bought?"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from commands.backtest import drawing, judging, suggesting, verdict
from commands.backtest.judging import Judgement, Wish
from commands.backtest.past import Past
from commands.backtest.past_list import PastList, Split, cases, open_list
from commands.backtest.past_map import text_of
from commands.backtest.trial import SCORING
from nurture import settings
from nurture.domain.errors import InputError, StartError
from nurture.playbook import Playbook
from nurture.playbook.source import read_files


def backtest(
    leads: Annotated[Path, typer.Option(help="A CSV file of past leads, one a row.")],
    outcome: Annotated[str, typer.Option(help="The column that says who bought: yes/no or 1/0.")],
    map_file: Annotated[
        Path, typer.Option("--map", help="YAML: which columns are traits and touches.")
    ],
    scoring: Annotated[
        Path | None, typer.Option(help="The scoring file to try. Default: config/scoring.yaml")
    ] = None,
    per_month: Annotated[
        float | None,
        typer.Option(
            min=0.01, metavar="<number>", help="Find the threshold for so many leads a month."
        ),
    ] = None,
    months: Annotated[
        float | None,
        typer.Option(min=0.01, metavar="<number>", help="How many months the list covers."),
    ] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Judge only the leads that --suggest does not see.")
    ] = False,
    share: Annotated[
        int, typer.Option(min=1, max=90, metavar="<per cent>", help="How many leads are held out.")
    ] = 30,
    seed: Annotated[int, typer.Option(help="Which leads are held out.")] = 2026,
    suggest: Annotated[
        Path | None, typer.Option(help="Fit points to the outcomes and write this scoring file.")
    ] = None,
    picture_file: Annotated[
        Path | None, typer.Option("--picture", help="Draw the result into this SVG file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try the points of a playbook on past leads whose outcome is known.

    Tells how well they tell buyers from others, what each threshold would pick, and which rules help or
    hurt. Needs files only, no database. Exits with 1 when rows could not be used."""
    _sensible(per_month, months, picture_file)
    found = open_list(read_files(settings.load().playbook_dir), leads, map_file, outcome)
    for line in verdict.left_out(found.refused):  # first: it may be why nothing can be judged
        typer.echo(line, err=True)
    split = Split(share / 100, seed) if suggest or held_out else None
    judgement, about = _judge(found, scoring, suggest, split)
    covered = (months or 0) * judgement.leads / len(found.pasts)
    wish = Wish(per_month, covered) if per_month else None
    told = judging.as_json(judgement, about, wish, found.refused)
    _print(told, judgement, as_json)
    if picture_file:
        title = f"{about['scoring']}, {about['part']}: AUC {judgement.auc:.3f}"
        _draw(picture_file, title, judgement)
    if found.refused:
        raise typer.Exit(1)


def _judge(
    found: PastList, scoring: Path | None, suggest: Path | None, split: Split | None
) -> tuple[Judgement, dict[str, Any]]:
    """How the points do on the leads held out (all, without a split), and which points on which leads."""
    name = str(scoring or SCORING)
    playbook = found.playbook(text_of(scoring) if scoring else found.files.get(SCORING, ""), name)
    pasts = split.parts(found.pasts)[1] if split else found.pasts
    judgement = _judged(found, playbook, pasts)
    about: dict[str, Any] = {"scoring": name, "part": str(split or "all of the list")}
    if suggest and split:
        written = suggesting.suggestion(found, split, playbook)
        playbook = found.playbook(written, str(suggest))
        suggesting.save(suggest, written)
        about |= {"scoring": str(suggest), "before": judgement.auc}
        judgement = _judged(found, playbook, pasts)
    return judgement, about


def _judged(found: PastList, playbook: Playbook, pasts: Sequence[Past]) -> Judgement:
    touches = {each.touch for each in found.map.touches}
    return judging.judge(cases(playbook, pasts), playbook.scoring, found.outcome, touches)


def _sensible(per_month: float | None, months: float | None, picture_file: Path | None) -> None:
    """Before anything is read or written."""
    if per_month and not months:
        raise InputError("needs --months: how many months the list covers", "--per-month")
    if picture_file and picture_file.suffix.lower() != ".svg":
        raise InputError("the picture is an SVG: end its name in .svg", str(picture_file))


def _print(told: dict[str, Any], judgement: Judgement, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    Console(highlight=False).print(verdict.tables(told, judgement.cuts))


def _draw(path: Path, title: str, judgement: Judgement) -> None:
    drawn = drawing.svg(title, judgement.cuts, judgement.compared)
    try:
        path.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise StartError(f"{path}: cannot be written: {error.strerror}") from error
