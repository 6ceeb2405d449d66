"""The base class of run loggers, which show a run in other places than metrics.csv; it does nothing.

conf/logger names one of these classes. A run calls its logger in this order:

    logger            once, before training starts or is resumed
    begin             once, with the model at its starting point; not if nothing is left to train
    log_evaluation    at every evaluation point and at the end of training
    end               once, after the final evaluations over the whole test split

On several devices only rank 0 calls it. A run may be killed between any two calls and resumed later
from its last checkpoint: a logger must not show anything twice (see `logger`).
"""

from pathlib import Path
from typing import Any, NamedTuple

from lightning.pytorch.loggers import Logger
from torch import Tensor

from aevb.data.dataset import ImageShape
from aevb.data.target_convention import TargetConvention
from aevb.evaluators.evaluator import Evaluation
from aevb.models.vae import VAE

__all__ = ["RunContext", "RunLogger"]


class RunContext(NamedTuple):
    """What a run logger may look at.

    Attributes:
        directory: The run directory.
        settings: The resolved config.
        model: The model that is trained.
        x: Test images, (n, D), in the form that the decoder models; of a conditional model with their labels behind the
            pixels (aevb.models.conditional).
        label: Their labels, (n,).
        shape: (rows, columns) of an image, or (rows, columns, 3) in colour.
        num_images: Number of images that are evaluated at an evaluation point, by every evaluator but
            `bound`.
        targets: What the values of an image mean.
        train_x: Training images, (num_images, D), if evaluation points look at these too.
        valid_x: Validation images, (n, D), if `bound` is evaluated on these too.
    """

    directory: Path
    settings: dict[str, Any]
    model: VAE
    x: Tensor
    label: Tensor
    shape: ImageShape
    num_images: int
    targets: TargetConvention
    train_x: Tensor | None = None
    valid_x: Tensor | None = None


class RunLogger:
    """Base class of run loggers."""

    def logger(self, directory: Path, samples_seen: int, round_samples: int) -> Logger | list[Logger] | bool:
        """Return the Lightning logger of the run; called once, before training starts or is resumed.

        A subclass removes here what an earlier process of this run wrote after `samples_seen`, since it
        will be written again.

        Args:
            directory: The run directory.
            samples_seen: Training samples at which the run starts (0) or is resumed.
            round_samples: Training samples of one round of the objective.

        Returns:
            A logger for Lightning's trainer, several, or False for none.
        """
        return False

    def begin(self, context: RunContext) -> None:
        """Begin the log of a run, before the first block of training.

        Args:
            context: The run, with the model at its starting point.
        """

    def log_evaluation(self, context: RunContext, row: dict[str, float]) -> None:
        """Called at every evaluation point and at the end of training, before the checkpoint is saved.

        Args:
            context: The run.
            row: A row of metrics.csv and further values; samples_seen is an int.
        """

    def end(self, context: RunContext, row: dict[str, float], evaluations: dict[str, Evaluation]) -> None:
        """Called once, after the final evaluations and before the run is marked as done.

        Args:
            context: The run, with the images of the final evaluations.
            row: The last row that `log_evaluation` was given.
            evaluations: Evaluations over the whole test split by the name of the evaluator.
        """
