"""The types of values that a config may give to an argument.

A value type reads a value as YAML or the command line gives it: 1e6 is the integer 1000000 where an integer is wanted,
`true` is not the number 1, and a number is never `nan`. `str()` of a type is the text after "allowed:" in a message.
"""

import math
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from aevb.types import Range

__all__ = [
    "SYNONYMS",
    "UNBOUNDED",
    "AnyValue",
    "Boolean",
    "Choice",
    "InvalidValue",
    "Nested",
    "Null",
    "Number",
    "Text",
    "ValueType",
]

UNBOUNDED = Range()
SYNONYMS = {"cuda": "gpu"}
"""What other programs call a choice -> its name here; only suggested, never accepted."""
LARGEST = int(sys.float_info.max)  # an integer beyond has no float
INTEGER_END = 1 << 62
"""The first integer that is refused: sums of two below it fit 64 bits."""


class InvalidValue(Exception):
    """A value is not of the wanted type; the message says what is wrong with it."""


class ValueType:
    """Base class; itself the type of any value."""

    def read(self, value: Any) -> Any:
        """Return a value as the constructor wants it.

        Args:
            value: A plain value, list or dictionary.

        Returns:
            The value, converted where nothing is lost.

        Raises:
            InvalidValue: If the value is not of this type.
        """
        return value

    def near(self, value: Any) -> Any:
        """Return a value of this type to suggest instead of `value`, or None.

        Args:
            value: A value that is refused.
        """
        return None

    def __str__(self) -> str:
        return "any value"


class AnyValue(ValueType):
    """Any value: an annotation that does not constrain a config."""


class Nested(ValueType):
    """An object, described by a mapping with `_target_`."""

    def read(self, value: Any) -> Any:
        """Return the mapping unchanged.

        Args:
            value: The value from the config.
        """
        if not (isinstance(value, dict) and "_target_" in value):
            raise InvalidValue("describes no object")
        return value

    def __str__(self) -> str:
        return "a mapping with _target_"


@dataclass(frozen=True)
class Number(ValueType):
    """An integer or a real number within a range.

    Args:
        integer: Whether only integers are allowed.
        range: The allowed interval.
    """

    integer: bool
    range: Range = UNBOUNDED

    def read(self, value: Any) -> int | float:
        """Return an int or a float; an integral float is an integer where an integer is wanted.

        Args:
            value: The value from the config.
        """
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidValue("not an integer" if self.integer else "not a number")
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidValue("not a finite number")
        if self.integer and value != int(value):
            raise InvalidValue("not an integer")
        if abs(value) > LARGEST:
            raise InvalidValue("out of range")
        read = int(value) if self.integer else float(value)  # a float rounds integers beyond 2^53
        if read not in self.range:
            raise InvalidValue("out of range")
        if self.integer and abs(read) >= INTEGER_END:
            raise InvalidValue("an integer of more than 62 bits")
        return read

    def near(self, value: Any) -> int | float | None:
        """Return the closed end of the range that is nearer, or None.

        Args:
            value: A value that is refused.
        """
        low, high = self.range.low, self.range.high
        if high is not None and isinstance(value, int | float) and value > high and not self.range.high_open:
            return int(high) if self.integer else high
        if low is not None and not self.range.low_open:
            return int(low) if self.integer else low
        return None

    def __str__(self) -> str:
        bounds = "" if self.range == UNBOUNDED else f" {self.range}"
        return f"an integer{bounds}" if self.integer else f"a number{bounds}"


class Boolean(ValueType):
    """true or false."""

    def read(self, value: Any) -> bool:
        """Return true or false; numbers and texts are refused.

        Args:
            value: The value from the config.
        """
        if not isinstance(value, bool):
            raise InvalidValue("neither true nor false")
        return value

    def __str__(self) -> str:
        return "true or false"


class Text(ValueType):
    """A string; a bare integer on the command line (name=7) is a string too."""

    def read(self, value: Any) -> str:
        """Return the string; integers as they are written.

        Args:
            value: The value from the config.
        """
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise InvalidValue("not text")
        return value

    def __str__(self) -> str:
        return "text"


class Null(ValueType):
    """null."""

    def read(self, value: Any) -> None:
        """Return None; anything else is refused.

        Args:
            value: The value from the config.
        """
        if value is not None:
            raise InvalidValue("not null")

    def __str__(self) -> str:
        return "null"


@dataclass(frozen=True)
class Choice(ValueType):
    """One of a few values.

    Args:
        values: The allowed values.
    """

    values: tuple[Any, ...]

    def read(self, value: Any) -> Any:
        """Return the equal choice: 32.0 is 32, true is not 1.

        Args:
            value: The value from the config.
        """
        for choice in self.values:
            if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                return choice
        raise InvalidValue("no such choice")

    def near(self, value: Any) -> Any:
        """Return the choice whose text is most similar, else the first.

        Args:
            value: A value that is refused.
        """
        by_text = {str(choice): choice for choice in self.values}
        close = get_close_matches(str(value), list(by_text), n=1)
        return by_text[close[0]] if close else self.values[0]

    def __str__(self) -> str:
        return ", ".join("null" if choice is None else str(choice) for choice in self.values)
