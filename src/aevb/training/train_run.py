"""Executes a run directory: trains what its config.yaml says, evaluates, and leaves model.pt, the evaluations and DONE.

A run that is there already is continued or extended. Under aevb.execution.local_ranks or torchrun this process is one of
several ranks, of which the first writes. Hydra is not imported.
"""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from aevb import runs
from aevb.config.instantiate import build, instantiate
from aevb.console.signals import Stopped
from aevb.console.streams import OutputError
from aevb.data.dataset import LoadedData
from aevb.errors import UserError, resource_error
from aevb.evaluators.checks import built
from aevb.files.regular import remove_file
from aevb.loggers.base import RunLogger
from aevb.nn.torch_settings import set_up_process
from aevb.runs import layout
from aevb.runs.layout import newest_checkpoint
from aevb.runs.lifecycle import check_is_still_there
from aevb.runs.lock import lock
from aevb.runs.refused_extension import restore
from aevb.training import sanity
from aevb.training.assembly import TrainingJob, assemble, load_data
from aevb.training.callbacks.checkpointing import CheckpointCallback
from aevb.training.callbacks.early_stopping import EarlyStoppingCallback
from aevb.training.callbacks.evaluation import EvaluationCallback
from aevb.training.callbacks.metrics_csv import MetricsWriter
from aevb.training.callbacks.preemption import PreemptionCallback, Signals, time_budget
from aevb.training.callbacks.progress import ProgressBar, ProgressRecord
from aevb.training.checkpoints.background_writer import BackgroundWriter
from aevb.training.checkpoints.identity import RunIdentity, check_checkpoint, identity
from aevb.training.checkpoints.io import QueuedCheckpointIO, SavedCheckpoint, checkpoint_to_resume, load
from aevb.training.early_stopping import EarlyStopping
from aevb.training.engines.ensemble import Slot
from aevb.training.evaluation_settings import EvaluationSettings
from aevb.training.final_evaluation import evaluate, mark_done, write_evaluations, write_weights
from aevb.training.lightning_trainer import trainer as lightning_trainer
from aevb.training.module import Training
from aevb.training.multi_device import ALONE, Ranks
from aevb.training.schedule import BlockSchedule, EvaluationSchedule
from aevb.training.settings import TrainerSettings
from aevb.training.timer import RunClock, TrainingTimer
from aevb.training.trials import select_learning_rate

__all__ = ["run"]


def run(
    directory: Path,
    trusted: tuple[str, ...] = (),
    ranks: Ranks = ALONE,
    *,
    slot: Slot | None = None,
    signals: Signals | None = None,
    data: LoadedData | None = None,
    cores: int = 1,
) -> None:
    """Train a run to its max_samples, evaluate it, and mark it as done.

    Args:
        directory: The run directory, with a config.yaml; no other process may be at work in it.
        trusted: Users' modules that the config may name.
        ranks: This process among those that call this for the same directory.
        slot: The run's place in an ensemble, if it is trained with others in one process.
        signals: Where a run in a thread receives signals; None: handlers are installed.
        data: The data of the run, if this process has read them already.
        cores: On which the run is evaluated, if its config does not say.

    Raises:
        UserError: For what a user can mend. Whatever ends the run early is written to FAILED.
        SystemExit: 128 + number, after a stop signal, which is no failure: the run has saved.
    """
    with lock(directory) if ranks.first else nullcontext():
        try:
            with signals or Signals() as received:
                settings = runs.read_settings(directory)
                with time_budget(settings.get("max_time"), received), _renaming_noticed(directory):
                    _train(directory, settings, trusted, ranks, slot, received, data, cores)
        except Stopped as stopped:  # of a new run, the command that removes its directory says so
            if ranks.first and not _is_new(directory):
                print(f"{directory}: {stopped}; the same command continues it", file=sys.stderr, flush=True)
                stopped.is_said = True
            raise
        except OutputError:  # the reader of the output has gone: no failure of the run
            raise
        except Exception as error:
            if ranks.first:
                runs.mark_failed(directory, traceback.format_exc())  # the command that waits reads the reason there
                if isinstance(error, UserError):
                    restore(directory)
            if (too_little := resource_error(error)) is not None:
                raise too_little from error
            if isinstance(error, OSError) and error.errno:  # the file system refuses; TensorBoard does not say where
                where = error.filename or directory
                raise UserError(f"{where}: {error.strerror}; try: mend that, then the same command") from error
            raise


def _is_new(directory: Path) -> bool:
    return not (directory / layout.DONE).exists() and newest_checkpoint(directory) is None


@contextmanager
def _renaming_noticed(directory: Path) -> Iterator[None]:
    # A run directory that was renamed shows first in a file that cannot be written.
    try:
        yield
    except UserError:
        check_is_still_there(directory)
        raise


