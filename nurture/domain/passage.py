"""How many leads came through each step of a flow, from where they are now and where they ended.

Nothing is kept of a run's way but its present place. What went along each arrow follows from that, as far as it
does: at every step as many arrive as stand there, left there or went on.
"""

from collections.abc import Mapping, Sequence

Edge = tuple[str, str]


def passages(
    edges: Sequence[Edge],
    start: str,
    total: int,
    here: Mapping[str, int],
    known: Mapping[Edge, int],
    out: Mapping[str, int],
) -> dict[str, int | None]:
    """By place, how many went on from it; None where that cannot be told.

    `total` came to `start`. `here` stand at a place or left the flow there. `known`: what went along some
    arrows; `out`: what went on from some places, such as those that send mails.
    """
    flows: dict[Edge, int] = dict(known)
    places = {place for edge in edges for place in edge}
    ways: list[tuple[list[Edge], list[Edge], int]] = []  # arrows in, arrows out, what stays
    for place in places:
        into = [edge for edge in edges if edge[1] == place]
        onward = [edge for edge in edges if edge[0] == place]
        if place == start:
            ways.append(([], onward, -total))
        elif onward:
            ways.append((into, onward, here.get(place, 0)))
        if place in out and onward:
            ways.append(([], onward, -out[place]))
    _solve(ways, flows)
    return {place: _went_on(place, edges, here, flows) for place in places}


def _went_on(
    place: str, edges: Sequence[Edge], here: Mapping[str, int], flows: Mapping[Edge, int]
) -> int | None:
    """What left by all its arrows, or what came and did not stay; None where neither is known."""
    onward = [edge for edge in edges if edge[0] == place]
    into = [edge for edge in edges if edge[1] == place]
    if not onward:
        return None
    if all(edge in flows for edge in onward):
        return sum(flows[edge] for edge in onward)
    if not into or any(edge not in flows for edge in into):
        return None
    rest = sum(flows[edge] for edge in into) - here.get(place, 0)
    return rest if rest >= 0 else None


def _solve(ways: list[tuple[list[Edge], list[Edge], int]], flows: dict[Edge, int]) -> None:
    """As long as some balance tells more: its one unknown arrow is what the others leave, and where nothing
    is left every unknown arrow is empty."""
    settled = True
    while settled:
        settled = False
        for into, onward, stays in ways:
            unknown = [edge for edge in (*into, *onward) if edge not in flows]
            one_side = set(unknown) <= set(into) or set(unknown) <= set(onward)
            if not unknown or not one_side:
                continue
            rest = sum(flows.get(e, 0) for e in into) - sum(flows.get(e, 0) for e in onward) - stays
            value = rest if unknown[0] in onward else -rest
            # Edits under way move leads past steps: below nothing, nothing follows.
            if value == 0 or (len(unknown) == 1 and value > 0):
                flows.update(dict.fromkeys(unknown, value))
                settled = True
