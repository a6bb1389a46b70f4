"""One thing that can be chosen: what it is called, where it may be chosen, which values it takes, how they read. Pure.

Values are what JSON can hold. It does not know which things there are (`catalogue`) nor what they do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from storage.settings import Scope

Value = str | int | bool | list[int]
SHORT = 60
"""Characters of a long text that are shown in a list."""
_NUMBER = re.compile(r"-?(?:\d{1,12}|\d{1,3}(?:[., \u00a0\u202f']\d{3}){1,3})", re.ASCII)
"""With or without a mark between thousands."""


class Kind(Enum):
    """How a value is chosen."""

    CHOICE = "one of the options"
    NUMBER = "an option, or another number"
    TEXT = "an option, or another text"
    ROLES = "any number of roles"
    MODEL = "one of the models that the engine serves"


class BadValue(ValueError):
    """The text says what is wrong with a value and what would be right."""


@dataclass(frozen=True, slots=True)
class Option:
    """A value that is offered, in words; `hint` says a little more. `scopes`: offered only there."""

    value: Value
    label: str
    hint: str = ""
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """Something that can be chosen. `title` is a short heading, `says` explains it to somebody who is no engineer.

    `least`, `most` and `unit` are for numbers (0 is always allowed where an option offers it), `longest` for texts, in
    characters.
    """

    name: str
    title: str
    says: str
    scopes: tuple[Scope, ...]
    kind: Kind
    options: tuple[Option, ...] = ()
    least: int = 0
    most: int = 0
    unit: str = ""
    longest: int = 0

    def checked(self, value: object) -> Value:
        """The value, if it is one that this can have. Raises BadValue."""
        if self.kind is Kind.CHOICE:
            return self._offered(value)
        if self.kind is Kind.NUMBER:
            return self._number(value)
        if self.kind is Kind.ROLES:
            return _ids(value)
        return self._text(value)

    def typed(self, text: str) -> Value:
        """What somebody typed, as a value. Raises BadValue with a sentence for them."""
        if self.kind is not Kind.NUMBER:
            return self.checked(text.strip())
        if not _NUMBER.fullmatch(text.strip()):
            raise BadValue(f"“{_short(text.strip())}” is no whole number. {self._range()}")
        return self.checked(int(re.sub(r"[^-\d]", "", text)))

    def shown(self, value: Value, roles: Sequence[str] = ()) -> str:
        """A value in words, in one line; `roles` are the names that the ids of a list of roles stand for."""
        option = next((one for one in self.options if one.value == value), None)
        if option is not None:
            return option.label
        if isinstance(value, list):
            return ", ".join(roles) if value else "everybody"
        if isinstance(value, int):
            return counted(value, self.unit)
        return f"“{_short(' '.join(value.split()))}”"

    def _offered(self, value: object) -> Value:
        for option in self.options:
            if option.value == value and type(option.value) is type(value):
                return option.value
        raise BadValue(f"{self.title} is one of: {', '.join(option.label for option in self.options)}.")

    def _number(self, value: object) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if is_number and any(option.value == value for option in self.options):
            return int(str(value))
        if not isinstance(value, int) or not is_number or not self.least <= value <= self.most:
            raise BadValue(self._range())
        return value

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise BadValue(f"{self.title} is a text.")
        if len(value) > self.longest:
            raise BadValue(f"That is {len(value):,} characters long; at most {self.longest:,} fit.")
        return value

    def _range(self) -> str:
        return f"Please give a whole number from {self.least:,} to {self.most:,}."


def counted(number: int, unit: str) -> str:
    """ "1 request", "1,000 requests": `unit` is a plural."""
    return f"{number:,} {unit.removesuffix('s') if number == 1 else unit}".strip()


def _ids(value: object) -> list[int]:
    if not isinstance(value, list) or not all(isinstance(one, int) and not isinstance(one, bool) for one in value):
        raise BadValue("Please choose roles.")
    return list(value)


def _short(text: str) -> str:
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"
