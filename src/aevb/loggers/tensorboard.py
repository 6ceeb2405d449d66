"""The curves, pictures and settings of a run in TensorBoard: `tensorboard --logdir outputs/runs`.

The x axis is samples_seen everywhere, as the exact integer. A resumed or extended run first removes the
events that it will write again, so every (tag, step) appears once, as if the run had never stopped.
metrics.csv is the record; <run>/tb is for viewing.

To add a chart of values that metrics.csv has, extend `_layout`. A new scalar comes from an evaluator or
from `Objective.metrics`, and is shown without a change here.
"""

import math
import shutil
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import yaml
from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.summary.writer import event_file_writer
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter, summary

from aevb.config import flatten
from aevb.console.printable import error_text
from aevb.data.target_convention import log_px_of
from aevb.evaluators.evaluator import STANDARD_ERROR, Evaluation
from aevb.files.regular import check_folder
from aevb.loggers.base import RunContext, RunLogger
from aevb.loggers.event_files import keep_events, wait_until_a_new_file_is_last
from aevb.loggers.pictures import levels, pictures
from aevb.runs import layout
from aevb.runs.progress import is_former_end
from aevb.runs.settings import read_settings
from aevb.types import NonNegativeInt

__all__ = ["TensorBoard"]

FINAL_TAGS = ("final/", "results/", "_hparams_/session_end_info")
"""Beginnings of the tags that are written at the end of a run only."""
MAX_ASPECT = 8
"""Longer side of an image in units of the shorter one, above which the projector shows points only."""


class _Logger(TensorBoardLogger):
    # Without Lightning's hparams.yaml: config.yaml is the record, and an extended run would leave the copy out of date.

    def save(self) -> None:
        self.experiment.flush()


@cache
def _hide_traceback_of_writer_thread() -> None:
    # When TensorBoard's thread cannot write, flush() raises the same OSError in the thread that trains.
    previous_hook = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if not (isinstance(args.thread, event_file_writer._AsyncWriterThread) and isinstance(args.exc_value, OSError)):
            previous_hook(args)

    threading.excepthook = hook


