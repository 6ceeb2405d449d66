"""The learning rate of a run: set in the optimizers before an update, by the schedule (aevb.optimizers.schedules).

A constant schedule never touches an optimizer.
"""

import math
from collections.abc import Iterable

import torch

from aevb.errors import UserError
from aevb.optimizers.schedules import Constant, Schedule

__all__ = ["LearningRate"]


class LearningRate:
    """Sets the learning rates of optimizers.

    Args:
        schedule: The schedule.

    Attributes:
        factor: What the learning rates of the config are multiplied by now.
    """

    def __init__(self, schedule: Schedule | None = None) -> None:
        self.schedule = schedule or Constant()
        self.is_constant = isinstance(self.schedule, Constant)
        self.factor = 1.0
        self._since, self._until = 0.0, 0.0  # the factor holds for these samples_seen; at first for none
        self._optimizers: list[tuple[torch.optim.Optimizer, list[float]]] = []

    def attach(self, optimizers: Iterable[torch.optim.Optimizer]) -> None:
        """Take the learning rates of the config from new optimizers.

        Args:
            optimizers: Optimizers that have not loaded a state yet.
        """
        self._optimizers = [(optimizer, [g["lr"] for g in optimizer.param_groups]) for optimizer in optimizers]
        self._since = self._until = 0.0

    def set(self, samples_seen: int) -> None:
        """Set the learning rates of the next update.

        Args:
            samples_seen: Training samples of all devices before the update.
        """
        if self.is_constant or self._since <= samples_seen < self._until:
            return
        self.factor = self._factor(samples_seen)
        self._since, self._until = samples_seen, self._number("constant_until", samples_seen)
        for optimizer, initial in self._optimizers:
            # Loading a state replaces param_groups, so they are looked up each time.
            for group, lr in zip(optimizer.param_groups, initial, strict=True):
                group["lr"] = lr * self.factor

    def is_constant_for(self, samples_seen: int, samples: int) -> bool:
        """Set the learning rate, and return whether the updates up to `samples` further samples share it.

        Args:
            samples_seen: Training samples before the first of these updates.
            samples: Training samples of all of them.
        """
        self.set(samples_seen)
        return self.is_constant or samples_seen + samples < self._until

    def value(self, samples_seen: int) -> float:
        """Return the learning rate of an update, that of the first parameter group.

        Args:
            samples_seen: Training samples before the update.
        """
        return self._optimizers[0][1][0] * self._factor(samples_seen)

    def _factor(self, samples_seen: int) -> float:
        try:
            factor = self._number("factor", samples_seen)
        except OverflowError as error:  # of a user's schedule; gamma ** n of our own is refused with the config
            raise self._wrong("factor", samples_seen, math.inf) from error
        if not 0 <= factor < math.inf:
            raise self._wrong("factor", samples_seen, factor)
        return factor

    def _number(self, method: str, samples_seen: int) -> float:
        # A user's schedule may compute with numpy or torch, whose numbers are written to metrics.csv in another form.
        value = getattr(self.schedule, method)(samples_seen)
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise self._wrong(method, samples_seen, value) from error

    def _wrong(self, method: str, samples_seen: int, value: object) -> UserError:
        allowed = (
            "a finite number >= 0" if method == "factor" else "a number, the samples at which the factor changes next"
        )
        example = "return 1.0" if method == "factor" else "return samples_seen + 1"
        return UserError(
            f"schedule: {type(self.schedule).__name__}.{method}({samples_seen}) is {value!r}; allowed: {allowed}; try: {example}"
        )
