"""Pictures of figures as SVG, made here: no script, no style in them, colours by classes of the stylesheet.

Each says in words what it shows, or is left out of the reading where the same stands beside it as text.
"""

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT = 240, 56
_EDGE = 3


def bar(value: float, most: float, kind: str = "") -> Markup:
    """`value` of `most` as a horizontal bar. The number stands beside it."""
    width = _percent(value, most)
    return Markup(
        '<svg class="bar {}" width="100%" height="8" aria-hidden="true" focusable="false">'
        '<rect class="rail" width="100%" height="8" rx="4"/>'
        '<rect class="fill" width="{}%" height="8" rx="4"/></svg>'
    ).format(kind, width)


def promise(so_far: float, target: float, forecast: float | None, kept: bool) -> Markup:
    """How far a promise is kept, where it is heading, and a mark where it should end."""
    whole = max(so_far, target, forecast or 0, 1)
    return Markup(
        '<svg class="promise {}" width="100%" height="18" aria-hidden="true" focusable="false">'
        '<rect class="rail" y="5" width="100%" height="8" rx="4"/>'
        '<rect class="ahead" y="5" width="{}%" height="8" rx="4"/>'
        '<rect class="fill" y="5" width="{}%" height="8" rx="4"/>'
        '<rect class="mark" x="{}%" y="0" width="2" height="18" transform="translate(-2 0)"/></svg>'
    ).format(
        "kept" if kept else "behind",
        _percent(forecast if forecast is not None else so_far, whole),
        _percent(so_far, whole),
        _percent(target, whole),
    )


def trend(values: Sequence[float], title: str) -> Markup:
    """A line over equal stretches of time, the newest on the right. `title` says it in words."""
    top = max([*values, 1])
    step = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)
    points = [
        (
            round(_EDGE + n * step, 1),
            round(_HEIGHT - _EDGE - value / top * (_HEIGHT - 4 * _EDGE), 1),
        )
        for n, value in enumerate(values)
    ]
    line = " ".join(f"{x},{y}" for x, y in points)
    if not points:
        return Markup("")
    area = f"{points[0][0]},{_HEIGHT} {line} {points[-1][0]},{_HEIGHT}"
    return Markup(
        '<svg class="trend" viewBox="0 0 {} {}" role="img" aria-label="{}" focusable="false"><title>{}</title>'
        '<polygon class="area" points="{}"/><polyline class="line" points="{}"/>'
        '<circle class="dot" cx="{}" cy="{}" r="3"/></svg>'
    ).format(_WIDTH, _HEIGHT, title, title, area, line, *points[-1])


def _percent(value: float, most: float) -> float:
    return round(100 * min(max(value, 0) / most, 1), 2) if most else 0