class TensorBoard(RunLogger):
    """Writes <run>/tb at the evaluation points and at the end; costs nothing between them.

    Args:
        images: Number of prior samples, and of reconstructed test images, in a picture. The samples are
            decoded from the same z at every evaluation point. 0: no pictures.
        embedding: Number of test images whose posterior means are shown in the projector at the end.
            0: none.
        published: Whether the paper's curves of the same data and latent_dim stand beside the run;
            aevb-train writes them before the run starts (aevb.report.published_runs).
    """

    def __init__(self, images: NonNegativeInt = 64, embedding: NonNegativeInt = 1000, published: bool = False) -> None:
        self.images, self.embedding, self.published = images, embedding, published

    def logger(self, directory: Path, samples_seen: int, round_samples: int) -> TensorBoardLogger:
        """Remove the events that this run will write again (see `RunLogger.logger`).

        Args:
            directory: The run directory.
            samples_seen: The training samples seen so far.
            round_samples: The training samples of one round.

        Returns:
            Lightning's logger.
        """
        settings = read_settings(directory)
        # A checkpoint is saved after everything at its evaluation point was written. The end of a shorter run is none
        # of the longer one; a run that has only its final evaluations left writes all of its end again.
        first, every = settings["evaluation"].get("start", 1), settings["evaluation"].get("every")
        kept = not is_former_end(samples_seen, round_samples, first, every) and samples_seen < settings["max_samples"]
        self._start = samples_seen + int(kept)
        self._begun = False
        folder = directory / layout.TENSORBOARD
        if folder.exists():
            keep_events(folder, lambda step, tag: step < self._start and not tag.startswith(FINAL_TAGS))
            _remove_embedding(folder)
            wait_until_a_new_file_is_last(folder)
        _hide_traceback_of_writer_thread()
        self._logger = _Logger(directory, name="", version=layout.TENSORBOARD, default_hp_metric=False)
        return self._logger

    @property
    def _writer(self) -> SummaryWriter:
        return self._logger.experiment

    def begin(self, context: RunContext) -> None:
        """Write the config as text, the chart of all bounds and the hyperparameters.

        Args:
            context: The run.
        """
        self._begun = True
        self._writer.add_text("config", _config_text(context), self._start)
        self._add(summary.custom_scalars(_layout(context)), self._start)
        self._add(_hyperparameters(context.settings)[0], self._start)
        self._writer.flush()

    def log_evaluation(self, context: RunContext, row: dict[str, float]) -> None:
        """Write scalars, prior samples and reconstructions.

        Args:
            context: The run.
            row: The row of metrics.csv.
        """
        seen = int(row["samples_seen"])
        scalars = {
            _tag(context, name): value
            for name, value in row.items()
            if name != "samples_seen" and not name.endswith(STANDARD_ERROR)
        }
        scalars |= _interval(context, row)
        self._logger.log_metrics(scalars, step=seen)
        if self.images:
            for name, picture in pictures(context, self.images).items():
                self._writer.add_image(name, picture, seen, dataformats="HW" if picture.ndim == 2 else "HWC")
        self._writer.flush()

    def end(self, context: RunContext, row: dict[str, float], evaluations: dict[str, Evaluation]) -> None:
        """Write the results on the whole test split, and the embedding.

        The results stand beside the hyperparameters and in a table.

        Args:
            context: The run.
            row: The last row of metrics.csv.
            evaluations: The evaluations at the end, by name.
        """
        if not self._begun:
            self.log_evaluation(context, row)
        seen = int(row["samples_seen"])
        metrics = {_final_tag(context, name, item): item.mean() for name, item in evaluations.items()}
        self._logger.log_metrics(metrics, step=seen)
        for value in _hyperparameters(context.settings):
            self._add(value, seen)
        self._writer.add_text("results", _results_text(context, evaluations), seen)
        if self.embedding and context.model.has_encoder:
            self._embed(context, seen)
        self._writer.close()

    def _add(self, value: Any, step: int) -> None:
        self._writer._get_file_writer().add_summary(value, step)

    @torch.no_grad()
    def _embed(self, context: RunContext, seen: int) -> None:
        x = context.x[: self.embedding]
        means: Tensor = context.model.encoder(x).mean.cpu()
        means = F.pad(means, (0, max(0, 3 - means.shape[1])))  # the projector needs three axes
        label = context.label[: self.embedding].tolist()
        self._writer.add_embedding(means, label if any(label) else None, _sprites(context, x), seen, "posterior_means")


def _sprites(context: RunContext, x: Tensor) -> Tensor | None:
    # Square images, as torch takes them, with a border; None for rows of a table, which would be nothing but border.
    rows, columns = context.shape[:2]
    side = max(rows, columns)
    if side > MAX_ASPECT * min(rows, columns):
        return None
    pixels, data = context.model.split(x)[0], context.model.split(context.x)[0]
    images = torch.from_numpy(levels(pixels, context.shape, data))
    sprites = images.permute(0, 3, 1, 2) if images.ndim == 4 else images[:, None].expand(-1, 3, -1, -1)
    return F.pad(sprites, (0, side - columns, 0, side - rows))


def _remove_embedding(folder: Path) -> None:
    (folder / "projector_config.pbtxt").unlink(missing_ok=True)
    for old in folder.glob("[0-9]*/posterior_means"):
        for part in (old.parent, old):
            check_folder(part)
        shutil.rmtree(old)
        with suppress(OSError):  # something else lies in it
            old.parent.rmdir()


def _num_samples(context: RunContext) -> int | None:
    # The K of importance sampling, of a run that estimates log p(x).
    return context.settings["evaluator"].get("importance", {}).get("samples")


