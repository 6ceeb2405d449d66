"""What values an argument takes, and how to say so.

A kind reads a value as YAML or the command line gives it: 1e6 is the integer 1000000 where an integer is wanted, `true` is not
the number 1, and a number is never `nan`.
"""

import math
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from aevb.types import Range

__all__ = [
    "AnyValue",
    "Boolean",
    "Choice",
    "Either",
    "InvalidValue",
    "Kind",
    "ListOf",
    "Mapping",
    "Nested",
    "Null",
    "Number",
    "Text",
]


UNBOUNDED = Range()


class InvalidValue(Exception):
    """A value is not of its kind; the message says what is wrong with it."""


class Kind:
    """Any value at all."""

    def read(self, value: Any) -> Any:
        """The value as the constructor wants it; raises InvalidValue."""
        return value

    def near(self, value: Any) -> Any:
        """An allowed value to suggest instead of `value`, or None."""
        return None

    def __str__(self) -> str:
        return "any value"


class AnyValue(Kind):
    """No constraint: an annotation that says nothing about configuration."""


class Nested(Kind):
    """An object, which a config can only describe."""

    def read(self, value: Any) -> Any:
        """A mapping with `_target_`, as it is."""
        if not (isinstance(value, dict) and "_target_" in value):
            raise InvalidValue("describes no object")
        return value

    def __str__(self) -> str:
        return "a mapping with _target_"


@dataclass(frozen=True)
class Number(Kind):
    """An integer or a real number within a range."""

    integer: bool
    range: Range = UNBOUNDED

    def read(self, value: Any) -> int | float:
        """Integral floats are integers where an integer is wanted."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidValue("not an integer" if self.integer else "not a number")
        if not math.isfinite(value):
            raise InvalidValue("not a finite number")
        if self.integer and value != int(value):
            raise InvalidValue("not an integer")
        if value not in self.range:
            raise InvalidValue("out of range")
        return int(value) if self.integer else float(value)

    def near(self, value: Any) -> int | float | None:
        """The nearer closed end of the range, or nothing."""
        low, high = self.range.low, self.range.high
        if high is not None and isinstance(value, int | float) and value > high and not self.range.high_open:
            return int(high) if self.integer else high
        if low is not None and not self.range.low_open:
            return int(low) if self.integer else low
        return None

    def __str__(self) -> str:
        bounds = "" if self.range == UNBOUNDED else f" {self.range}"
        return f"an integer{bounds}" if self.integer else f"a number{bounds}"


class Boolean(Kind):
    """true or false."""

    def read(self, value: Any) -> bool:
        """Only true and false themselves."""
        if not isinstance(value, bool):
            raise InvalidValue("neither true nor false")
        return value

    def __str__(self) -> str:
        return "true or false"


class Text(Kind):
    """Characters; a bare integer on the command line (name=7) is meant as text."""

    def read(self, value: Any) -> str:
        """Strings, and integers as they are written."""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise InvalidValue("not text")
        return value

    def __str__(self) -> str:
        return "text"


class Null(Kind):
    """null."""

    def read(self, value: Any) -> None:
        """Only null itself."""
        if value is not None:
            raise InvalidValue("not null")

    def __str__(self) -> str:
        return "null"


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few values."""

    values: tuple[Any, ...]

    def read(self, value: Any) -> Any:
        """The value itself; 32.0 is 32, true is not 1."""
        for choice in self.values:
            if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                return choice
        raise InvalidValue("no such choice")

    def near(self, value: Any) -> Any:
        """The choice that looks most like it."""
        close = get_close_matches(str(value), [str(choice) for choice in self.values], n=1)
        return close[0] if close else self.values[0]

    def __str__(self) -> str:
        return ", ".join("null" if choice is None else str(choice) for choice in self.values)


@dataclass(frozen=True)
class Either(Kind):
    """One of several kinds, tried in turn."""

    kinds: tuple[Kind, ...]

    def read(self, value: Any) -> Any:
        """As the first kind that takes it."""
        faults = []
        for kind in self.kinds:
            try:
                return kind.read(value)
            except InvalidValue as fault:
                faults.append(str(fault))
        raise InvalidValue(faults[0])

    def near(self, value: Any) -> Any:
        """What the first kind that knows one suggests."""
        return next((near for kind in self.kinds if (near := kind.near(value)) is not None), None)

    def __str__(self) -> str:
        return " or ".join(dict.fromkeys(str(kind) for kind in self.kinds))


@dataclass(frozen=True)
class ListOf(Kind):
    """A list: of any length, all of one kind; or (`fixed`) one kind for each place."""

    kinds: tuple[Kind, ...]
    fixed: bool = False

    def read(self, value: Any) -> list[Any]:
        """Item by item; tuples come back as lists, as YAML writes both."""
        if not isinstance(value, list | tuple):
            raise InvalidValue("not a list")
        if self.fixed and len(value) != len(self.kinds):
            raise InvalidValue(f"{len(value)} items")
        kinds = self.kinds if self.fixed else self.kinds * len(value)
        items = []
        for place, (kind, item) in enumerate(zip(kinds, value, strict=True)):
            try:
                items.append(kind.read(item))
            except InvalidValue as fault:
                raise InvalidValue(f"item {place} is {fault}") from fault
        return items

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.kinds))}]" if self.fixed else f"a list of: {self.kinds[0]}"


@dataclass(frozen=True)
class Mapping(Kind):
    """Names with values of one kind."""

    kind: Kind

    def read(self, value: Any) -> dict[str, Any]:
        """Entry by entry."""
        if not isinstance(value, dict):
            raise InvalidValue("not a mapping")
        return {str(key): self.kind.read(item) for key, item in value.items()}

    def __str__(self) -> str:
        return "a mapping {name: value}"