def _train(
    directory: Path,
    settings: dict[str, Any],
    trusted: tuple[str, ...],
    ranks: Ranks,
    slot: Slot | None,
    signals: Signals,
    data: LoadedData | None,
    cores: int,
) -> None:
    trainer_settings: TrainerSettings = instantiate(settings["trainer"], trusted=trusted)
    _check_devices(trainer_settings, ranks)
    set_up_process(trainer_settings.threads, trainer_settings.matmul_precision, trainer_settings.matmul_backend)

    data = load_data(directory, settings, trusted, ranks, data)
    job = TrainingJob(directory, settings, trainer_settings, data.dataset, data.rows, data.classes, trusted, ranks)
    own = identity(directory, settings)  # before a learning rate is selected
    if "selection" in settings:
        select_learning_rate(job, signals)
    module, context = assemble(job, settings, slot)
    evaluators = built(settings["evaluator"], trusted)
    for evaluator in evaluators.values():
        evaluator.check(module.model)
        evaluator.check_images(module.model, context.x)
    run_logger = build(settings["logger"], RunLogger, "logger", trusted)

    points: EvaluationSettings = instantiate(settings["evaluation"], trusted=trusted)
    schedule = EvaluationSchedule(settings["max_samples"], points.start, points.every)
    timer = TrainingTimer() if slot is None else slot.batcher.timer
    cores = points.cores or cores
    evaluation = EvaluationCallback(context, evaluators, run_logger, schedule, RunClock(timer), cores)
    rule: EarlyStopping | None = instantiate(settings.get("early_stopping"), trusted=trusted)
    early = None if rule is None else EarlyStoppingCallback(rule, evaluation)
    with BackgroundWriter() as writer:
        metrics = MetricsWriter(directory, evaluation, writer)
        device = _fit(job, own, module, metrics, signals, early)

    last = context._replace(x=context.x[: points.final_images])
    with timer.pause():
        results = evaluate(last, evaluators, device, evaluation.latest, shown=ranks.first, cores=cores)
    if not ranks.first:
        return
    write_evaluations(job, module.model, results, points.final_images)
    run_logger.end(context, evaluation.rows[-1], {name: result.evaluation for name, result in results.items()})
    write_weights(job, module.model, None if early is None else early.weights)
    seconds = {key: metrics.timing[-1][key] for key in ("training_seconds", "evaluation_seconds")}
    bound = evaluation.rows[-1].get("test_bound")
    warning = sanity.warning(bound, data.splits, settings, module.model.decoder)
    mark_done(job, module.samples_seen, results, seconds, warning, rule)


def _check_devices(settings: TrainerSettings, ranks: Ranks) -> None:
    if settings.devices != ranks.world:
        raise UserError(
            f"trainer.devices={settings.devices}: there are {ranks.world} ranks; allowed: as many; "
            "try: the aevb-train command that made the run, or torchrun with that many processes in all"
        )


def _fit(
    job: TrainingJob,
    own: RunIdentity,
    module: Training,
    metrics: MetricsWriter,
    signals: Signals,
    early: EarlyStoppingCallback | None,
) -> torch.device:
    """Train to the end, from the newest checkpoint if there is one; returns the device that trained."""
    directory, settings, ranks = job.directory, job.trainer, job.ranks
    evaluation, points = metrics.evaluation, metrics.schedule
    resumed = _resumed(job, own, module)
    if ranks.first:
        remove_file(directory / layout.DONE)  # of a shorter run: what it is extended from has been read
    block = settings.block * module.stream.batch_size
    schedule = BlockSchedule(
        lambda: module.samples_seen,
        points.max_samples,
        module.round_samples,
        block,
        points.every,
        lambda: early is not None and early.rule.has_ended,
    )
    last = directory / layout.LAST_CHECKPOINT
    checkpoints = CheckpointCallback(last, points, settings.checkpoint_minutes, metrics.writer, resumed, own)
    callbacks = [
        *([ProgressBar(directory.name, points.max_samples)] if ranks.first else []),
        evaluation,
        *([] if early is None else [early]),
        metrics,
        checkpoints,
        *([ProgressRecord(directory, checkpoints)] if ranks.first else []),
        PreemptionCallback(signals),
    ]
    path, seen = (None, 0) if resumed is None else resumed
    logger = evaluation.run_logger.logger(directory, seen, module.round_samples) if ranks.first else False
    trainer = lightning_trainer(directory, settings, ranks, callbacks, logger, QueuedCheckpointIO(metrics.writer))
    trainer.fit(module, train_dataloaders=schedule, ckpt_path=path, weights_only=True)
    return trainer.strategy.root_device


def _resumed(job: TrainingJob, own: RunIdentity, module: Training) -> SavedCheckpoint | None:
    """Return the checkpoint from which the run continues, after a check that it belongs to it; None if there is none."""
    path = checkpoint_to_resume(job.directory) if job.ranks.first else newest_checkpoint(job.directory)
    if path is None:
        return None
    checkpoint = load(path)
    check_checkpoint(path, checkpoint, own, module.state_dict())
    return SavedCheckpoint(path, checkpoint["training"]["samples_seen"])
