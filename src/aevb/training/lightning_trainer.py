"""Lightning's Trainer as every training of aevb has it: loop, devices and callbacks, and nothing that it would add by itself."""

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
    """A Trainer for one fit of the run in `directory`.

    ranks: where this process stands. logger: Lightning's, or False for none. checkpoint_io: how callbacks save, if any does.
    """
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")  # advice on loaders and loggers that aevb has on purpose
    # The environment is named: Lightning would go by what it finds around it, SLURM's for example.
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
