"""What flows and their steps were called, from one playbook in force to the next.

A name says nothing by itself: it may have been another's before. So flows and steps keep what they were first called,
their `origin`, of which no two that live have the same, and the names that still lead to them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from nurture.domain.steps import End, Flow

Flows = Mapping[str, Flow]


def forebears(old: Flows, new: Flows) -> dict[str, list[str]]:
    """By each flow's name now: the flows that became it. The first one's runs go on in it, others' join them."""
    found: dict[str, list[str]] = {name: [] for name in new}
    for name in sorted(old, key=lambda name: (name not in new, name)):
        if now := _now(old, new, name):
            found[now].append(name)
    return found


def _now(old: Flows, new: Flows, name: str) -> str | None:
    """What the flow is called one version later; also when a renaming is taken back, unless the name that it had is
    given to another."""
    if name in new:
        return name
    if renamed := next((now for now, flow in new.items() if name in flow.formerly), None):
        return renamed
    free = (was for was in old[name].formerly if was in new and was not in old)
    back = sorted(was for was in free if old.keys().isdisjoint(new[was].formerly))
    return old[name].root if old[name].root in back else next(iter(back), None)


def successor(old: Flow, new: Flow, step: str) -> str | None:
    """The same step one version later, by names alone; also when a renaming is taken back."""
    if (now := new.was.get(step)) in new.steps:
        return now
    if step in new.steps:
        return step
    free = (was for was, now in old.was.items() if now == step and was in new.steps)
    back = [was for was in free if old.steps.keys().isdisjoint(new.names_of(was))]
    return old.root_of(step) if old.root_of(step) in back else next(iter(back), None)


def succeeding(old: Flows, new: Flows) -> dict[str, Flow]:
    """The flows of `new`, put in force after `old`, with all that is known of their names."""
    lines = forebears(old, new)
    going_on = [old[names[0]] for names in lines.values() if names]
    taken = {name for flow in going_on for name in (flow.root, *flow.formerly)}
    taken |= {root for flow in old.values() for root in flow.merged}
    taken |= {was for flow in new.values() for was in flow.formerly}
    return {
        name: _heir([old[before] for before in lines[name]], flow, taken, new)
        for name, flow in new.items()
    }


def _heir(before: list[Flow], flow: Flow, taken: set[str], among: Collection[str]) -> Flow:
    formerly = {*flow.formerly, *(name for old in before for name in (old.id, *old.formerly))}
    origin = before[0].root if before else _fresh(flow.id, taken)
    merged = {*(old.root for old in before[1:]), *(root for old in before for root in old.merged)}
    names = frozenset(formerly.difference(among))
    known = replace(flow, origin=origin, formerly=names, merged=frozenset(merged))
    return _with_steps(before, known) if before else known


def _with_steps(before: list[Flow], flow: Flow) -> Flow:
    """Of steps that became one, the first is it, or the one that has its name. Of one that is gone its names are kept:
    it may be put back."""
    was = dict(flow.was)
    for old in before:
        moved = _moved(old, flow)
        earlier = {name: moved.get(step, step) for name, step in old.was.items()}
        was = {**earlier, **moved, **was}
    names = {name: step for name, step in was.items() if name not in flow.steps}
    return replace(flow, was=names, origins=_origins(before[0], flow))


def _origins(first: Flow, flow: Flow) -> dict[str, str]:
    moved = _moved(first, flow)
    came = {now: first.root_of(step) for step, now in reversed(moved.items())}
    came |= {step: first.root_of(step) for step in flow.steps if step in first.steps}
    taken = set(came.values())
    roots = {step: came.get(step) or _fresh(step, taken) for step in flow.steps}
    gone = {step: root for step, root in first.origins.items() if step not in moved}
    return {step: root for step, root in (gone | roots).items() if root != step}


def _moved(old: Flow, new: Flow) -> dict[str, str]:
    gone = sorted(set(old.was.values()).difference(old.steps))
    return {step: now for step in (*old.steps, *gone) if (now := successor(old, new, step))}


def _fresh(name: str, taken: Collection[str]) -> str:
    """What something new goes by: its name, unless that leads to another already."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}~{number}"
    return found


def in_force(then: Flows, flows: Flows, name: str) -> Flow | None:
    """The flow in `flows`, which are in force, of a run that goes by `name` and stands in the version `then`.

    Runs are renamed with their flow; one that was left behind still goes by its name in its own version."""
    here, own = flows.get(name), then.get(name)
    if here and (own is None or _of_root(then, here.root)):
        return here
    if own is None:
        return _by_names(flows, name, ())
    if found := _of_root(flows, own.root):
        return found
    if here and here.revision == own.revision:  # merged, and that was taken back
        return here
    joined = next((flow for flow in flows.values() if own.root in flow.merged), None)
    # An earlier release kept no roots; what is known to have another one was never this flow:
    maybe = {id: flow for id, flow in flows.items() if flow.root == id or name in flow.formerly}
    return joined or _by_names(maybe, name, own.formerly)


def back_then(then: Flows, flow: Flow, name: str) -> Flow | None:
    """The same run's flow in its own version."""
    own = then.get(name)
    if own and flow.id != name:
        return own
    return _of_root(then, flow.root) or own or _by_names(then, name, flow.formerly)


def _of_root(flows: Flows, root: str) -> Flow | None:
    return next((flow for flow in flows.values() if flow.root == root), None)


def _by_names(flows: Flows, name: str, others: Iterable[str]) -> Flow | None:
    found = next((flows[each] for each in (name, *sorted(others)) if each in flows), None)
    return found or next((flow for flow in flows.values() if name in flow.formerly), None)


def told(flows: Flows) -> dict[str, Any]:
    """What no text of these flows says about their names, for `knowing`; nothing where nobody renamed anything."""
    return {
        name: {
            "origin": flow.root,
            "formerly": sorted(flow.formerly),
            "merged": sorted(flow.merged),
            "origins": dict(flow.origins),
            "was": dict(flow.was),
        }
        for name, flow in flows.items()
        if flow.root != name or flow.formerly or flow.merged or flow.origins or flow.was
    }


def knowing(flows: Flows, told: Mapping[str, Any]) -> dict[str, Flow]:
    """The flows with what was told of their names."""
    return {name: _knowing(flow, told.get(name), flows) for name, flow in flows.items()}


def unread(told: Mapping[str, Any], flows: Flows) -> dict[str, Flow]:
    """The flows before these, of which nobody can read more than what was `told` of their names; in all else they
    were as these are."""
    before = {name: _unread(name, its, flows) for name, its in told.items()}
    gone = {was for its in told.values() for was in its["formerly"]}
    return {name: flow for name, flow in flows.items() if name not in gone} | before


def _unread(name: str, told: Mapping[str, Any], flows: Flows) -> Flow:
    later = (name, told["origin"], *told["formerly"])
    flow = next((flows[each] for each in later if each in flows), None)
    steps = {*told["origins"], *told["was"].values(), *(flow.steps if flow else ())}
    plain = Flow(name, name, {step: End() for step in sorted(steps - told["was"].keys())}, None)
    return _knowing(plain, told, {name})


def _knowing(flow: Flow, told: Mapping[str, Any] | None, among: Collection[str]) -> Flow:
    if told is None:
        return flow
    return replace(
        flow,
        origin=told["origin"],
        formerly=frozenset(told["formerly"]).difference(among),
        merged=frozenset(told["merged"]),
        origins=told["origins"],
        was={**flow.was, **told["was"]},  # an earlier release read less in the files
    )
