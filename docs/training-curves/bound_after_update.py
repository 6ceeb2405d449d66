"""How much higher the bound of a minibatch is right after its own update: `python bound_after_update.py RUN MINIBATCHES`.

The finished run is copied, resumed from its last checkpoint with blocks of one minibatch, and thrown away.
"""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import lightning as L
import torch
from torch import Tensor

from aevb import runs
from aevb.config.instantiate import instantiate
from aevb.evaluators.blocks import run_over
from aevb.evaluators.bound import Bound
from aevb.runs import layout
from aevb.training.assembly import TrainingJob, assemble, load_data
from aevb.training.lightning_trainer import trainer
from aevb.training.module import Training
from aevb.training.multi_device import ALONE
from aevb.training.schedule import Block, BlockSchedule


class BoundAroundUpdates(L.Callback):
    """The bound of each minibatch before and after the update that it makes, with the same noise.

    Attributes:
        gains: After minus before, nats per image, for each minibatch.
    """

    def __init__(self) -> None:
        self.gains: list[float] = []
        self._before = (torch.empty(0), 0.0)

    def on_train_batch_start(self, trainer: L.Trainer, module: Training, batch: Block, batch_idx: int) -> None:  # type: ignore[override]
        """Evaluate the minibatch that comes next."""
        x = module.stream.x[torch.from_numpy(module.stream.index(module.stream.position))]
        self._before = x, self._bound(module, x)

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: L.Trainer, module: Training, outputs: object, batch: Block, batch_idx: int
    ) -> None:
        """Evaluate it again."""
        x, before = self._before
        self.gains.append(self._bound(module, x) - before)

    def _bound(self, module: Training, x: Tensor) -> float:
        return run_over(Bound(), module.model, x, seed=0).mean("bound")


def main(source: Path, minibatches: int) -> None:
    """Print the mean gain and its standard error over a number of minibatches."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(shutil.copytree(source, Path(folder) / source.name))
        settings = runs.read_settings(directory)
        hardware = instantiate(settings["trainer"])
        data = load_data(directory, settings, (), ALONE, None)
        splits = data.rows
        job = TrainingJob(directory, settings, hardware, data.dataset, splits, data.classes, (), ALONE)
        module, _ = assemble(job, settings, None)
        checkpoint = directory / layout.LAST_CHECKPOINT
        seen = torch.load(checkpoint, weights_only=True)["training"]["samples_seen"]
        end = seen + minibatches * settings["batch_size"]
        blocks = BlockSchedule(lambda: module.samples_seen, end, module.round_samples, settings["batch_size"])
        around = BoundAroundUpdates()
        trainer(directory, hardware, ALONE, [around]).fit(
            module, train_dataloaders=blocks, ckpt_path=checkpoint, weights_only=True
        )
    error = statistics.stdev(around.gains) / len(around.gains) ** 0.5
    print(f"{source.name} at {seen:,} samples: {statistics.mean(around.gains):+.3f} ± {error:.3f} nats")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
