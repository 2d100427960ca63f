"""A back-test as a picture: who is called first, and how many customers that finds. SVG, drawn by hand."""

from collections.abc import Sequence
from html import escape

from nurture.domain.backtest import Cut

SIDE, LEFT, TOP, GAP = 320, 56, 56, 84
WIDTH, HEIGHT = 2 * SIDE + LEFT + GAP + 24, SIDE + TOP + 72
BARS = 10
OURS, OTHER, FAINT, INK = "#0b6e4f", "#b5651d", "#d5d9dc", "#22272b"

Line = Sequence[Cut]


def svg(title: str, ours: Line, compared: Sequence[Line] = ()) -> str:
    """Left: the share of customers found, by the share of leads called. Right: how often each tenth buys.

    `compared`: the yardstick's line, and ours of the same leads."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="12" fill="{INK}">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(_said(ours))}</desc>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 24, title, size=16),
        *_gains(ours, compared),
        *_tenths(ours),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _said(ours: Line) -> str:
    first = _share_found(ours, 0.2)
    return f"The 20 % of leads with most points hold {first:.0%} of the customers."


def _gains(ours: Line, compared: Sequence[Line]) -> list[str]:
    parts = [*_frame(LEFT, "share of leads, most points first", "customers found")]
    parts.append(_line([(0, 0), (1, 1)], INK, 'stroke-dasharray="4 4"'))
    lines = [("our points", OURS, "", ours)]
    if compared:
        names = ("yardstick, where known", "our points on the same leads")
        lines += zip(names, (OTHER, OURS), ("", 'stroke-dasharray="2 3"'), compared, strict=True)
    for number, (name, color, style, cuts) in enumerate(lines):
        y = TOP + SIDE - 52 + 18 * number
        parts.append(_line(_curve(cuts), color, f'stroke-width="2.5" {style}'.strip()))
        parts.append(_stroke(LEFT + SIDE - 212, y - 4, color, style))
        parts.append(_text(LEFT + SIDE - 182, y, name, fill=color))
    return parts


def _stroke(x: float, y: float, color: str, style: str) -> str:
    """A bit of a line, beside its name."""
    place = f'x1="{x:.1f}" x2="{x + 24:.1f}" y1="{y:.1f}" y2="{y:.1f}"'
    return f'<line {place} stroke="{color}" stroke-width="2.5" {style}/>'


def _tenths(ours: Line) -> list[str]:
    """Leads that share a score are taken to buy equally often."""
    left = LEFT + SIDE + GAP
    parts = [*_frame(left, "tenths of the leads, most points first", "of them bought")]
    base = ours[-1].precision
    width = SIDE / BARS
    for bar in range(BARS):
        found = _share_found(ours, (bar + 1) / BARS) - _share_found(ours, bar / BARS)
        rate = min(1.0, found * BARS * base)
        height = rate * SIDE
        x, y = left + bar * width + 3, TOP + SIDE - height
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 6:.1f}" height="{height:.1f}" fill="{OURS}"/>'
        )
        parts.append(_text(x + width / 2 - 3, y - 4, f"{rate:.0%}", size=10, anchor="middle"))
    y = TOP + SIDE * (1 - base)
    parts.append(
        f'<line x1="{left}" x2="{left + SIDE}" y1="{y:.1f}" y2="{y:.1f}" stroke="{INK}"'
        ' stroke-dasharray="4 4"/>'
    )
    parts.append(_text(left + SIDE, y - 4, f"all: {base:.0%}", size=10, anchor="end"))
    return parts


def _frame(left: float, below: str, above: str) -> list[str]:
    parts = [_text(left, TOP - 10, above), _text(left, TOP + SIDE + 40, below)]
    for step in range(5):
        y = TOP + SIDE * (1 - step / 4)
        parts.append(f'<line x1="{left}" x2="{left + SIDE}" y1="{y}" y2="{y}" stroke="{FAINT}"/>')
        parts.append(_text(left - 6, y + 4, f"{step / 4:.0%}", size=10, anchor="end"))
        x = left + SIDE * step / 4
        parts.append(_text(x, TOP + SIDE + 18, f"{step / 4:.0%}", size=10, anchor="middle"))
    return parts


def _curve(cuts: Line) -> list[tuple[float, float]]:
    everybody = cuts[-1].picked
    return [(0.0, 0.0), *((cut.picked / everybody, cut.recall) for cut in cuts)]


def _share_found(cuts: Line, share: float) -> float:
    """How much of the customers is among the first `share` of the leads."""
    x0 = y0 = 0.0
    for x, y in _curve(cuts):
        if x >= share:
            return y if x == x0 else y0 + (y - y0) * (share - x0) / (x - x0)
        x0, y0 = x, y
    return 1.0


def _line(points: Sequence[tuple[float, float]], color: str, style: str) -> str:
    places = " ".join(f"{LEFT + x * SIDE:.1f},{TOP + (1 - y) * SIDE:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{color}" {style}/>'


def _text(
    x: float, y: float, words: str, size: int = 12, anchor: str = "start", fill: str = INK
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}"'
    return f"<text {place}>{escape(words)}</text>"
