"""Refusals shared by the data sets: one line that names the key, the value and what is allowed."""

from collections.abc import Iterable

from aevb.errors import UserError

__all__ = ["between", "one_of"]


def one_of(key: str, value: object, allowed: Iterable[object]) -> None:
    """Refuses a `value` that is not among `allowed`."""
    options = list(allowed)
    if value not in options:
        raise UserError(f"data.{key}={value}: not known; allowed: {', '.join(map(str, options))}")


def between(key: str, value: int, low: int, high: int, reason: str) -> None:
    """Refuses a `value` outside low..high, both allowed; `reason` says where the ends come from."""
    if not low <= value <= high:
        raise UserError(f"data.{key}={value}: must lie in {low}..{high} ({reason})")
