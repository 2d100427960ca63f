"""How deep markup goes. What compiles MJML and puts styles inline is native code that calls itself for every level:
where its stack ends, so does the process, without an exception."""

from nurture.delivery.email.markup import VOID, Markup
from nurture.domain.errors import InputError
from nurture.playbook.placeholders import TOO_DEEP

_DEEPEST = 200
"""Levels; a mail made of MJML has about 25. A thread's stack of 1 MiB is enough for so many, and what makes the plain
text gives up at 250 and then says nothing at all."""


def shallow(markup: str, place: str = "", mjml: bool = False) -> str:
    """HTML or MJML as it came. Raises InputError when it is nested too deeply for what compiles it."""
    if too_deep(markup, mjml):
        raise InputError(TOO_DEEP, place)
    return markup


def too_deep(markup: str, mjml: bool) -> tuple[int, int] | None:
    """Line and column of the first tag that stands too deep."""
    reader = _Levels(mjml)
    reader.feed(markup)
    return reader.place


class _Levels(Markup):
    """Nothing closes a tag but its own end, and nothing is text only: it rather counts too many than too few."""

    def __init__(self, mjml: bool) -> None:
        super().__init__()
        self._mjml = mjml
        self._open: list[str] = []
        self.place: tuple[int, int] | None = None

    def set_cdata_mode(self, *_: object, **__: object) -> None:
        pass

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in VOID:
            return
        self._open.append(tag)
        if len(self._open) > _DEEPEST and not self.place:
            line, column = self.getpos()
            self.place = line, column + 1

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        if not self._mjml:  # `<div/>` is closed in MJML only
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
