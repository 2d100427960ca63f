"""Grades that no lead can reach, whatever it says and does."""

import math
from collections import defaultdict
from collections.abc import Iterator

from nurture.domain.errors import Finding
from nurture.playbook import schema
from nurture.playbook.findings import Problem
from nurture.playbook.reading import Reading


def remarks(reading: Reading) -> Iterator[Finding]:
    """A limit above all that the rules can give. Rules that exclude each other are added up all the same, so there may
    be more of them."""
    scoring: schema.Scoring | None = reading.model("scoring")
    if not scoring or not scoring.grades:
        return
    document, grades = reading.documents["config/scoring.yaml"], scoring.grades
    for part, limits, most in (
        ("fit", grades.fit, sum(rule.points for rule in scoring.fit.values() if rule.points > 0)),
        ("engagement", grades.engagement, _most_engagement(scoring)),
    ):
        for index, limit in enumerate(limits):
            if limit > most:
                problem = Problem(
                    f"no lead gets {limit} points here", f"the rules give {most:g} at most"
                )
                yield document.at(("grades", part, index), problem)


def _most_engagement(scoring: schema.Scoring) -> float:
    """Without a cap a rule gives as much as a lead does."""
    sums: dict[str | None, float] = defaultdict(float)
    for rule in scoring.engagement.values():
        if rule.points > 0:
            sums[rule.group] += math.inf if rule.cap is None else rule.cap
    return sum(min(most, scoring.groups.get(group or "", math.inf)) for group, most in sums.items())
