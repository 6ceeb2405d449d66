"""Executes a resolved run directory: `python -m aevb.worker RUN_DIR`. No Hydra inside.

Starts, goes on or extends the run from what the directory holds, and leaves model.pt, the evaluations and DONE.
"""

import argparse
import logging
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import torch

from aevb import manifest, runs
from aevb.build import build
from aevb.data.dataset import Dataset
from aevb.errors import UserError
from aevb.evaluators.evaluator import Evaluation, Evaluator, run_over
from aevb.evaluators.record import record
from aevb.models.vae import VAE
from aevb.objectives.objective import Objective
from aevb.progress import bar
from aevb.restore import float_type, targets
from aevb.training.checkpoint import DurableCheckpointIO
from aevb.training.evaluation import Marks
from aevb.training.memory import keep_freed_memory
from aevb.training.module import Training
from aevb.training.plan import Plan
from aevb.training.progress import Progress
from aevb.training.recorder import Recorder, Scene
from aevb.training.settings import TrainerSettings
from aevb.training.stream import Stream
from aevb.training.window import Window

__all__ = ["main", "run"]


def run(directory: Path, trusted: tuple[str, ...] = ()) -> None:
    """Trains what directory/config.yaml says until its max_samples, evaluates, and marks the run as done.

    directory: a run directory. trusted: users' modules that its config may name. Raises UserError; whatever ends the run
    early is written to FAILED.
    """
    try:
        _run(directory, trusted)
    except Exception:
        runs.mark_failed(directory, traceback.format_exc())
        raise


def _run(directory: Path, trusted: tuple[str, ...]) -> None:
    settings = runs.read_settings(directory)
    trainer_settings: TrainerSettings = build(settings["trainer"], trusted=trusted)
    torch.set_num_threads(trainer_settings.threads)
    keep_freed_memory()

    dataset: Dataset = build(settings["data"], trusted=trusted)
    module, scene = _assemble(directory, settings, trainer_settings, dataset, trusted)
    evaluators: dict[str, Evaluator] = build(settings["evaluator"], trusted=trusted)
    recorder: Recorder = build(settings["logger"], trusted=trusted)
    marks = Marks(scene, evaluators, recorder, settings["max_samples"], settings["seed"])
    _fit(module, marks, trainer_settings)

    evaluations = _final_evaluations(directory, scene, evaluators, dataset)
    recorder.end(scene, marks.rows[-1], evaluations)
    runs.save(directory / "model.pt", lambda file: torch.save(module.model.state_dict(), file))
    results = {name: {"mean": e.mean(), "standard_error": e.standard_error()} for name, e in evaluations.items()}
    seconds = {"training_seconds": marks.training_seconds, "evaluation_seconds": marks.evaluation_seconds}
    facts = {"samples_seen": module.samples_seen, "shape": list(scene.shape), "targets": dataset.convention}
    runs.mark_done(directory, {**facts, **seconds, "test": results})


def _assemble(
    directory: Path, settings: dict[str, Any], trainer: TrainerSettings, dataset: Dataset, trusted: tuple[str, ...]
) -> tuple[Training, Scene]:
    dtype = float_type(settings)
    splits = dataset.load()
    manifest.begin(directory, settings, splits.hashes())
    model: VAE = build(settings["model"], trusted=trusted, data_dim=dataset.dim).to(dtype)
    if getattr(model.decoder, "unit_interval", False) and not dataset.unit_interval:
        raise UserError(
            f"model.decoder: {type(model.decoder).__name__} needs targets in [0, 1]; "
            f"the data ({dataset.name}, {dataset.convention}) go beyond; try: model=gaussian"
        )
    objective: Objective = build(settings["objective"], trusted=trusted).to(dtype)

    stream = Stream(
        torch.from_numpy(splits.train.x).to(dtype),
        settings["batch_size"],
        settings["seed"],
        sampling=trainer.sampling,
        dynamic=dataset.dynamic,
    )

    def make_optimizer(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        return build(settings["optimizer"], trusted=trusted, params=groups, batch_size=settings["batch_size"])

    module = Training(model, objective, stream, make_optimizer, Window(trainer.train_window))
    x = targets(splits.test, dataset.dynamic, settings["seed"], dtype)
    label = torch.from_numpy(splits.test.label)
    return module, Scene(directory, settings, model, x, label, dataset.shape, trainer.first, dataset.convention)


def _fit(module: Training, marks: Marks, settings: TrainerSettings) -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")  # advice on loaders and loggers that aevb has on purpose
    checkpoint = runs.newest_checkpoint(marks.scene.directory)
    seen = 0
    if checkpoint is not None:
        seen = torch.load(checkpoint, map_location="cpu", weights_only=True)["training"]["samples_seen"]
    plan = Plan(lambda: module.samples_seen, marks.max_samples, module.stream.batch_size, settings.block)
    trainer = L.Trainer(
        accelerator=settings.accelerator,
        devices=settings.devices,
        max_epochs=1,
        logger=marks.recorder.logger(marks.scene.directory, seen),
        callbacks=[Progress(marks.scene.directory.name, marks.max_samples), marks],
        plugins=[DurableCheckpointIO()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        log_every_n_steps=1,
        default_root_dir=marks.scene.directory,
    )
    trainer.fit(module, train_dataloaders=plan, ckpt_path=checkpoint, weights_only=True)


def _final_evaluations(
    directory: Path, scene: Scene, evaluators: dict[str, Evaluator], dataset: Dataset
) -> dict[str, Evaluation]:
    scene.model.eval()
    evaluations = {}
    for name, evaluator in evaluators.items():
        start = time.perf_counter()
        with bar(len(scene.x), f"{evaluator.name}, whole test split", "images") as progress:
            evaluations[name] = run_over(evaluator, scene.model, scene.x, scene.settings["seed"], progress)
        facts = {"seconds": time.perf_counter() - start, "checkpoint": "model.pt", "targets": dataset.convention}
        facts |= {"seed": scene.settings["seed"], "threads": torch.get_num_threads()}
        record(directory, evaluator, evaluations[name], "test", None, **facts)
    return evaluations


def main(arguments: list[str] | None = None) -> int:
    """The command line of a child process."""
    parser = argparse.ArgumentParser(prog="python -m aevb.worker", description=__doc__)
    parser.add_argument("directory", type=Path, help="run directory with a config.yaml")
    parser.add_argument("--trust", action="append", default=[], help="module of yours that the config may name")
    options = parser.parse_args(arguments)
    try:
        run(options.directory, tuple(options.trust))
    except UserError as error:
        print(f"{options.directory}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
