"""What of a text that was put aside is about a person: of several messages as JSON only those that name it."""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

_PLAIN = re.compile(r"[A-Za-z0-9@._+-]+")


class Split(NamedTuple):
    """What names the person, and what is left without it; "" where there is none."""

    theirs: str
    rest: str


class Names:
    """All that somebody goes by. An address is also found within a longer text, anything else only as a whole value:
    the user id 7 is not in every number with a seven."""

    def __init__(self, values: Iterable[str]) -> None:
        self._values = {value.strip().lower() for value in values} - {""}
        addresses = sorted(re.escape(value) for value in self._values if "@" in value)
        edge = r"[\w.+-]"
        self._address = re.compile(f"(?<!{edge})(?:{'|'.join(addresses)})(?!{edge}*\\w)")
        self._any_address = bool(addresses)

    def hints(self) -> set[str]:
        """In whatever names the person stands one of these, however its letters are escaped; "" may be anywhere."""
        return {max(_PLAIN.findall(value), key=len, default="") for value in self._values}

    def split(self, raw: str) -> Split:
        try:
            told = json.loads(raw)
        except (ValueError, RecursionError):
            return Split(raw, "") if self._in_text(raw) else Split("", raw)
        if not isinstance(told, list):
            return Split(raw, "") if self._in(told) else Split("", raw)
        theirs = [message for message in told if self._in(message)]
        rest = [message for message in told if not self._in(message)]
        return Split(_packed(theirs), _packed(rest)) if theirs else Split("", raw)

    def _in(self, told: Any) -> bool:
        left = [told]
        while left:  # not by recursion: it may have been put aside for being nested too deeply
            match left.pop():
                case dict() as inner:
                    left += inner.values()
                case list() as inner:
                    left += inner
                case str() as text if self._is_or_has(text.strip().lower()):
                    return True
                case int() as number if str(number) in self._values:
                    return True
        return False

    def _is_or_has(self, text: str) -> bool:
        return text in self._values or self._addressed(text)

    def _in_text(self, text: str) -> bool:
        """What is no whole JSON, such as one that was cut: a name stands in it as a value does in JSON."""
        told = text.lower()
        quoted = (
            json.dumps(name, ensure_ascii=way) for name in self._values for way in (True, False)
        )
        return self._addressed(told) or any(name in told for name in quoted)

    def _addressed(self, told: str) -> bool:
        return self._any_address and bool(self._address.search(told))


def _packed(messages: list[Any]) -> str:
    return json.dumps(messages, separators=(",", ":")) if messages else ""
