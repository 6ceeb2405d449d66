"""When a run is evaluated while it trains, and on how many images."""

from dataclasses import dataclass
from typing import Literal

from aevb.types import PositiveInt

__all__ = ["EvaluationSettings"]

EARLIEST, SHARE = 10_000, 20
"""By default a run is evaluated from EARLIEST training samples on, or from a share 1 / SHARE of its budget if that is less."""


@dataclass(frozen=True)
class EvaluationSettings:
    """Settings of the evaluations during and after training (conf/evaluation).

    The evaluation points are 1, 2, 3, 5 x 10^k training samples and the end of training.

    Args:
        start: Number of training samples before which evaluation points are skipped; None: EARLIEST, or a twentieth
            of a run that is shorter than twenty times that; none are skipped where early stopping watches them.
        every: If given, its multiples (training samples) are evaluation points too.
        num_images: Images that every evaluator but `bound` uses at an evaluation point.
        final_images: Test images of the evaluations at the end of training; None: all.
        splits: Splits of the evaluation points; both: also the first images of the training set, in columns train_*;
            valid: also the bound on the validation split, in columns valid_*; all: all three.
        train_window: Number of training samples that one value of train_bound averages over.
    """

    start: PositiveInt | None = None
    every: PositiveInt | None = None
    num_images: PositiveInt = 1000
    final_images: PositiveInt | None = None
    splits: Literal["test", "both", "valid", "all"] = "test"
    train_window: PositiveInt = 230_000

    def first(self, max_samples: int, early_stopping: bool) -> int:
        """Return the number of training samples before which evaluation points are skipped.

        Args:
            max_samples: Training samples of the whole run.
            early_stopping: Whether the evaluation points decide when the run ends.
        """
        if self.start is not None:
            return self.start
        return 1 if early_stopping else max(1, min(EARLIEST, max_samples // SHARE))