def _num_images(context: RunContext, split: str = "test") -> int:
    x = context.train_x if split == "train" else context.x
    return 0 if x is None else min(context.num_images, len(x))


def _tag(context: RunContext, name: str) -> str:
    # test_kl -> kl/test; the tag of log p(x) names K and the images.
    split, _, quantity = name.partition("_")
    if quantity == "log_px":
        return f"log_px/K={_num_samples(context)}, first {_num_images(context, split)} {split} images"
    return f"{quantity}/{split}"


def _interval(context: RunContext, row: dict[str, float]) -> dict[str, float]:
    # log p(x) with its standard error over images, for the chart with a band.
    mean, error = row.get("test_log_px"), row.get(f"test_log_px{STANDARD_ERROR}")
    if mean is None or error is None or not math.isfinite(error):
        return {}
    return dict(zip(_interval_tags(context), (mean, mean - error, mean + error), strict=True))


def _interval_tags(context: RunContext) -> tuple[str, str, str]:
    base = f"standard error/{_tag(context, 'test_log_px')}"
    return f"{base}, mean", f"{base}, mean - 1 standard error", f"{base}, mean + 1 standard error"


def _final_tag(context: RunContext, name: str, evaluation: Evaluation) -> str:
    samples = f", K={_num_samples(context)}" if name == "importance" else ""
    return f"final/{_value_name(name, evaluation.primary_value)}{samples}"


def _value_name(evaluator: str, value: str) -> str:
    # As in the columns of metrics.csv: several evaluators may have a value of one name.
    return value if evaluator in ("bound", "importance") else f"{evaluator}_{value}"


def _layout(context: RunContext) -> dict[str, Any]:
    names, title, charts = ["train_bound", "test_bound"], "train bound, test bound", {}
    if _num_samples(context) is not None:
        names.append("test_log_px")
        how = f"K={_num_samples(context)}, first {_num_images(context)} test images"
        log_px = log_px_of(context.settings)
        title += f", and {log_px} by importance sampling ({how})"
        charts[f"{log_px} ± 1 standard error ({how})"] = ["Margin", list(_interval_tags(context))]
    charts = {title: ["Multiline", [_tag(context, name) for name in names]], **charts}
    return {"nats per datapoint over samples seen": charts}


def _hyperparameters(settings: dict[str, Any]) -> tuple[Any, Any]:
    # The summaries that begin and end a row of the hparams table.
    values = {
        key: value if isinstance(value, str) or type(value) in (int, float) else str(value)
        for key, value in flatten(settings)
        if value is not None and not _is_redundant(settings, key, value)
    }
    # The first summary, of the experiment, is left out: TensorBoard would use that of one run for all runs of a sweep.
    # Without it the columns are computed from every run.
    _, start, end = summary.hparams(values, {})
    return start, end


def _is_redundant(settings: dict[str, Any], key: str, value: Any) -> bool:
    # Names, paths and loggers are no hyperparameters; `choices` names the targets; the model repeats keys of the root.
    *parents, last = key.split(".")
    repeated = "model" in parents and settings.get(last) == value
    return repeated or last in ("_target_", "logger", "name", "output_dir", "root") or "logger" in parents


def _config_text(context: RunContext) -> str:
    config = yaml.safe_dump(context.settings, sort_keys=False)
    meaning = context.targets.meaning(context.model.likelihood)
    return f"**Targets**: {context.targets} ({meaning})\n\n```\n{config}```"


def _results_text(context: RunContext, evaluations: dict[str, Evaluation]) -> str:
    lines = ["| whole test split | mean | standard error | images |", "|---|---:|---:|---:|"]
    for evaluator, evaluation in evaluations.items():
        for name in evaluation.values:
            mean, error = f"{evaluation.mean(name):.3f}", error_text(evaluation.standard_error(name), 3)
            lines.append(f"| {_value_name(evaluator, name)} | {mean} | {error} | {evaluation.n:,} |")
    return "\n".join(lines)
