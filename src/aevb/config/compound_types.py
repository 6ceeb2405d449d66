"""The types of values that are made of other types: alternatives, lists and mappings."""

from dataclasses import dataclass
from typing import Any

from aevb.config.value_types import InvalidValue, ValueType

__all__ = ["Either", "ListOf", "Mapping"]


@dataclass(frozen=True)
class Either(ValueType):
    """One of several types, tried in turn.

    Args:
        types: The types, the most likely one first.
    """

    types: tuple[ValueType, ...]

    def read(self, value: Any) -> Any:
        """Return the value as the first type reads it that accepts it.

        Args:
            value: The value from the config.
        """
        faults = []
        for value_type in self.types:
            try:
                return value_type.read(value)
            except InvalidValue as fault:
                faults.append(str(fault))
        raise InvalidValue(faults[0])

    def near(self, value: Any) -> Any:
        """Return the suggestion of the first type that has one.

        Args:
            value: A value that is refused.
        """
        return next((near for value_type in self.types if (near := value_type.near(value)) is not None), None)

    def __str__(self) -> str:
        return " or ".join(dict.fromkeys(str(value_type) for value_type in self.types))


@dataclass(frozen=True)
class ListOf(ValueType):
    """A list.

    Args:
        types: One type for all items; with `fixed` one type for each item.
        fixed: Whether the length is that of `types`.
    """

    types: tuple[ValueType, ...]
    fixed: bool = False

    def read(self, value: Any) -> list[Any]:
        """Return a list of the items as they are read; a tuple becomes a list.

        Args:
            value: The value from the config.
        """
        if not isinstance(value, list | tuple):
            raise InvalidValue("not a list")
        if self.fixed and len(value) != len(self.types):
            raise InvalidValue(f"{len(value)} items")
        types = self.types if self.fixed else self.types * len(value)
        items = []
        for index, (value_type, item) in enumerate(zip(types, value, strict=True)):
            try:
                items.append(value_type.read(item))
            except InvalidValue as fault:
                raise InvalidValue(f"item {index} is {fault}") from fault
        return items

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.types))}]" if self.fixed else f"a list of: {self.types[0]}"


@dataclass(frozen=True)
class Mapping(ValueType):
    """Names with values of one type.

    Args:
        value_type: The type of the values.
    """

    value_type: ValueType

    def read(self, value: Any) -> dict[str, Any]:
        """Return a dictionary of the values as they are read.

        Args:
            value: The value from the config.
        """
        if not isinstance(value, dict):
            raise InvalidValue("not a mapping")
        return {str(key): self.value_type.read(item) for key, item in value.items()}

    def __str__(self) -> str:
        return "a mapping {name: value}"
