"""Made-up input for everything that parses: noise, and something valid of which some bytes or values were changed."""

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from aevb.console.printable import printable
from aevb.errors import UserError

__all__ = ["CHANGES", "CUT", "TEXT", "VALUES", "changed", "fuzz", "outcome", "paths", "replaced"]


def fuzz(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(
        derandomize=True, max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )


TEXT = st.text(max_size=30)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.sampled_from([10**400, -1, "nan", 1e308])
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=6), below, max_size=3)
)
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6)
CUT = st.floats(0.0, 1.0)


def changed(raw: bytes, changes: list[tuple[float, int]], cut: float) -> bytes:
    """Bytes of which some are others, and the end is missing (not if cut is above 0.5)."""
    some = bytearray(raw)
    for where, value in changes:
        some[min(int(where * len(some)), len(some) - 1)] = value
    return bytes(some[: int(2 * cut * len(some))] if cut <= 0.5 else some)


def outcome(read: Callable[[], Any]) -> str:
    """What a refusal says, empty if it was read; anything else than a UserError fails the test."""
    line = ""
    try:
        read()
    except UserError as error:
        line = printable(error)
    except FileNotFoundError:
        line = "missing"
    return line


def paths(node: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every value in nested containers."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [*([prefix] if prefix else []), *(path for key, value in items for path in paths(value, (*prefix, key)))]


def replaced(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    node = copy.deepcopy(node)
    inner = node
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return node
