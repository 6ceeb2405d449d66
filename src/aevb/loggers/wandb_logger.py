"""Weights & Biases, offline unless asked otherwise: <run>/wandb, and `wandb sync` to upload it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aevb.config.machine import check_package
from aevb.evaluators.evaluator import Evaluation
from aevb.files.atomic import write_text
from aevb.files.regular import is_regular, read_text
from aevb.loggers.base import RunContext
from aevb.loggers.lightning_logger import LightningLogger
from aevb.runs import layout
from aevb.types import NonNegativeInt

if TYPE_CHECKING:
    from lightning.pytorch.loggers import WandbLogger

__all__ = ["WandB"]

STATE_BYTES = 100  # of a number


class WandB(LightningLogger):
    """Writes a run of Weights & Biases.

    A resumed run goes to the same run of W&B, whose identifier is that of the run directory; values that W&B
    has already are not sent again. Its own process writes late: the last points before a kill of all processes can be missing.

    Args:
        project: Project of W&B.
        offline: Whether to write files only; `wandb sync outputs/runs/*/wandb/wandb/offline-run-*` uploads them.
        images: Number of prior samples and of reconstructed test images in the pictures; 0: none.
    """

    package: str = "wandb"

    def __init__(self, project: str = "aevb", offline: bool = True, images: NonNegativeInt = 64) -> None:
        check_package(self.package)
        self.project, self.offline, self.images = project, offline, images

    def make(self, directory: Path, settings: dict[str, Any]) -> "WandbLogger":
        """Return the logger (see `LightningLogger.make`)."""
        import wandb
        from lightning.pytorch.loggers import WandbLogger

        folder = directory / layout.WANDB
        folder.mkdir(exist_ok=True)
        os.environ.setdefault("WANDB_SILENT", "true")
        # Neither the output of the program nor its code, git state or machine are anybody's business by default.
        private = wandb.Settings(
            mode="offline" if self.offline else "online",
            console="off",
            disable_code=True,
            disable_git=True,
            x_disable_stats=True,
            silent=True,
        )
        wandb.setup(private)
        self._state, self._end = folder / "last_samples_seen", folder / "last_end"
        return WandbLogger(
            name=directory.name,
            save_dir=folder,
            project=self.project,
            id=f"{directory.name}-{settings.get('fingerprint', '')[:8]}".rstrip("-"),
            offline=self.offline,
            resume=None if self.offline else "allow",
            settings=private,
        )

    def last(self, directory: Path, samples_seen: int) -> int:
        """Return the last evaluation point that W&B has, perhaps beyond the checkpoint (see `LightningLogger.last`)."""
        return _number(self._state)

    def last_end(self, directory: Path) -> int:
        """Return the last end that an earlier process logged (see `LightningLogger.last_end`)."""
        return _number(self._end)

    def log_evaluation(self, context: RunContext, row: dict[str, float]) -> None:
        """Log the values of an evaluation point, and remember it (see `LightningLogger.log_evaluation`)."""
        super().log_evaluation(context, row)
        write_text(self._state, str(self._last))

    def end(self, context: RunContext, row: dict[str, float], evaluations: dict[str, Evaluation]) -> None:
        """Log the final evaluations, and remember them (see `LightningLogger.end`)."""
        super().end(context, row, evaluations)
        write_text(self._end, str(int(row["samples_seen"])))

    def close(self) -> None:
        """End the run of W&B, so that its files are whole."""
        self._logger.experiment.finish()


def _number(path: Path) -> int:
    text = read_text(path, STATE_BYTES) if is_regular(path) else ""
    return int(text) if text.isdecimal() else -1
