"""Curves, pictures and settings of a run as TensorBoard shows them: `tensorboard --logdir outputs/runs`.

The x axis is samples_seen, everywhere, as the exact integer. What a resumed or extended run writes again is forgotten first, so
every (tag, step) stands once, as if the run had never stopped. metrics.csv is the record; <run>/tb is for looking.
"""

import shutil
import threading
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
from aevb.data.binarisation import meaning
from aevb.evaluators.evaluator import Evaluation
from aevb.loggers.base import RunContext, RunLogger
from aevb.loggers.event_files import forget
from aevb.loggers.image_grid import grey, grid
from aevb.noise import Noise
from aevb.runs.evaluation_points import is_evaluation_point
from aevb.runs.settings import read_settings
from aevb.types import NonNegativeInt

__all__ = ["TensorBoard"]

OF_THE_END = ("final/", "results/", "_hparams_/session_end_info")


class _Logger(TensorBoardLogger):
    """Lightning's, without its copy of the settings: config.yaml is the record, an extended run would leave the copy stale."""

    def save(self) -> None:
        self.experiment.flush()


@cache
def _told_once() -> None:
    """What TensorBoard's thread could not write, flush raises where the run hears it; the traceback of the thread repeats it."""
    told = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if not (isinstance(args.thread, event_file_writer._AsyncWriterThread) and isinstance(args.exc_value, OSError)):
            told(args)

    threading.excepthook = hook


class TensorBoard(RunLogger):
    """Writes <run>/tb at the marks and at the end; costs nothing between.

    images: prior samples (of the same z at every mark) and reconstructed test images in a picture, 0: none.
    embedding: test images whose posterior means go to the projector at the end, 0: none.
    """

    def __init__(self, images: NonNegativeInt = 64, embedding: NonNegativeInt = 1000) -> None:
        self.images, self.embedding = images, embedding

    def logger(self, directory: Path, samples_seen: int, round_samples: int) -> TensorBoardLogger:
        """Lightning's logger on <run>/tb, from which everything is gone that this run will write."""
        settings = read_settings(directory)
        # The checkpoint was taken after everything at its mark was written. The end of a shorter run is no mark
        # of the longer one; a run that has only its end left to do writes the whole of it again.
        every = settings["evaluation"].get("every")
        kept = (
            is_evaluation_point(samples_seen - round_samples, samples_seen, every)
            and samples_seen < settings["max_samples"]
        )
        self._start = samples_seen + int(kept)
        self._begun = False
        forget(directory / "tb", lambda step, tag: step < self._start and not tag.startswith(OF_THE_END))
        _forget_embedding(directory / "tb")
        _told_once()
        self._logger = _Logger(directory, name="", version="tb", default_hp_metric=False)
        return self._logger

    @property
    def _writer(self) -> SummaryWriter:
        return self._logger.experiment

    def begin(self, context: RunContext) -> None:
        """The text tab, the chart of all bounds, and a row of hyperparameters that a run without an end has too."""
        self._begun = True
        self._writer.add_text("config", _config_text(context), self._start)
        self._add(summary.custom_scalars(_layout(context)), self._start)
        self._add(_hyperparameters(context.settings)[0], self._start)
        self._writer.flush()

    def log_evaluation(self, context: RunContext, row: dict[str, float]) -> None:
        """Scalars, prior samples and reconstructions."""
        seen = int(row["samples_seen"])
        scalars = {_tag(context, name): value for name, value in row.items() if name != "samples_seen"}
        self._logger.log_metrics(scalars, step=seen)
        if self.images:
            for name, picture in self._pictures(context).items():
                self._writer.add_image(name, picture, seen, dataformats="HW")
        self._writer.flush()

    def end(self, context: RunContext, row: dict[str, float], evaluations: dict[str, Evaluation]) -> None:
        """Whole-split results, as scalars beside the hyperparameters and as a table; the projector's embedding."""
        if not self._begun:
            self.log_evaluation(context, row)
        seen = int(row["samples_seen"])
        metrics = {_final_tag(context, evaluation): evaluation.mean() for evaluation in evaluations.values()}
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
    def _pictures(self, context: RunContext) -> dict[str, Any]:
        x = context.x[: self.images]
        # The same noise at every mark: one sees the same z decoded better and better.
        noise = Noise(context.settings["seed"], "tensorboard", 0, device=x.device)
        samples = context.model.generate(self.images, noise).mean
        pictures = {"prior samples": grid(grey(samples, context.shape, context.x))}
        if context.model.has_encoder:
            reconstructed = context.model.decoder(context.model.code(x)).mean
            rows, columns = context.shape
            pairs = torch.cat([x, reconstructed], dim=-1)
            pictures["reconstructions, below their originals"] = grid(grey(pairs, (2 * rows, columns), context.x))
        return pictures

    @torch.no_grad()
    def _embed(self, context: RunContext, seen: int) -> None:
        x = context.x[: self.embedding]
        means: Tensor = context.model.encoder(x).mean.cpu()
        means = F.pad(means, (0, max(0, 3 - means.shape[1])))  # the projector shows nothing of fewer than three axes
        label = context.label[: self.embedding].tolist()
        sprites = torch.from_numpy(grey(x, context.shape, context.x))[:, None].expand(-1, 3, -1, -1)
        rows, columns = context.shape
        side = max(rows, columns)  # torch's sheet of sprites holds squares
        sprites = F.pad(sprites, (0, side - columns, 0, side - rows))
        self._writer.add_embedding(means, label if any(label) else None, sprites, seen, "posterior_means")


