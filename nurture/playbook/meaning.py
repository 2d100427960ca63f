"""What a flow's file means to a lead inside, in whatever words it says so: `7 days` or `1 week`, shares of 1:1 or 2:2,
a default that is written out or not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import gcd
from typing import Any

from pydantic import BaseModel

from nurture.domain.calendar import Holidays
from nurture.playbook import flow_schema as s
from nurture.playbook.conditions import CelCondition
from nurture.playbook.document import Path
from nurture.playbook.fields import DEFAULT
from nurture.playbook.naming import ON_DATE, Naming
from nurture.playbook.tokens import Token, tokens

_SAYS_NOTHING = ("title", "in_flight", "live", "enter", "start", "end", "was", "sender", "paused")
"""Keys that change nothing for a lead inside the flow."""

_ANY_ORDER = ("about", "exit")


def revision(model: s.Flow, naming: Naming) -> str:
    """The same for two versions only if they mean the same, with the same names."""
    return _hash(_Meaning(naming.ids, named=True).of_flow(model))


def outline(model: s.Flow, naming: Naming) -> str:
    """As the revision, without the names of flows and steps: a step that another means is told by its place."""
    return _hash(_Meaning(naming.ids, named=False).of_flow(model))


def _hash(meaning: object) -> str:
    return sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class _Meaning:
    ids: Mapping[Path, str]
    named: bool

    def of_flow(self, flow: s.Flow) -> dict[str, Any]:
        told = self._keys(flow, ())
        told.update({key: sorted(told[key]) for key in _ANY_ORDER})
        told["waits for a date"] = ON_DATE in self.ids  # which a lead may stand at
        silent = _SAYS_NOTHING if self.named else (*_SAYS_NOTHING, "flow")
        return {key: told[key] for key in told if key not in silent}

    def _keys(self, model: BaseModel, path: Path) -> dict[str, Any]:
        """By the keys of the file, defaults too."""
        keys = {name: field.alias or name for name, field in type(model).model_fields.items()}
        return {key: self._of(getattr(model, name), (*path, key)) for name, key in keys.items()}

    def _of(self, value: object, path: Path) -> Any:
        match value:
            case s.Step():
                return self._step(value, path)
            case BaseModel():
                return self._keys(value, path)
            case list():
                return [self._of(each, (*path, index)) for index, each in enumerate(value)]
            case frozenset():
                return sorted(value)
            case CelCondition():
                return [_word(token) for token in tokens(value.source)]
            case Holidays():
                return value.country
            case str() | int() | float() | dict() | None:
                return value
            case _:  # lengths, moments and zones
                return repr(value)

    def _step(self, step: s.Step, path: Path) -> dict[str, Any]:
        told = self._keys(step, path)
        del told["was"]
        told["id"] = self._name(self.ids[path])
        match step:
            case s.Email():
                own = {who: mail for who, mail in step.variants.items() if mail != step.template}
                told["email"] = {DEFAULT: step.template, **own}
            case s.WaitFor():
                told["wait_for"]["of"] = self._name(step.wait_for.of)
            case s.Split():
                common = gcd(*(share.weight for share in step.split))
                for share in told["split"]:
                    share["weight"] //= common
            case s.Goto() if not self.named:
                told["goto"] = None
        return told

    def _name(self, step: str | None) -> str | int | None:
        """Or its place in the file."""
        if self.named or step is None:
            return step
        return list(self.ids.values()).index(step)


def _word(token: Token) -> tuple[str, str]:
    """Either kind of quotes is the same, unless something is escaped between them."""
    return token.kind, token.written if "\\" in token.written else token.text
