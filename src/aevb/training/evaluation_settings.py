"""When a run is evaluated while it trains, and on how many images."""

from dataclasses import dataclass
from typing import Literal

from aevb.types import PositiveInt

__all__ = ["EvaluationSettings"]


@dataclass(frozen=True)
class EvaluationSettings:
    """Settings of the evaluations during and after training (conf/evaluation).

    The evaluation points are 1, 2, 3, 5 x 10^k training samples from `start` on, and the end of training.

    Args:
        start: Number of training samples before which evaluation points are skipped. The default is the warm-up of the authors'
            Adagrad, 100 minibatches of 100, in which no weight changes.
        every: If given, its multiples (training samples) are evaluation points too.
        num_images: Images that every evaluator but `bound` uses at an evaluation point.
        final_images: Test images of the evaluations at the end of training; None: all.
        splits: Splits of the evaluation points; both: also the first images of the training set, in columns train_*;
            valid: also the bound on the validation split, in columns valid_*; all: all three.
        train_window: Number of training samples that one value of train_bound averages over.
        cores: Cores of a CPU on which blocks of images are evaluated at the same time; None: all of them for a run that
            trains alone, and one for a run of a sweep. The values do not depend on it.
    """

    start: PositiveInt = 10_000
    every: PositiveInt | None = None
    num_images: PositiveInt = 1000
    final_images: PositiveInt | None = None
    splits: Literal["test", "both", "valid", "all"] = "test"
    train_window: PositiveInt = 230_000
    cores: PositiveInt | None = None
