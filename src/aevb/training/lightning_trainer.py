"""Lightning's Trainer as aevb uses it: its loop, devices and callbacks, without what it adds by default."""

import logging
import warnings
from pathlib import Path
from typing import Any

import lightning as L
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment

from aevb.training.multi_device import Ranks, UnwrappedDDP
from aevb.training.settings import TrainerSettings

__all__ = ["trainer"]


def trainer(
    directory: Path,
    settings: TrainerSettings,
    ranks: Ranks,
    callbacks: list[L.Callback],
    logger: Any = False,
    checkpoint_io: CheckpointIO | None = None,
) -> L.Trainer:
    """Return a Trainer for one fit of a run.

    Args:
        directory: The run directory.
        settings: Settings of the trainer.
        ranks: Which of the processes of the run this is.
        callbacks: Callbacks, called in this order.
        logger: A Lightning logger, or False for none.
        checkpoint_io: How checkpoints are written, if a callback saves any.
    """
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")  # advice on loaders and loggers that aevb has on purpose
    # Named explicitly: Lightning would otherwise choose by environment variables, for example those of SLURM.
    plugins: list[Any] = [TorchElasticEnvironment() if ranks.world > 1 else LightningEnvironment()]
    if checkpoint_io is not None:
        plugins.append(checkpoint_io)
    return L.Trainer(
        accelerator=settings.accelerator,
        devices=ranks.local,
        num_nodes=ranks.world // ranks.local,
        strategy=UnwrappedDDP() if ranks.world > 1 else "auto",
        max_epochs=1,
        logger=logger,
        callbacks=callbacks,
        plugins=plugins,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        log_every_n_steps=1,
        default_root_dir=directory,
    )