def _forget_embedding(folder: Path) -> None:
    (folder / "projector_config.pbtxt").unlink(missing_ok=True)
    for old in folder.glob("[0-9]*/posterior_means"):
        shutil.rmtree(old.parent)


def _samples(context: RunContext) -> int | None:
    """K, of a run that estimates log p(x)."""
    return context.settings["evaluator"].get("importance", {}).get("samples")


def _images(context: RunContext, split: str = "test") -> int:
    x = context.train_x if split == "train" else context.x
    return 0 if x is None else min(context.num_images, len(x))


def _tag(context: RunContext, name: str) -> str:
    """`test_kl` -> `kl/test`; log p(x) names its K and its images."""
    split, _, quantity = name.partition("_")
    if quantity == "log_px":
        return f"log_px/K={_samples(context)}, first {_images(context, split)} {split} images"
    return f"{quantity}/{split}"


def _final_tag(context: RunContext, evaluation: Evaluation) -> str:
    samples = f", K={_samples(context)}" if evaluation.primary_value == "log_px" else ""
    return f"final/{evaluation.primary_value}{samples}"


def _layout(context: RunContext) -> dict[str, Any]:
    names, title = ["train_bound", "test_bound"], "train bound, test bound"
    if _samples(context) is not None:
        names.append("test_log_px")
        title += f", and log p(x) by importance sampling (K={_samples(context)}, first {_images(context)} test images)"
    return {"nats per datapoint over samples seen": {title: ["Multiline", [_tag(context, name) for name in names]]}}


def _hyperparameters(settings: dict[str, Any]) -> tuple[Any, Any]:
    """Summaries that open and close a row of the hparams table."""
    values = {
        key: value if isinstance(value, str) or type(value) in (int, float) else str(value)
        for key, value in flatten(settings)
        if value is not None and not _told_elsewhere(settings, key, value)
    }
    # torch's first summary, of the experiment, is left out: TensorBoard would take one run's for all and hide what the other
    # runs of a sweep have; without it the columns are computed from every run.
    _, opened, closed = summary.hparams(values, {})
    return opened, closed


def _told_elsewhere(settings: dict[str, Any], key: str, value: Any) -> bool:
    """Names, places and loggers are no hyperparameters, `choices` says what targets would, the model repeats root knobs."""
    *above, last = key.split(".")
    repeated = "model" in above and settings.get(last) == value
    return repeated or last in ("_target_", "logger", "name", "output_dir", "root") or "logger" in above


def _config_text(context: RunContext) -> str:
    config = yaml.safe_dump(context.settings, sort_keys=False)
    means = meaning(context.targets, context.settings["model"]["decoder"]["_target_"])
    return f"**Targets**: {context.targets} ({means})\n\n```\n{config}```"


def _results_text(context: RunContext, evaluations: dict[str, Evaluation]) -> str:
    lines = ["| whole test split | nats | standard error | images |", "|---|---:|---:|---:|"]
    for evaluation in evaluations.values():
        for name in evaluation.values:
            mean, error = evaluation.mean(name), evaluation.standard_error(name)
            lines.append(f"| {name} | {mean:.3f} | {error:.3f} | {evaluation.n} |")
    return "\n".join(lines)
