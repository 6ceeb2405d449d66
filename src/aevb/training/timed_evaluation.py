"""An evaluation during training, with what it took."""

from typing import NamedTuple

from aevb.evaluators.evaluator import Evaluation, Evaluator

__all__ = ["TimedEvaluation"]


class TimedEvaluation(NamedTuple):
    """An evaluation, and what it took.

    Attributes:
        evaluator: What evaluated it.
        evaluation: The values, for each image.
        seconds: How long it took.
    """

    evaluator: Evaluator
    evaluation: Evaluation
    seconds: float
