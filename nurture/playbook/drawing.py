"""A graph as SVG, drawn by hand: a file that every browser and wiki shows."""

from collections.abc import Sequence
from html import escape
from textwrap import wrap

from nurture.playbook.graph import Arrow, Box, Graph, counted
from nurture.playbook.layout import Layout, layout

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN, TOP = 196, 70, 232, 128, 24, 64
LETTERS, LINES = 30, 3
INK, FAINT, PAPER = "#22272b", "#6a737b", "#ffffff"
FILLS = {
    "start": "#e8ecef",
    "mail": "#dbeafe",
    "wait": "#f5f1e4",
    "choice": "#ede4f7",
    "act": "#dff3e6",
    "end": "#e8ecef",
}
ROUND = {"start": 30, "end": 30, "wait": 16, "choice": 2, "mail": 6, "act": 6}


_THEME = {
    INK: "--ink",
    FAINT: "--quiet",
    PAPER: "--card",
    "#dbeafe": "--draw-mail",
    "#f5f1e4": "--draw-wait",
    "#ede4f7": "--draw-choice",
    "#dff3e6": "--draw-act",
    "#e8ecef": "--draw-end",
}


def svg(drawn: Graph, themed: bool = False) -> str:
    """The boxes from top to bottom, with a short text on each arrow that has a condition. `themed`: in the
    colours of the page it stands in, by day and by night, and below that page's title."""
    text = _drawn(drawn, not themed)
    for colour, name in _THEME.items() if themed else ():
        text = text.replace(f'"{colour}"', f'"var({name})"')
    return text


def _drawn(drawn: Graph, titled: bool) -> str:
    pairs = [(arrow.source, arrow.target) for arrow in drawn.arrows]
    places = layout([box.id for box in drawn.boxes], pairs)
    width = round(max(places.columns.values()) * ACROSS + WIDTH + 2 * MARGIN)
    height = max(places.rows.values()) * DOWN + HEIGHT + TOP + MARGIN
    above = 0 if titled else TOP - MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {above} {width} {height - above}"'
        f' width="{width}" height="{height - above}" role="img" font-family="system-ui, sans-serif" font-size="12"'
        f' fill="{INK}">',
        f"<title>{escape(drawn.title)}</title>",
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
    ]
    if titled:
        parts.append(
            f'<text x="{MARGIN}" y="34" font-size="17" font-weight="600">{escape(drawn.title)}</text>'
        )
    routes = list(zip(drawn.arrows, places.routes, strict=True))
    parts += [_line(places, route) for _, route in routes]
    parts += [part for box in drawn.boxes for part in _box(box, *_at(places, box.id))]
    parts += [part for arrow, route in routes for part in _label(places, arrow, route)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _at(places: Layout, place: str) -> tuple[float, float]:
    """The upper middle of the box."""
    x = MARGIN + WIDTH / 2 + places.columns[place] * ACROSS
    return round(x, 1), TOP + places.rows[place] * DOWN


def _box(box: Box, x: float, y: float) -> list[str]:
    lines = _lines(box.words)
    told = [box.note] if box.note else []
    told += [] if box.count is None else [counted(box.count)]
    top = y + HEIGHT / 2 + 4 - 7.5 * (len(lines) + len(told) - 1)
    parts = [
        f"<g><title>{escape(box.words)}</title>",
        f'<rect x="{x - WIDTH / 2}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="{ROUND[box.kind]}"'
        f' fill="{FILLS[box.kind]}" stroke="{FAINT}" stroke-width="1"/>',
    ]
    for number, line in enumerate(lines):
        parts.append(_text(x, top + 15 * number, line))
    for line in told:
        parts.append(_text(x, top + 15 * len(lines), line, 'font-weight="600"'))
    return [*parts, "</g>"]


def _line(places: Layout, route: Sequence[str]) -> str:
    """Down from box to box; straight through the rows it only passes."""
    x, y = _at(places, route[0])
    y += HEIGHT
    path = [f"M{x},{y}"]
    for place in route[1:]:
        to, row = _at(places, place)
        bend = (row - y) / 2
        path.append(f"C{x},{y + bend} {to},{row - bend} {to},{row}")
        x, y = to, row
        if place != route[-1]:
            y += HEIGHT
            path.append(f"L{x},{y}")
    tip = f"M{x - 4},{y - 7} L{x},{y} L{x + 4},{y - 7}"
    return f'<path d="{" ".join(path)} {tip}" fill="none" stroke="{FAINT}" stroke-width="1.3"/>'


def _label(places: Layout, arrow: Arrow, route: Sequence[str]) -> list[str]:
    """Where the arrow arrives in the next row, so that those of one choice stand apart."""
    if not arrow.words:
        return []
    x, y = _at(places, route[1])
    x0, _ = _at(places, route[0])
    x = x + 0.15 * (x0 - x)
    lines = _lines(arrow.words)
    parts = [f"<g><title>{escape(arrow.words)}</title>"]
    for number, line in enumerate(lines):
        baseline = y - 15 - 14 * (len(lines) - 1 - number)
        halo = f'font-size="11" stroke="{PAPER}" stroke-width="4" paint-order="stroke"'
        parts.append(_text(x, baseline, line, halo))
    return [*parts, "</g>"]


def _lines(text: str) -> list[str]:
    """At most LINES lines; what does not fit stands in the title, which a browser shows on hovering."""
    return wrap(text, LETTERS, max_lines=LINES, placeholder=" …", break_on_hyphens=False)


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" {style}>{escape(text)}</text>'
