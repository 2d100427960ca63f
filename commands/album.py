"""Mails as pictures: on a desk and on a telephone, by day and by night."""

from collections.abc import Iterator
from pathlib import Path

from commands import browsing

_DESK, _PHONE, _HEIGHT, _GAP = 700, 390, 1500, 24
_FRAME = (
    '<!DOCTYPE html><body style="margin:0;display:flex;gap:{gap}px;background:#7b8794">'
    '<iframe src="{page}" width="{desk}" height="{height}" style="border:0"></iframe>'
    '<iframe src="{page}" width="{phone}" height="{height}" style="border:0"></iframe></body>'
)


def pictures(page: Path, target: Path) -> Iterator[Path]:
    """`welcome.png` and `welcome.dark.png`, each showing the page as wide as a desk's and a telephone's
    window. Raises InputError where there is no browser."""
    target.parent.mkdir(parents=True, exist_ok=True)
    frame = page.with_suffix(".frame.html")
    sizes = {"gap": _GAP, "desk": _DESK, "phone": _PHONE, "height": _HEIGHT}
    frame.write_text(_FRAME.format(page=page.name, **sizes), encoding="utf-8")
    for dark in (False, True):
        file = target.with_suffix(".dark.png" if dark else ".png")
        browsing.picture(frame, file, _DESK + _GAP + _PHONE, _HEIGHT, dark)
        yield file
    frame.unlink()
