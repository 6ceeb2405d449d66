"""Checks of arguments shared by the data sets.

Each error is one line with the key, the value and the allowed values.
"""

from collections.abc import Iterable

from aevb.errors import UserError

__all__ = ["between", "one_of"]


def one_of(key: str, value: object, allowed: Iterable[object]) -> None:
    """Check that a value is one of the allowed values.

    Args:
        key: The config key, without the prefix "data.".
        value: The value of the key.
        allowed: The allowed values.

    Raises:
        UserError: If the value is not allowed.
    """
    options = list(allowed)
    if value not in options:
        raise UserError(
            f"data.{key}={value}: not known; allowed: {', '.join(map(str, options))}; try: data.{key}={options[0]}"
        )


def between(key: str, value: int, low: int, high: int, reason: str) -> None:
    """Check that a value lies in an interval.

    Args:
        key: The config key, without the prefix "data.".
        value: The value of the key.
        low: The smallest allowed value.
        high: The largest allowed value.
        reason: The reason for these limits, shown in the message.

    Raises:
        UserError: If the value is less than `low` or greater than `high`.
    """
    if not low <= value <= high:
        nearest = min(max(value, low), high)
        raise UserError(
            f"data.{key}={value}: out of range; allowed: {low} to {high} ({reason}); try: data.{key}={nearest}"
        )
