"""A back-test as tables, in 80 columns."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table

from commands.csv_rows import Reject
from nurture.domain.backtest import Cut, thinned

LINES = 12

LISTED = 5
"""So many lines of the list are named for each reason."""

NOISE = 0.0005
"""A smaller change of the AUC is none, at the three digits shown."""


def tables(told: Mapping[str, Any], cuts: Sequence[Cut]) -> RenderableType:
    return Group(_head(told), _thresholds(cuts), *_wish(told["per_month"]), _rules(told["rules"]))


def left_out(refused: Sequence[Reject]) -> Iterator[str]:
    """Which rows could not be used and why, a line for each reason, the most frequent first."""
    lines: dict[str, list[str]] = defaultdict(list)
    for each in refused:
        lines[each.reason].append(str(each.line))
    reasons = sorted(lines, key=lambda reason: -len(lines[reason]))
    for reason in reasons[:LINES]:
        where = ", ".join(lines[reason][:LISTED]) + (", ..." if len(lines[reason]) > LISTED else "")
        yield f"{_rows(len(lines[reason]))} not used (line {where}): {reason}"
    if rest := sum(len(lines[reason]) for reason in reasons[LINES:]):
        yield f"{_rows(rest)} not used for other reasons; --json tells all"


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"


def _head(told: Mapping[str, Any]) -> str:
    share = told["customers"] / told["leads"]
    lines = [
        f"{told['scoring']} on {told['leads']} leads ({told['part']}), {share:.1%} of them bought",
        f"AUC {told['auc']:.3f} (0.5: a coin toss; 1: every buyer has more points than all others)",
    ]
    if (before := told.get("before")) is not None:
        lines.append(f"the points it would replace: {before:.3f} on the same leads")
        lines.append("on a scale of its own: look again at grades and at conditions on a score")
    if yardstick := told["yardstick"]:
        if yardstick["auc"] is None:
            lines.append("yardstick: the leads that have it all have one outcome")
        else:
            lines.append(
                f"yardstick {yardstick['auc']:.3f}, ours {yardstick['ours']:.3f}"
                f" on the {yardstick['leads']} leads that have it"
            )
    else:
        lines.append("yardstick: none in this list")
    return "\n".join([*lines, ""])


def _thresholds(cuts: Sequence[Cut]) -> Table:
    table = Table(title="Leads with at least so many points", title_justify="left")
    for column in ("points", "leads", "bought", "precision", "recall", "lift"):
        table.add_column(column, justify="right")
    for cut in thinned(cuts, LINES):
        table.add_row(
            f"{cut.threshold:g}",
            str(cut.picked),
            str(cut.won),
            f"{cut.precision:.0%}",
            f"{cut.recall:.0%}",
            f"{cut.lift:.2f}",
        )
    return table


def _wish(wish: Mapping[str, Any] | None) -> list[str]:
    if wish is None:
        return []
    if wish["threshold"] is None:
        return [f"{wish['wanted']:g} leads a month: the list has not so many\n"]
    return [
        f"{wish['wanted']:g} leads a month: from {wish['threshold']:g} points, which gives"
        f" {wish['delivers']:.1f} a month, {wish['precision']:.0%} of whom buy\n"
    ]


def _rules(rules: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(
        title="Rules: what the AUC would lose without each", title_justify="left", min_width=78
    )
    for column in ("rule", "points", "leads", "bought", "AUC", ""):
        side: JustifyMethod = "left" if column in ("rule", "") else "right"
        table.add_column(column, justify=side, overflow="fold")
    for rule in rules:
        bought = "" if rule["bought"] is None else f"{rule['bought']:.0%}"
        points, leads = f"{rule['points']:+d}", str(rule["leads"])
        table.add_row(rule["rule"], points, leads, bought, _gain(rule), _word(rule))
    return table


def _gain(rule: Mapping[str, Any]) -> str:
    if not rule["judged"]:
        return ""
    return f"{rule['gain']:+.3f}" if abs(rule["gain"]) >= NOISE else "0"


def _word(rule: Mapping[str, Any]) -> str:
    if not rule["judged"]:
        return "not in this list"
    if not rule["leads"]:
        return "fits nobody"
    if abs(rule["gain"]) < NOISE:
        return "no matter"
    return "helps" if rule["gain"] > 0 else "hurts"
