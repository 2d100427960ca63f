"""Which of a template's files a lead gets: by language and by persona, both in the file's name.

`body.mjml` is everybody's, in the company's first language. `body.da.mjml`, `body.it-manager.mjml` and
`body.it-manager.da.mjml` stand in for it; so does `_layout/footer.da.mjml` for the footer in a Danish mail.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

FOLDER = "templates/"
ROOT = "email/"


class Variant(NamedTuple):
    """What one lead's mail is made for."""

    language: str
    persona: str | None = None


@dataclass(frozen=True)
class File:
    """One file by what its name says. `plain` is its path without language and persona."""

    path: str
    plain: str
    variant: Variant


class Files(Mapping[str, str]):
    """The templates as one variant sees them: texts by their plain paths."""

    def __init__(self, chosen: Mapping[str, File], templates: Mapping[str, str]) -> None:
        self._chosen = chosen
        self._templates = templates

    def __getitem__(self, plain: str) -> str:
        return self._templates[self._chosen[plain].path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._chosen)

    def __len__(self) -> int:
        return len(self._chosen)

    def place(self, plain: str) -> str:
        """The file as the marketer knows it, such as templates/email/welcome/body.da.mjml."""
        return FOLDER + (self._chosen[plain].path if plain in self._chosen else plain)

    def speaks_for(self, text: str, body: str) -> bool:
        """Whether the plain text says what the body says: in its language, and no less to its persona."""
        if text not in self or body not in self:
            return False
        own, meant = self._chosen[text].variant, self._chosen[body].variant
        return own.language == meant.language and meant.persona in (None, own.persona)


class Library:
    """All mail templates with their variants. The first of `languages` is that of files which name none."""

    def __init__(
        self, templates: Mapping[str, str], languages: Sequence[str], personas: Collection[str]
    ) -> None:
        self._templates = templates
        self._languages = languages
        self._personas = personas
        self.files = [self._named(path) for path in sorted(templates) if path.startswith(ROOT)]

    def text(self, file: File) -> str:
        return self._templates[file.path]

    def variant(self, template: str, language: str, persona: str | None) -> Variant:
        """What this lead gets of that template: the whole mail is in one language, its body's."""
        bodies = [each.variant for each in self._of(template) if "/body." in each.plain]
        spoken = any(v.language == language and v.persona in (None, persona) for v in bodies)
        shared = [each for each in self.files if each.path.startswith(f"{ROOT}_")]
        meant = any(each.variant.persona == persona for each in [*self._of(template), *shared])
        return Variant(language if spoken else self._languages[0], persona if meant else None)

    def variants(self, template: str) -> list[Variant]:
        """Every variant of the template that there can be."""
        languages = {self._languages[0], *(each.variant.language for each in self._of(template))}
        personas = {None, *(each.variant.persona for each in self._of(template))}
        found = {self.variant(template, one, who) for one in languages for who in personas}
        return sorted(found, key=lambda each: (each.language, each.persona or ""))

    def seen_by(self, variant: Variant) -> Files:
        """For each file the best there is: language before persona, and both before neither."""
        chosen: dict[str, File] = {}
        order = self._order(variant)
        for each in self.files:
            rank = order.get(each.variant)
            if rank is not None and (
                each.plain not in chosen or rank < order[chosen[each.plain].variant]
            ):
                chosen[each.plain] = each
        return Files(chosen, self._templates)

    def _of(self, template: str) -> list[File]:
        return [each for each in self.files if each.path.startswith(f"{ROOT}{template}/")]

    def _order(self, variant: Variant) -> dict[Variant, int]:
        languages = dict.fromkeys((variant.language, self._languages[0]))
        personas = dict.fromkeys((variant.persona, None))
        fallbacks = (Variant(language, who) for language in languages for who in personas)
        return {each: rank for rank, each in enumerate(fallbacks)}

    def _named(self, path: str) -> File:
        """A name with a mark that is neither is a plain file of that name, which the check finds."""
        folder, _, name = path.rpartition("/")
        stem, *marks = name.split(".")
        suffix = marks.pop() if marks else ""
        languages = [mark for mark in marks if mark in self._languages]
        personas = [mark for mark in marks if mark not in languages and mark in self._personas]
        if len(languages) > 1 or len(personas) > 1 or len(languages) + len(personas) < len(marks):
            return File(path, path, Variant(self._languages[0]))
        variant = Variant(
            languages[0] if languages else self._languages[0], personas[0] if personas else None
        )
        return File(path, f"{folder}/{stem}.{suffix}", variant)
