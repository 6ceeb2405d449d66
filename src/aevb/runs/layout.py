"""The name of every file of a run directory, once, and which of its checkpoints a run is resumed from.

Every other module composes paths from these names: `run / layout.METRICS`. A run directory looks like this:

    <output_dir>/<name>/
        config.yaml              resolved config with its fingerprint
        manifest.json            versions, commit, device, times
        data.json                sha256 of the data of each split
        LOCK                     held by the process that trains
        metrics.csv              one row per evaluation point
        timing.csv               wall times of the same evaluation points
        progress.json            how far the run has come since then; while it is not done
        learning_rates.json      how the learning rate was selected, if it was
        checkpoints/             last.ckpt, last.previous.ckpt, damaged.ckpt
        tb/                      TensorBoard event files
        csv/, wandb/, mlflow     what logger=csv, wandb and mlflow write (mlflow: the identifier of its run)
        posterior_means.npz      posterior means at the evaluation points (logger=posterior_means)
        model.pt                 state_dict of the trained model
        best.pt                  state_dict at the highest validation bound (early_stopping=validation)
        evaluation/              one JSON file per evaluator and split; of best.pt in evaluation/best/
        DONE or FAILED           how the run ended
        PRUNED                   why a search stopped it, if one did
"""

import os
from pathlib import Path

from aevb.errors import UserError
from aevb.files.archive import is_intact
from aevb.files.regular import is_regular

__all__ = [
    "BEST",
    "BEST_EVALUATIONS",
    "CHECKPOINTS",
    "CONFIG",
    "CSV",
    "DAMAGED_CHECKPOINT",
    "DATA",
    "DONE",
    "ENTRIES",
    "EVALUATIONS",
    "FAILED",
    "FOLDERS",
    "LAST_CHECKPOINT",
    "LEARNING_RATES",
    "LOCK",
    "MANIFEST",
    "METRICS",
    "MLFLOW",
    "MODEL",
    "POSTERIOR_MEANS",
    "PREVIOUS_CHECKPOINT",
    "PROGRESS",
    "PRUNED",
    "PUBLISHED_EVALUATIONS",
    "TENSORBOARD",
    "TIMING",
    "WANDB",
    "evaluation_files",
    "newest_checkpoint",
]

CONFIG = "config.yaml"
MANIFEST = "manifest.json"
DATA = "data.json"
LOCK = "LOCK"
DONE = "DONE"
FAILED = "FAILED"
PRUNED = "PRUNED"
METRICS = "metrics.csv"
TIMING = "timing.csv"
PROGRESS = "progress.json"
LEARNING_RATES = "learning_rates.json"
MODEL = "model.pt"
BEST = "best.pt"
POSTERIOR_MEANS = "posterior_means.npz"
CHECKPOINTS = "checkpoints"
LAST_CHECKPOINT = f"{CHECKPOINTS}/last.ckpt"
PREVIOUS_CHECKPOINT = f"{CHECKPOINTS}/last.previous.ckpt"
DAMAGED_CHECKPOINT = f"{CHECKPOINTS}/damaged.ckpt"
TENSORBOARD = "tb"
CSV = "csv"
WANDB = "wandb"
MLFLOW = "mlflow"
EVALUATIONS = "evaluation"
BEST_EVALUATIONS = f"{EVALUATIONS}/best"
PUBLISHED_EVALUATIONS = f"{TENSORBOARD}/evaluation"

FOLDERS = (CHECKPOINTS, EVALUATIONS, BEST_EVALUATIONS, TENSORBOARD, PUBLISHED_EVALUATIONS, CSV, WANDB)
"""The folders of a run directory that we write to."""

ENTRIES = (
    *(CONFIG, MANIFEST, DATA, LOCK, DONE, FAILED, PRUNED, METRICS, TIMING, PROGRESS, LEARNING_RATES, MODEL, BEST),
    *(POSTERIOR_MEANS, CHECKPOINTS, TENSORBOARD, CSV, WANDB, MLFLOW, EVALUATIONS),
)
"""Everything of ours directly in a run directory."""


def evaluation_files(run: Path, best: bool = False) -> list[Path]:
    """Return the JSON files of the evaluations of a run, sorted by name.

    Args:
        run: The run directory.
        best: Those of best.pt instead of model.pt.
    """
    folder = run / (BEST_EVALUATIONS if best else EVALUATIONS)
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [folder / name for name in sorted(names) if name.endswith(".json")]


def newest_checkpoint(directory: Path) -> Path | None:
    """Return the last checkpoint that is whole.

    Args:
        directory: The run directory.

    Returns:
        last.ckpt; the one before it if that is damaged, or if a kill fell between two renames; None if there is none.

    Raises:
        UserError: If all of them are damaged, or one is no regular file.
    """
    names = (LAST_CHECKPOINT, PREVIOUS_CHECKPOINT)
    paths = [directory / name for name in names if is_regular(directory / name)]
    for path in paths:
        if is_intact(path):
            return path
    if paths:
        raise UserError(
            f"{' and '.join(map(str, paths))}: damaged; try: restore one of them, or remove "
            f"{directory / CHECKPOINTS} and start this run from the beginning"
        )
    return None
