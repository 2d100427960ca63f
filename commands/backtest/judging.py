"""What a back-test finds, as one object: for `--json`, for the table and for the picture."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from commands.csv_rows import Reject
from nurture.domain.backtest import Case, Cut, auc, cuts, delivering, drop_one
from nurture.domain.errors import InputError
from nurture.domain.scoring import EngagementRule, FitRule, Scoring


@dataclass(frozen=True)
class Wish:
    """So many leads a month are wanted; the part that is judged covers `months`."""

    per_month: float
    months: float


@dataclass(frozen=True)
class Judgement:
    """`yardstick` and `yardstick_ours` are judged on the same leads: those that have both scores. So are the two lines
    of `compared`, which are empty where none of those bought."""

    leads: int
    customers: int
    auc: float
    cuts: Sequence[Cut]
    yardstick_leads: int
    yardstick_auc: float | None
    yardstick_ours: float | None
    compared: Sequence[Sequence[Cut]]
    rules: Sequence[Mapping[str, Any]]


def judge(
    cases: Sequence[Case], rules: Scoring, outcome: str, touches: Collection[str]
) -> Judgement:
    """`touches` names those that the list can tell of. Raises InputError when all leads have the same outcome."""
    won = [case.won for case in cases]
    totals = [case.total for case in cases]
    whole = auc(totals, won)
    if whole is None:
        alike = "nobody bought" if not any(won) else "everybody bought"
        raise InputError(f"of {len(cases)} leads {alike}: there is nothing to tell apart", outcome)
    both = [case for case in cases if case.yardstick is not None]
    theirs, bought = [case.yardstick or 0.0 for case in both], [case.won for case in both]
    ours = [case.total for case in both]
    return Judgement(
        leads=len(cases),
        customers=sum(won),
        auc=whole,
        cuts=cuts(totals, won),
        yardstick_leads=len(both),
        yardstick_auc=auc(theirs, bought),
        yardstick_ours=auc(ours, bought),
        compared=[cuts(theirs, bought), cuts(ours, bought)] if any(bought) else [],
        rules=_rules(cases, rules, touches),
    )


def _rules(cases: Sequence[Case], rules: Scoring, touches: Collection[str]) -> list[dict[str, Any]]:
    every: list[FitRule | EngagementRule] = [*rules.fit, *rules.engagement]
    by_id = {rule.id: rule for rule in every}
    return [
        {
            "rule": each.rule,
            "title": by_id[each.rule].title or each.rule,
            "points": by_id[each.rule].points,
            "judged": each.rule not in rules.rules or rules.rules[each.rule].touch in touches,
            "leads": each.leads,
            "bought": each.won / each.leads if each.leads else None,
            "gain": each.gain,
        }
        for each in drop_one(cases, rules)
    ]


def wished(found: Judgement, wish: Wish) -> dict[str, Any]:
    """The threshold that delivers so many leads a month, or None where even all leads are too few."""
    cut = delivering(found.cuts, wish.per_month * wish.months)
    told: dict[str, Any] = {"wanted": wish.per_month, "threshold": None}
    if cut:
        told |= {
            "threshold": cut.threshold,
            "delivers": cut.picked / wish.months,
            "customers": cut.won / wish.months,
            "precision": cut.precision,
        }
    return told


def as_json(
    found: Judgement, about: Mapping[str, Any], wish: Wish | None, refused: Sequence[Reject]
) -> dict[str, Any]:
    yardstick = {
        "leads": found.yardstick_leads,
        "auc": found.yardstick_auc,
        "ours": found.yardstick_ours,
    }
    return {
        **about,
        "leads": found.leads,
        "customers": found.customers,
        "auc": found.auc,
        "yardstick": yardstick if found.yardstick_leads else None,
        "per_month": wished(found, wish) if wish else None,
        "thresholds": [asdict(cut) for cut in found.cuts],
        "rules": list(found.rules),
        "rejected": dict(Counter(each.reason for each in refused)),
    }
