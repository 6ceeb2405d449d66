"""The evaluations at the end of a run, and the files that say that it is done."""

import time
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aevb import runs
from aevb.console.progress import bar
from aevb.evaluators.blocks import run_over
from aevb.evaluators.evaluator import Evaluator
from aevb.evaluators.record import record
from aevb.loggers.base import RunContext
from aevb.models.vae import VAE
from aevb.runs import layout
from aevb.runs.run import sha256_of_model
from aevb.training.assembly import TrainingJob
from aevb.training.checkpoints.io import copied
from aevb.training.early_stopping import EarlyStopping
from aevb.training.timed_evaluation import TimedEvaluation

__all__ = ["evaluate", "mark_done", "write_evaluations", "write_weights"]


def evaluate(
    context: RunContext,
    evaluators: dict[str, Evaluator],
    device: torch.device,
    latest: dict[str, TimedEvaluation],
    shown: bool,
    cores: int = 1,
) -> dict[str, TimedEvaluation]:
    """Evaluate the trained model on the test images of a run.

    The images that the last evaluation point has seen are not evaluated again, for their values would be the same.

    Args:
        context: The run, with its model and images.
        evaluators: By name.
        device: Where the model was trained. Lightning has put it back on the CPU.
        latest: The evaluations of the first test images at the end of training, by name; empty if this process has not
            trained.
        shown: Whether to draw a progress bar.
        cores: How many blocks of images are evaluated at the same time.

    Returns:
        The evaluations by name.
    """
    context.model.to(device).eval()
    results = {}
    for name, evaluator in evaluators.items():
        start, before = time.perf_counter(), latest.get(name)
        known, seconds = (None, 0.0) if before is None else (before.evaluation, before.seconds)
        with bar(len(context.x), f"{evaluator.name}, test split", "images", shown=shown) as progress:
            seed = context.settings["seed"]
            evaluation = run_over(evaluator, context.model, context.x, seed, progress, known=known, cores=cores)
        results[name] = TimedEvaluation(evaluator, evaluation, seconds + time.perf_counter() - start)
    context.model.cpu()
    return results


def write_evaluations(
    job: TrainingJob, model: VAE, results: dict[str, TimedEvaluation], num_images: int | None
) -> None:
    """Write a JSON file for each evaluation into the run directory.

    Args:
        job: What was trained.
        model: The trained model.
        results: By the name of the evaluator.
        num_images: How many of the test images were evaluated; None: all.
    """
    convention = job.dataset.convention.for_model(job.settings["model"])
    for evaluator, evaluation, seconds in results.values():
        facts = {
            "seconds": seconds,
            "checkpoint": layout.MODEL,
            "targets": str(convention),
            "meaning": convention.meaning(evaluator.likelihood(model)),
            "seed": job.settings["seed"],
            "threads": torch.get_num_threads(),
        }
        record(job.directory, evaluator, evaluation, "test", num_images, **facts)


def write_weights(job: TrainingJob, model: VAE, best: dict[str, Tensor] | None = None) -> None:
    """Write model.pt, the state_dict of the trained model, and best.pt.

    Args:
        job: The job.
        model: The trained model.
        best: The weights at the highest validation bound, of a run with early stopping.
    """
    states = {layout.MODEL: model.state_dict(), **({layout.BEST: best} if best else {})}
    for name, state in states.items():
        # torch.save writes whole storages, and a parameter may be a view of a larger one (a member of an ensemble).
        runs.write_atomically(job.directory / name, partial(torch.save, copied(state)))


def mark_done(
    job: TrainingJob,
    samples_seen: int,
    results: dict[str, TimedEvaluation],
    seconds: dict[str, float],
    warning: str | None = None,
    stopping: EarlyStopping | None = None,
) -> None:
    """Write DONE, the last file of a run.

    Args:
        job: What was trained.
        samples_seen: Training samples in all.
        results: By the name of the evaluator.
        seconds: Wall times.
        warning: Why the trained model should not be used; None if nothing is wrong.
        stopping: The state of early stopping, of a run that has it.
    """
    convention = job.dataset.convention.for_model(job.settings["model"])
    test = {
        name: {"mean": result.evaluation.mean(), "standard_error": result.evaluation.standard_error()}
        for name, result in results.items()
    }
    done: dict[str, Any] = {
        "samples_seen": samples_seen,
        "shape": list(job.dataset.shape),
        "targets": str(convention),
        "target_convention": convention.record(),
    }
    if job.classes is not None:
        done["num_classes"] = job.classes
    if warning is not None:
        done["warning"] = warning
    if "selection" in job.settings:
        done["learning_rate"] = job.settings["optimizer"]["lr"]
    if stopping is not None:
        done["stopped_early"] = stopping.has_ended
        if stopping.best is not None:
            seen, bound = stopping.best
            digest = sha256_of_model(job.directory, layout.BEST)
            done["best"] = {"samples_seen": seen, "valid_bound": bound, "sha256": digest}
    runs.mark_done(job.directory, {**done, **seconds, "test": test})
