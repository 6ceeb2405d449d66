"""The search space of `hydra/sweeper=optuna`, in Hydra's syntax of sweeps.

choice(a,b) and a,b are categories; range(1,9,2) are the integers 1, 3, 5, 7 (the end is left out, as everywhere in Hydra);
interval(0.1,0.9) are real numbers, int(interval(1,9)) the integers 1 to 9; tag(log,interval(1e-4,1e-1)) is uniform in the logarithm.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, QuotedString, RangeSweep, Transformer

from aevb.errors import UserError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

__all__ = ["Space", "parse_space"]

CATEGORIES = 1000
"""The most values of one key."""

INTERIOR = 0.381966
"""Where in an interval of real numbers a point is tried: no round number, so that a key of integers refuses it."""


@dataclass(frozen=True)
class Space:
    """What is searched, and what all trials share.

    Attributes:
        distributions: Key -> distribution.
        fixed: Overrides of every trial, `key=value`.
    """

    distributions: dict[str, "BaseDistribution"]
    fixed: tuple[str, ...]

    def suggest(self, trial: "Trial") -> list[str]:
        """Return the overrides of a trial.

        Args:
            trial: The trial, whose sampler chooses the values.
        """
        return self.overrides({key: trial._suggest(key, kind) for key, kind in self.distributions.items()})

    def overrides(self, values: dict[str, Any]) -> list[str]:
        """Return values as overrides, `key=value`.

        Args:
            values: Key -> value.
        """
        return [f"{key}={_text(value)}" for key, value in values.items()]

    def edges(self) -> list[dict[str, Any]]:
        """Return points of the space that show whether it is valid.

        Returns:
            Every category, both ends of every interval, and a point within each interval of real numbers.
        """
        ends = {key: _ends(kind) for key, kind in self.distributions.items()}
        middle = {key: values[0] for key, values in ends.items()}
        return [middle] + [{**middle, key: value} for key, values in ends.items() for value in values[1:]]

    def describe(self) -> list[str]:
        """Return the space as lines, `key: distribution`."""
        return [f"{key}: {_described(kind)}" for key, kind in self.distributions.items()]


def parse_space(loader: Any, params: dict[str, Any], typed: Sequence[str]) -> Space:
    """Parse a search space.

    Args:
        loader: Hydra's config loader.
        params: Key -> values as text (`hydra.sweeper.params`).
        typed: The overrides of the command line; they win.

    Raises:
        UserError: For values that cannot be searched, or if there is nothing to search.
    """
    parser = OverridesParser.create(config_loader=loader)
    parsed = parser.parse_overrides([*(f"{key}={value}" for key, value in params.items()), *typed])
    last = {override.get_key_element(): override for override in parsed}
    distributions: dict[str, BaseDistribution] = {}
    fixed = []
    for key, override in last.items():
        if override.is_sweep_override():
            distributions[key] = _distribution(override)
        else:
            fixed.append(str(override.input_line))
    if not distributions:
        raise UserError(
            "hydra/sweeper=optuna: nothing to search; allowed: choice(...), range(...), interval(...) as the value of a key; "
            "try: 'optimizer.lr=tag(log,interval(1e-4,1e-1))'"
        )
    return Space(distributions, tuple(fixed))


def _distribution(override: Override) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value: Any = override.value()
    try:
        if isinstance(value, IntervalSweep):
            log, low, high = "log" in value.tags, value.start, value.end
            assert low is not None
            assert high is not None
            if not low < high or not math.isfinite(high - low) or (log and low <= 0):
                raise ValueError("needs a lower end below the upper one" + (", above 0" if log else ""))
            if isinstance(low, int) and isinstance(high, int):
                return IntDistribution(low, high, log=log)
            return FloatDistribution(float(low), float(high), log=log)
        if isinstance(value, RangeSweep) and not value.shuffle and _are_integers(value) and (value.step or 1) > 0:
            numbers = list(value.range())
            if not numbers:
                raise ValueError("holds no number")
            return IntDistribution(int(numbers[0]), int(numbers[-1]), step=int(value.step))
        values = [_category(item) for item in override.sweep_iterator(transformer=Transformer.identity)]
        if not 1 <= len(values) <= CATEGORIES:
            raise ValueError(f"has {len(values)} values")
        return CategoricalDistribution(values)
    except ValueError as error:
        raise UserError(
            f"{override.input_line}: {' '.join(str(error).split())}; allowed: choice(...), range(...), interval(low,high); "
            f"try: '{override.get_key_element()}=choice(1,2)'"
        ) from error


def _are_integers(value: RangeSweep) -> bool:
    return all(isinstance(number, int) for number in (value.start, value.stop, value.step))


def _category(item: Any) -> Any:
    # Numbers stay numbers, for the pages of Optuna's dashboard; anything else is the text of an override.
    if item is None or isinstance(item, bool | int | float):
        return item
    return item.with_quotes() if isinstance(item, QuotedString) else str(Transformer.encode(item))


def _text(value: Any) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _ends(kind: "BaseDistribution") -> list[Any]:
    values: Any = getattr(kind, "choices", None)
    if values is not None:
        return list(values)
    low, high = kind.low, kind.high  # type: ignore[attr-defined]
    return [low, high] if isinstance(low, int) else [low, high, low + INTERIOR * (high - low)]


def _described(kind: Any) -> str:
    if hasattr(kind, "choices"):
        return f"one of {', '.join(map(_text, kind.choices))}"
    step = f" in steps of {kind.step}" if kind.step not in (None, 1) else ""
    integers = "integer" if isinstance(kind.low, int) else "real number"
    return f"{integers} from {kind.low} to {kind.high}{step}{', uniform in the logarithm' if kind.log else ''}"
