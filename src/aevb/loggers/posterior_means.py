"""Records posterior means of test images at every evaluation point, for figure=posterior_means."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.loggers import Logger

from aevb.errors import UserError
from aevb.files.archive import open_bounded
from aevb.files.atomic import write_atomically
from aevb.files.regular import is_regular
from aevb.loggers.base import RunContext, RunLogger
from aevb.runs import layout
from aevb.runs.progress import is_former_end
from aevb.runs.settings import read_settings
from aevb.types import PositiveInt

__all__ = ["PosteriorMeans", "read_posterior_means"]


def read_posterior_means(run: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read posterior_means.npz.

    Args:
        run: The run directory.

    Returns:
        samples_seen (T,), mean (T, n, J) and label (n,).

    Raises:
        UserError: If the file is damaged, or holds other arrays.
    """
    path = run / layout.POSTERIOR_MEANS
    try:
        with open_bounded(path) as file, np.load(file, allow_pickle=False) as arrays:
            seen, mean, label = arrays["samples_seen"], arrays["mean"], arrays["label"]
        fits = (seen.ndim, mean.ndim, label.ndim) == (1, 3, 1) and mean.shape[:2] == (len(seen), len(label))
        numbers = seen.dtype.kind in "iu" and mean.dtype.kind == "f" and label.dtype.kind in "iu"
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        fits = numbers = False
    if not (fits and numbers):
        raise UserError(f"{path}: damaged; allowed: what logger=posterior_means writes; try: remove it")
    return seen, mean, label


class PosteriorMeans(RunLogger):
    """Writes posterior_means.npz; a resumed run keeps the frames that it has.

    The file has the arrays samples_seen (T,), mean (T, n, J) and label (n,).

    Args:
        images: Number of test images, n, from the beginning of the split.
    """

    def __init__(self, images: PositiveInt = 1000) -> None:
        self.images = images
        self.frames: list[tuple[int, np.ndarray]] = []

    def logger(self, directory: Path, samples_seen: int, round_samples: int) -> Logger | bool:
        """Read the frames of a resumed run up to `samples_seen` (see `RunLogger.logger`).

        Args:
            directory: The run directory.
            samples_seen: The training samples seen so far.
            round_samples: The training samples of one round.
        """
        self.frames, self._start = [], samples_seen
        evaluation = read_settings(directory)["evaluation"]
        if samples_seen and is_regular(directory / layout.POSTERIOR_MEANS):
            counts, means, _ = read_posterior_means(directory)
            self.frames = [
                (seen, mean) for seen, mean in zip(counts.tolist(), means, strict=True) if seen <= samples_seen
            ]
            last = self.frames[-1][0] if self.frames else 0
            if last and is_former_end(last, round_samples, evaluation.get("start", 1), evaluation.get("every")):
                self.frames.pop()
        return False

    def begin(self, context: RunContext) -> None:
        """Record the posterior means before training.

        Args:
            context: The run.

        Raises:
            UserError: If an earlier start of the run has recorded another number of images.
        """
        images = len(context.x[: self.images])
        if self.frames and len(recorded := self.frames[0][1]) != images:
            raise UserError(
                f"logger.images={self.images}: posterior_means.npz of this run has {len(recorded)} images at every point; "
                f"allowed: {len(recorded)}; try: logger.images={len(recorded)}"
            )
        if self._start == 0:
            self._add(context, 0)

    def log_evaluation(self, context: RunContext, row: dict[str, float]) -> None:
        """Record the posterior means at an evaluation point.

        Args:
            context: The run.
            row: The row of metrics.csv.
        """
        self._add(context, int(row["samples_seen"]))

    @torch.no_grad()
    def _add(self, context: RunContext, seen: int) -> None:
        mean = context.model.encoder(context.x[: self.images]).mean.cpu().numpy()
        self.frames = [*(frame for frame in self.frames if frame[0] < seen), (seen, mean)]
        arrays: dict[str, Any] = {
            "samples_seen": np.array([frame[0] for frame in self.frames]),
            "mean": np.stack([frame[1] for frame in self.frames]),
            "label": context.label[: self.images].cpu().numpy(),
        }
        write_atomically(context.directory / layout.POSTERIOR_MEANS, lambda file: np.savez_compressed(file, **arrays))
