"""One request of somebody known: who it is, what it may, its language, and how a page is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from nurture.access.actor import Actor
from nurture.domain.errors import InputError
from nurture.domain.permissions import Permission
from nurture.playbook import Playbook
from nurture.web import cookies, pages, sentences
from nurture.web.deps import Deps
from nurture.web.i18n import LANGUAGES, Words
from nurture.web.navigation import sections

_NOTE = "nurture-note"
_NOTE_LASTS = timedelta(minutes=1)


@dataclass
class Visit:
    """`form` holds the fields of a POST, its CSRF token already checked. `subject` and `detail` go into the
    audit log; a route may say more in them than its path does, never a lead's name or address."""

    request: Request
    deps: Deps
    actor: Actor
    csrf: str = ""
    form: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    detail: str = ""
    words: Words = field(default_factory=lambda: Words("en"))
    _playbook: Playbook | None = None

    def may(self, permission: Permission | str) -> bool:
        return self.actor.may(Permission(permission))

    @property
    def playbook(self) -> Playbook:
        """The one in force; known on pages only."""
        assert self._playbook is not None, "programs ask deps.playbook()"
        return self._playbook

    @playbook.setter
    def playbook(self, playbook: Playbook) -> None:
        self._playbook = playbook

    @property
    def csrf_field(self) -> Markup:
        """Belongs into every form that posts."""
        return Markup('<input type="hidden" name="csrf" value="{}">').format(self.csrf)

    def page(self, template: str, /, status: int = 200, **context: Any) -> HTMLResponse:
        """A page of `pages/dashboard/` in the shell. `section` of the template says where one is."""
        note = self._note()
        response = pages.render(
            f"dashboard/{template}",
            status,
            words=self.words,
            visit=self,
            sections=sections(self.actor),
            languages=LANGUAGES,
            company=self.playbook.company.name,
            path=self.request.url.path,
            now=self.deps.now(),
            **{"note": note, "problem": "", **context},
        )
        if note:
            cookies.drop(response, self.deps.settings, _NOTE)
        return response

    def go(self, location: str, note: str = "") -> Response:
        """On to another of our pages, which says `note` once: the end of every successful POST."""
        response = RedirectResponse(location, 303)
        if note:
            signed = self.deps.tokens.sign(_NOTE, note)
            seconds = int(_NOTE_LASTS.total_seconds())
            cookies.put(response, self.deps.settings, _NOTE, signed, seconds)
        return response

    def say(self, text: str, **values: Any) -> str:
        """In the reader's language."""
        return self.words.gettext(text) % values if values else self.words.gettext(text)

    def told(self, text: str) -> str:
        """What the house says in English, in the reader's language."""
        return sentences.told(self.words, text)

    def explain(self, error: InputError) -> str:
        """An error for the person who made it, with the field's own name in front."""
        text = str(error).removeprefix(f"{error.place}: ")
        told = self.told(text)
        return f"{sentences.label(self.words, error.place)}: {told}" if error.place else told

    def _note(self) -> str:
        signed = self.request.cookies.get(_NOTE, "")
        try:
            return str(self.deps.tokens.read(_NOTE, signed, _NOTE_LASTS)) if signed else ""
        except InputError:
            return ""
