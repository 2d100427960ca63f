"""From a row of somebody's list to a message of ours. Pure.

Every column goes to a target: `email`, `user_id`, `stage`, a consent purpose (`email_marketing`, yes or no), when and
to what the row's consents were given (`consent_at`, `consent_wording`, `consent_proof`), or else the trait of that
name. Without a map a column's own name in snake_case is its target.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from commands.csv_rows import Row
from nurture.domain.consent import LIST, PURPOSES, ConsentRecord
from nurture.domain.errors import InputError
from nurture.incoming import Incoming
from nurture.playbook.findings import misspelt
from nurture.playbook.traits import as_kind
from nurture.web.segment import EARLIEST, LONGEST_ID
from nurture.web.traits import normalised, snake_case

EMAIL, USER, STAGE = "email", "user_id", "stage"
AT, WORDING, PROOF = "consent_at", "consent_wording", "consent_proof"
OURS = frozenset({EMAIL, USER, STAGE, *PURPOSES, AT, WORDING, PROOF})
"""Targets that are no traits."""

_LATER = timedelta(microseconds=1)
"""A row is dated so much after the line before it; to read it takes longer."""


@dataclass(frozen=True)
class Mapped:
    """`targets` maps columns to targets; `kinds` the playbook's traits to their kinds. `file` names the list, `edition`
    tells it from every other, also from one written earlier that says the same."""

    targets: Mapping[str, str]
    kinds: Mapping[str, str]
    file: str = ""
    edition: str = ""
    map_file: Path | None = None

    def knowing(self, kinds: Mapping[str, str]) -> "Mapped":
        """With these kinds. Raises InputError for what a map calls nearly as something that is known: a misspelt
        consent would become a trait."""
        mapped = replace(self, kinds=kinds)
        for target in mapped.undeclared() if self.map_file else ():
            if near := misspelt(target, OURS | kinds.keys()):
                raise InputError(
                    f'unknown target "{target}"; did you mean "{near}"?'
                    " If it is a trait, declare it in config/traits.yaml",
                    str(self.map_file),
                )
        return mapped

    def message(self, row: Row, began: datetime) -> Incoming:
        """Raises InputError naming the column that cannot be used.

        The same line of the same file gives the same message id, so importing a file twice changes nothing the second
        time; what another list says counts, also when an earlier one said it before. Of two rows of one lead the
        later is the later word.
        """
        values, at = row.values, began + row.line * _LATER
        told = {self.targets[name]: cell for name, cell in values.items() if name in self.targets}
        content = json.dumps([self.edition, row.line, told], sort_keys=True).encode()
        email = normalised(told.get(EMAIL), self._column(EMAIL))
        user = told.get(USER) or None
        if user and len(user) > LONGEST_ID:
            raise InputError(f"longer than {LONGEST_ID} characters", self._column(USER))
        if not (email or user):
            raise InputError("must not be empty", self._column(EMAIL))
        return Incoming(
            message_id=sha256(content).hexdigest(),
            at=at,
            user_id=user,
            email=email,
            traits=self.traits(values),
            consents=tuple(self._consents(told, at)),
            trusted=True,
            stage=told.get(STAGE) or None,
            reason=LIST + self.file,
        )

    def traits(self, values: Mapping[str, str]) -> dict[str, Any]:
        """What the row says of the lead. Raises InputError naming the column that cannot be used."""
        return {
            name: self._value(name, self.kinds.get(name, "text"), values[column])
            for column, name in self.targets.items()
            if name not in OURS and values.get(column)
        }

    def undeclared(self) -> list[str]:
        """Targets that are no words of ours and no traits of the playbook: they are kept as texts."""
        return sorted({*self.targets.values()} - OURS - self.kinds.keys())

    def _consents(self, told: Mapping[str, str], at: datetime) -> list[ConsentRecord]:
        """A no is as of the import: when the list says that a consent was given, it was not refused."""
        given_at = self._given_at(told, at)
        about = LIST + self.file, told.get(WORDING) or "", told.get(PROOF) or ""
        said = {
            purpose: bool(self._value(purpose, "yes/no", told[purpose]))
            for purpose in PURPOSES
            if told.get(purpose)
        }
        return [
            ConsentRecord(purpose, granted, given_at if granted else at, *about)
            for purpose, granted in said.items()
        ]

    def _given_at(self, told: Mapping[str, str], now: datetime) -> datetime:
        """When the consents of the row were given: if it does not say so, as of the import."""
        if not told.get(AT):
            return now
        said: datetime | None = as_kind("date", told[AT])
        if said is None:
            raise InputError(
                "must be a date, such as 2025-11-30 or 2025-11-30T09:15Z", self._column(AT)
            )
        if not EARLIEST <= said <= now:
            raise InputError(
                f"lies in the future, or before the year {EARLIEST.year}", self._column(AT)
            )
        return said

    def _value(self, target: str, kind: str, cell: str) -> Any:
        value = as_kind(kind, cell)
        if value is None:
            raise InputError(f"must be a {kind}", self._column(target))
        return cell if kind == "date" else value

    def _column(self, target: str) -> str:
        return next((name for name, to in self.targets.items() if to == target), target)


def targets(columns: Sequence[str], path: Path | None) -> dict[str, str]:
    """Where each column goes. With a map (YAML: `Column name: target`) the others are left out.

    Raises InputError for a map that is unreadable, names a column that is not there, or gives two
    columns one target, when neither `email` nor `user_id` is given, and when only a consent's proof is.
    """
    place = str(path or "")
    found = _read(path) if path else {name: snake_case(name) for name in columns}
    if strange := sorted(found.keys() - set(columns)):
        raise InputError(
            f"no such columns: {', '.join(strange)}; there are: {', '.join(columns)}", place
        )
    given = list(found.values())
    if twice := sorted({target for target in given if given.count(target) > 1}):
        raise InputError(f"several columns go to {', '.join(twice)}", place)
    if not {EMAIL, USER} & set(given):
        raise InputError(
            f"no column goes to email or user_id; there are: {', '.join(columns)};"
            " name one with --map",
            place,
        )
    if (of := sorted({AT, WORDING, PROOF} & set(given))) and not {*PURPOSES} & set(given):
        raise InputError(
            f"{', '.join(of)} says of a consent, but no column goes to {', '.join(PURPOSES)}",
            place,
        )
    return found


def _read(path: Path) -> dict[str, str]:
    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(path)) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"is not YAML: {error}", str(path)) from error
    if not isinstance(found, dict) or not all(
        isinstance(text, str) and text for pair in found.items() for text in pair
    ):
        raise InputError('must hold lines such as "E-mail address: email"', str(path))
    return found
