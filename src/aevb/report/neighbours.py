"""Pairs of runs that differ in one setting, and by how much their final values differ.

The standard error of a difference is that of two independent estimates, sqrt(se_a^2 + se_b^2). Between
runs that were evaluated on the same images it is smaller.
"""

import itertools
import math
from typing import NamedTuple

from aevb.report.differing import ABSENT, Differing
from aevb.report.records import RunRecord

__all__ = ["Pair", "pairs"]

MOST_PAIRS = 60


class Pair(NamedTuple):
    """Two runs that differ in one setting.

    Attributes:
        key: The dotted key of the setting.
        a: The index of the first run.
        b: The index of the second run.
        values: The value of the setting in each.
        gaps: (quantity, b minus a, the same in standard errors).
    """

    key: str
    a: int
    b: int
    values: tuple[str, str]
    gaps: list[tuple[str, float, float]]


def pairs(records: list[RunRecord], differing: list[Differing]) -> tuple[list[Pair], int]:
    """Find neighbours.

    Args:
        records: The runs.
        differing: The settings that differ between them.

    Returns:
        At most `MOST_PAIRS` pairs with a value in common, of runs that differ in one setting other than the seed, and the number
        of pairs that there are.
    """
    flat = [record.flat for record in records]
    keys = [item.key for item in differing]
    result: list[Pair] = []
    for key in keys:
        if key == "seed":
            continue
        groups: dict[tuple[str, ...], list[int]] = {}
        for index, settings in enumerate(flat):
            if settings:
                rest = tuple(settings.get(other, ABSENT) for other in keys if other != key)
                groups.setdefault(rest, []).append(index)
        for group in groups.values():
            ordered = sorted(group, key=lambda index: _order(flat[index].get(key, ABSENT)))
            for a, b in itertools.pairwise(ordered):
                values = flat[a].get(key, ABSENT), flat[b].get(key, ABSENT)
                gaps = _gaps(records[a], records[b])
                if values[0] != values[1] and gaps:
                    result.append(Pair(key, a, b, values, gaps))
    return result[:MOST_PAIRS], len(result)


def _gaps(a: RunRecord, b: RunRecord) -> list[tuple[str, float, float]]:
    value_a, value_b = _primary(a), _primary(b)
    result = []
    for name in value_a:
        if name in value_b:
            gap = value_b[name][0] - value_a[name][0]
            error = math.hypot(value_a[name][1], value_b[name][1])
            result.append((name, gap, gap / error if error > 0 else math.nan))
    return result


def _primary(record: RunRecord) -> dict[str, tuple[float, float]]:
    return {
        f"{quantity} ({item.stem})": item.values[quantity]
        for item in record.evaluations_read
        if (quantity := str(item.facts.get("quantity"))) in item.values
    }


def _order(text: str) -> tuple[bool, float, str]:
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text
