"""Which settings differ between the runs of a report, without those that only repeat another one.

A config repeats itself: model.encoder.latent_dim is latent_dim, and a choice of `data` brings its own scale. Such keys are implied
by the key that they follow, and are left out.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from aevb.config import flatten, shown
from aevb.config.signature import UNSET, signature

__all__ = ["ABSENT", "Differing", "differing_settings", "flat_settings", "is_number"]

ABSENT = "absent"
LEFT_OUT = (
    "name",
    "output_dir",
    "report",
    "logger",
    "evaluator",
    "choices.logger",
    "choices.evaluator",
    "choices.experiment",
    "choices.trainer",
)


BELOW_LEFT_OUT = tuple(f"{name}." for name in LEFT_OUT)


class Differing(NamedTuple):
    """A setting with several values.

    Attributes:
        key: The dotted key.
        values: The number of runs by value, the most frequent first.
    """

    key: str
    values: dict[str, int]

    @property
    def in_order(self) -> dict[str, int]:
        """The values in the order in which they are shown: numbers by size and the rest after them, text by frequency."""
        numbers = {value: float(value) for value in self.values if is_number(value)}
        return {value: self.values[value] for value in (*sorted(numbers, key=numbers.__getitem__), *self.values)}


def is_number(text: str) -> bool:
    """Return whether a text is a finite number.

    Args:
        text: The value of a setting.
    """
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def flat_settings(settings: dict[str, Any]) -> dict[str, str]:
    """Return the settings that describe an experiment, as the command line writes them, by dotted key.

    Args:
        settings: The config of a run.

    Returns:
        Values by key; the option of a group stands under the group's name, as in `data=mnist`.
    """
    keys, values = zip(*flatten(settings), strict=True)
    return {
        key: value if type(value) is str and value.isalnum() else str(value) if type(value) is int else shown(value)
        for key, value in zip(_shown_keys(keys), values, strict=True)
        if key
    }


@lru_cache(maxsize=1024)  # thousands of runs have the same keys
def _shown_keys(keys: tuple[str, ...]) -> list[str]:
    # Empty for a key that is left out.
    return ["" if key in LEFT_OUT or key.startswith(BELOW_LEFT_OUT) else key.removeprefix("choices.") for key in keys]


def differing_settings(runs: Sequence[dict[str, str]]) -> list[Differing]:
    """Return the settings that differ between runs.

    Args:
        runs: `flat_settings` of every run that has a config.

    Returns:
        The keys with more than one value, those that only follow from another key left out.
    """
    differing = {key for run in runs for key, _ in run.items() ^ runs[0].items()}
    keys = [key for key in dict.fromkeys(chain.from_iterable(runs)) if key in differing]
    columns = {key: tuple(run.get(key, ABSENT) for run in runs) for key in keys}
    varying = {key: column for key, column in columns.items() if len(set(column)) > 1}
    kept = [key for key in varying if not _implied(key, varying, runs)]
    return [Differing(key, dict(Counter(varying[key]).most_common())) for key in sorted(kept, key=_rank)]


def _implied(key: str, varying: dict[str, tuple[str, ...]], runs: Sequence[dict[str, str]]) -> bool:
    group, _, rest = key.partition(".")
    sources = {group, "data", "objective"} if group == "model" else {group}  # a data set chooses its decoder
    values = set(varying[key]) - {ABSENT}
    if len(values) == 1:  # a key that goes with another choice, or that older configs do not have
        present = tuple(ABSENT if value == ABSENT else "" for value in varying[key])
        follows = any(_follows(present, varying[other]) for other in sources & varying.keys())
        return follows or _is_default(key, values.pop(), runs)
    if not rest:
        return False
    last = key.rpartition(".")[2]
    if last in varying and all(a in (b, ABSENT) for a, b in zip(varying[key], varying[last], strict=True)):
        return True  # model.encoder.latent_dim repeats latent_dim
    return any(_follows(varying[key], varying[other]) for other in sources & varying.keys())


def _is_default(key: str, value: str, runs: Sequence[dict[str, str]]) -> bool:
    # True also where no constructor of aevb tells, as for a key at the top that older configs do not have.
    parent, _, name = key.rpartition(".")
    target = next(run.get(f"{parent}._target_", "") for run in runs if key in run)
    known = signature(target) if target.startswith("aevb.") else None
    parameter = known.parameters.get(name) if known else None
    return (
        parameter is None
        or parameter.default in (UNSET, ...)
        or flat_settings({name: parameter.default}) == {name: value}
    )


def _follows(column: tuple[str, ...], from_column: tuple[str, ...]) -> bool:
    values: dict[str, set[str]] = defaultdict(set)
    for value, source in zip(column, from_column, strict=True):
        values[source].add(value)
    return all(len(matches) == 1 for matches in values.values())


def _rank(key: str) -> tuple[int, str]:
    order = ("data", "latent_dim", "objective", "model", "optimizer", "optimizer.lr", "seed", "max_samples")
    return (order.index(key), "") if key in order else (len(order), key)
