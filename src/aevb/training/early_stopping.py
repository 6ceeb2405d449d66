"""When a run ends before its budget: the validation bound has not improved for some evaluation points.

Only evaluation points count, which are absolute numbers of training samples, so a run that is resumed or extended
stops where an uninterrupted one does. The end of a budget that is no evaluation point does not count.
"""

from typing import Any

from aevb.types import NonNegativeFloat, NonNegativeInt, PositiveInt

__all__ = ["EarlyStopping"]


class EarlyStopping:
    """Watches the validation bound.

    Args:
        patience: Evaluation points without an improvement after which training ends.
        min_delta: What the bound must rise by to count as an improvement, nats per datapoint.
        start: Evaluation points before this number of training samples do not count: the first ones are close
            together, and the warm-up of the authors' Adagrad changes nothing.

    Attributes:
        best: samples_seen and bound of the highest validation bound so far; None before the first.
        waited: Evaluation points since the last improvement.
    """

    def __init__(
        self, patience: PositiveInt = 3, min_delta: NonNegativeFloat = 0.0, start: NonNegativeInt = 100_000
    ) -> None:
        self.patience, self.min_delta, self.start = patience, min_delta, start
        self.best: tuple[int, float] | None = None
        self.reference: float | None = None  # the bound that an improvement is measured from
        self.waited = 0

    def update(self, samples_seen: int, bound: float) -> bool:
        """Take the validation bound of one evaluation point.

        Args:
            samples_seen: Training samples so far.
            bound: The bound on the validation split, nats per datapoint.

        Returns:
            Whether it is the highest so far, so that the weights are worth keeping.
        """
        if samples_seen < self.start:
            return False
        if self.reference is None or bound > self.reference + self.min_delta:
            self.reference, self.waited = bound, 0
        else:
            self.waited += 1
        is_best = self.best is None or bound > self.best[1]
        if is_best:
            self.best = samples_seen, bound
        return is_best

    @property
    def has_ended(self) -> bool:
        """Whether training is to end."""
        return self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """Return the state, as plain containers for a checkpoint."""
        best = None if self.best is None else list(self.best)
        return {"best": best, "reference": self.reference, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned (see `EarlyStopping.state_dict`)."""
        best = state["best"]
        self.best = None if best is None else (int(best[0]), float(best[1]))
        self.reference, self.waited = state["reference"], int(state["waited"])
