"""Where the boxes of a graph without cycles go: rows from top to bottom, few crossings, no overlaps.

Every arrow leads down. One that passes rows gets an invisible place in each of them, so that it goes
around boxes; the order in a row follows the neighbours' (Sugiyama's method).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_SWEEPS = 12


@dataclass(frozen=True)
class Layout:
    """Row and column of each place; columns are fractions. `routes`: the places each arrow passes."""

    rows: Mapping[str, int]
    columns: Mapping[str, float]
    routes: Sequence[tuple[str, ...]]


def layout(ids: Sequence[str], arrows: Sequence[tuple[str, str]]) -> Layout:
    """`ids` in the order in which they should be read."""
    rows = _rows(ids, arrows)
    routes = [_route(number, arrow, rows) for number, arrow in enumerate(arrows)]
    before: defaultdict[str, list[str]] = defaultdict(list)
    after: defaultdict[str, list[str]] = defaultdict(list)
    for route in routes:
        for upper, lower in pairwise(route):
            after[upper].append(lower)
            before[lower].append(upper)
    grid: list[list[str]] = [[] for _ in range(1 + max(rows.values(), default=0))]
    for place in _as_read(ids, after):
        grid[rows[place]].append(place)
    for sweep in range(_SWEEPS):
        _sort(grid if sweep % 2 == 0 else grid[::-1], before if sweep % 2 == 0 else after)
    return Layout(rows, _columns(grid, before, after), routes)


def _rows(ids: Sequence[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Each box below all that lead to it."""
    rows = dict.fromkeys(ids, 0)
    for _ in ids:
        moved = False
        for source, target in arrows:
            if rows[target] <= rows[source]:
                rows[target], moved = rows[source] + 1, True
        if not moved:
            break
    return rows


def _route(number: int, arrow: tuple[str, str], rows: dict[str, int]) -> tuple[str, ...]:
    source, target = arrow
    between = []
    for row in range(rows[source] + 1, rows[target]):
        place = f"arrow:{number}:{row}"
        rows[place] = row
        between.append(place)
    return (source, *between, target)


def _as_read(ids: Sequence[str], after: Mapping[str, list[str]]) -> list[str]:
    """Depth first: what hangs together stands together."""
    found: dict[str, None] = {}
    left = list(reversed(ids))
    while left:
        place = left.pop()
        if place not in found:
            found[place] = None
            left += reversed(after.get(place, []))
    return list(found)


def _sort(grid: Sequence[list[str]], neighbours: Mapping[str, list[str]]) -> None:
    """Order each row by where the neighbours in the row before stand."""
    for previous, row in pairwise(grid):
        at = {place: index for index, place in enumerate(previous)}
        own = {place: index for index, place in enumerate(row)}

        def middle(place: str, at: dict[str, int] = at, own: dict[str, int] = own) -> float:
            seen = [at[other] for other in neighbours.get(place, []) if other in at]
            return sum(seen) / len(seen) if seen else own[place]

        row.sort(key=middle)


def _columns(
    grid: Sequence[list[str]],
    before: Mapping[str, list[str]],
    after: Mapping[str, list[str]],
) -> dict[str, float]:
    """Draw each place to the middle of its neighbours, at least one column from the next one."""
    columns = {place: float(index) for row in grid for index, place in enumerate(row)}
    for sweep in range(2 * _SWEEPS):
        for row in grid if sweep % 2 == 0 else grid[::-1]:
            wanted = []
            for place in row:
                near = (before if sweep % 2 == 0 else after).get(place) or [place]
                wanted.append(sum(columns[other] for other in near) / len(near))
            for place, column in zip(row, _spread(wanted), strict=True):
                columns[place] = column
    left = min(columns.values(), default=0)
    return {place: column - left for place, column in columns.items()}


def _spread(wanted: Sequence[float]) -> list[float]:
    """The columns nearest to the wanted ones that keep the order and a distance of one.

    Neighbours that are too close become a block, which stands where its members on average want to be.
    """
    blocks: list[list[float]] = []  # each: sum of wishes for its first member, members
    for index, wish in enumerate(wanted):
        blocks.append([wish - index, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, members = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += members
    starts = [total / members for total, members in blocks for _ in range(int(members))]
    return [start + index for index, start in enumerate(starts)]
