"""Where the curves go besides metrics.csv. This one writes nothing."""

from pathlib import Path
from typing import Any, NamedTuple

from lightning.pytorch.loggers import Logger
from torch import Tensor

from aevb.evaluators.evaluator import Evaluation
from aevb.models.vae import VAE

__all__ = ["RunContext", "RunLogger"]


class RunContext(NamedTuple):
    """What a run_logger may look at.

    directory: of the run. settings: its config. model: being trained. x: (n, D) test targets. label: (n,). shape: (rows, columns)
    of an image. first: images behind log p(x) at a mark. convention: of the targets, in words. train: (first, D) training
    targets, where marks look at them too.
    """

    directory: Path
    settings: dict[str, Any]
    model: VAE
    x: Tensor
    label: Tensor
    shape: tuple[int, int]
    first: int
    convention: str
    train: Tensor | None = None


class RunLogger:
    """Base of recorders: called at the start, at every mark, at the end."""

    def logger(self, directory: Path, samples_seen: int, round_samples: int) -> Logger | bool:
        """The Lightning logger of a run that starts, or goes on, at `samples_seen`, which rounds of so many have come to."""
        return False

    def begin(self, context: RunContext) -> None:
        """Before the first block."""

    def mark(self, context: RunContext, row: dict[str, float]) -> None:
        """At a mark: `row` has the columns of metrics.csv, samples_seen an int."""

    def end(self, context: RunContext, row: dict[str, float], evaluations: dict[str, Evaluation]) -> None:
        """After the last block: evaluations over the whole test split, by evaluator name."""
