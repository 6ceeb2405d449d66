"""Executes a resolved run directory: `python -m aevb.execution.worker RUN_DIR`. No Hydra inside.

Starts, goes on or extends the run from what the directory holds, and leaves model.pt, the evaluations and DONE. Under
aevb.execution.local_ranks or torchrun it is one of several ranks, of which the first writes.
"""

import time
import traceback
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch

from aevb import runs
from aevb.config.instantiate import instantiate
from aevb.console.progress import bar
from aevb.data.binarisation import meaning
from aevb.data.dataset import Dataset, Splits
from aevb.errors import UserError
from aevb.evaluators.evaluator import Evaluation, Evaluator, run_over
from aevb.evaluators.record import record
from aevb.evaluators.targets import float_type, targets
from aevb.loggers.base import RunContext, RunLogger
from aevb.models.vae import VAE
from aevb.nn.matmul import use_matmul_backend
from aevb.objectives.objective import Objective
from aevb.runs import layout, manifest
from aevb.runs.checkpoints import newest_checkpoint
from aevb.runs.data_hashes import check_same_data
from aevb.runs.lock import lock
from aevb.training.callbacks.checkpointing import CheckpointCallback
from aevb.training.callbacks.evaluation import EvaluationCallback
from aevb.training.callbacks.metrics_csv import MetricsWriter
from aevb.training.callbacks.preemption import PreemptionCallback, Signals
from aevb.training.callbacks.progress_bar import ProgressBar
from aevb.training.checkpoints.background_writer import BackgroundWriter
from aevb.training.checkpoints.io import QueuedCheckpointIO, SavedCheckpoint, checkpoint_to_resume, load
from aevb.training.clipping import Clipping
from aevb.training.engines.ensemble import Slot
from aevb.training.evaluation_settings import EvaluationSettings
from aevb.training.hardware import describe_hardware
from aevb.training.learning_rate_selection import LearningRateSelection
from aevb.training.lightning_trainer import trainer as lightning_trainer
from aevb.training.malloc import keep_freed_memory
from aevb.training.minibatches import Stream
from aevb.training.module import Diverged, Training, own
from aevb.training.multi_device import ALONE, Ranks
from aevb.training.running_mean import RunningMean
from aevb.training.schedule import BlockSchedule, EvaluationSchedule
from aevb.training.settings import TrainerSettings
from aevb.training.timer import RunClock, TrainingTimer

__all__ = ["run"]


def run(
    directory: Path,
    trusted: tuple[str, ...] = (),
    ranks: Ranks = ALONE,
    *,
    slot: Slot | None = None,
    signals: Signals | None = None,
) -> None:
    """Trains what directory/config.yaml says until its max_samples, evaluates, and marks the run as done.

    directory: a run directory, in which nobody else may be at work. trusted: users' modules that its config may name. ranks:
    where this process stands among those that call this for the same directory. slot: in a stack of runs, if it is trained with
    others. signals: where this thread hears of them. Raises UserError; whatever ends the run early is
    written to FAILED. SIGTERM and SIGINT save and raise SystemExit(128 + signal), which is no failure.
    """
    with lock(directory) if ranks.first else nullcontext():
        try:
            with signals or Signals() as heard:
                _run(directory, trusted, ranks, slot, heard)
        except Exception as error:
            if ranks.first:
                runs.mark_failed(directory, traceback.format_exc())
            if isinstance(error, OSError) and error.errno:  # the machine refuses; TensorBoard does not say where
                where = error.filename or directory
                raise UserError(f"{where}: {error.strerror}; try: mend that, then the same command") from error
            raise


class Job(NamedTuple):
    """What is trained: a run directory, what its config.yaml says, the data, and where this process stands."""

    directory: Path
    settings: dict[str, Any]
    trainer: TrainerSettings
    dataset: Dataset
    splits: Splits
    trusted: tuple[str, ...]
    ranks: Ranks


def _run(directory: Path, trusted: tuple[str, ...], ranks: Ranks, slot: Slot | None, signals: Signals) -> None:
    settings = runs.read_settings(directory)
    trainer_settings: TrainerSettings = instantiate(settings["trainer"], trusted=trusted)
    if trainer_settings.devices != ranks.world:
        raise UserError(
            f"trainer.devices={trainer_settings.devices}: there are {ranks.world} ranks; allowed: as many; "
            "try: the aevb-train command that made the run, or torchrun with that many processes in all"
        )
    torch.set_num_threads(trainer_settings.threads)
    torch.set_float32_matmul_precision(trainer_settings.matmul_precision)
    use_matmul_backend(trainer_settings.matmul_backend)
    keep_freed_memory()
    # Under the MAP prior weights of pixels that are never on shrink geometrically, and below 1e-38 each takes ten times as long.
    torch.set_flush_denormal(True)

    dataset: Dataset = instantiate(settings["data"], trusted=trusted)
    splits = _load(directory, settings, dataset, ranks)
    job = Job(directory, settings, trainer_settings, dataset, splits, trusted, ranks)
    _select(job, signals)
    module, context = _assemble(job, settings, slot)
    evaluators: dict[str, Evaluator] = instantiate(settings["evaluator"], trusted=trusted)
    for evaluator in evaluators.values():
        evaluator.check(module.model)
    run_logger: RunLogger = instantiate(settings["logger"], trusted=trusted)
    points: EvaluationSettings = instantiate(settings["evaluation"], trusted=trusted)
    schedule = EvaluationSchedule(settings["max_samples"], points.start, points.every)
    timer = TrainingTimer() if slot is None else slot.stack.clock
    evaluation = EvaluationCallback(context, evaluators, run_logger, schedule, RunClock(timer))
    with BackgroundWriter() as writer:
        metrics = MetricsWriter(directory, evaluation, writer)
        device = _fit(module, metrics, trainer_settings, ranks, signals)

    last = context._replace(x=context.x[: points.final_images])
    with timer.pause():
        evaluations = _final_evaluations(last, evaluators, device, ranks)
    if not ranks.first:
        return
    for name, (result, took) in evaluations.items():
        facts = {"seconds": took, "checkpoint": "model.pt", "targets": dataset.convention}
        likelihood = evaluators[name].likelihood(settings["model"]["decoder"]["_target_"])
        facts["meaning"] = meaning(dataset.convention, likelihood)
        facts |= {"seed": settings["seed"], "threads": torch.get_num_threads()}
        record(directory, evaluators[name], result, "test", points.final_images, **facts)
    results = {name: result for name, (result, _) in evaluations.items()}
    run_logger.end(context, evaluation.rows[-1], results)
    runs.write_atomically(directory / "model.pt", lambda file: torch.save(own(module.model.state_dict()), file))
    test = {name: {"mean": e.mean(), "standard_error": e.standard_error()} for name, e in results.items()}
    seconds = {key: metrics.timing[-1][key] for key in ("training_seconds", "evaluation_seconds")}
    ends = {"samples_seen": module.samples_seen, "shape": list(context.shape), "targets": dataset.convention}
    if "selection" in settings:
        ends["learning_rate"] = settings["optimizer"]["lr"]
    runs.mark_done(directory, {**ends, **seconds, "test": test})


def _load(directory: Path, settings: dict[str, Any], dataset: Dataset, ranks: Ranks) -> Splits:
    splits = dataset.load()
    hashes = splits.hashes()
    # The first writes data.json, once; on other machines data may differ.
    if ranks.first or (directory / "data.json").is_file():
        check_same_data(directory, hashes, settings["data"])
    if ranks.first:
        manifest.begin(directory, settings, hashes, describe_hardware(settings["trainer"]["accelerator"]))
    return splits


def _select(job: Job, signals: Signals) -> None:
    # Trials have no marks and no checkpoints; of all that they compute, a row of the record remains.
    directory, settings, trainer, ranks = job.directory, job.settings, job.trainer, job.ranks
    if "selection" not in settings:
        return
    selection: LearningRateSelection = instantiate(settings["selection"], trusted=job.trusted)

    def trial(learning_rate: float, samples: int, window: int) -> tuple[float, int]:
        tried = {**settings, "optimizer": {**settings["optimizer"], "lr": learning_rate}}
        module, _ = _assemble(job, tried, None)
        module.window = RunningMean(window)
        block = trainer.block * module.stream.batch_size
        plan = BlockSchedule(lambda: module.samples_seen, samples, module.round_samples, block)
        progress = (
            [ProgressBar(f"{directory.name}, trial of learning rate {learning_rate:g}", samples)] if ranks.first else []
        )
        try:
            lightning_trainer(directory, trainer, ranks, [*progress, PreemptionCallback(signals)]).fit(
                module, train_dataloaders=plan
            )
        except Diverged:
            return float("nan"), module.samples_seen
        if not module.window.held:
            raise UserError(
                f"selection={type(selection).__name__}: {type(module.objective).__name__} has no training bound to choose by; "
                "allowed: an objective that has one; try: optimizer.lr=0.01"
            )
        return module.window.mean, module.samples_seen

    settings["optimizer"]["lr"] = selection.choose(directory, trial, first=ranks.first)


def _assemble(job: Job, settings: dict[str, Any], slot: Slot | None) -> tuple[Training, RunContext]:
    # settings: the job's, or in a trial those with another learning rate.
    directory, _, trainer, dataset, splits, trusted, ranks = job
    dtype = float_type(settings)
    model: VAE = instantiate(settings["model"], trusted=trusted, data_dim=dataset.dim, data_shape=dataset.shape).to(
        dtype
    )
    if getattr(model.decoder, "unit_interval", False) and not dataset.unit_interval:
        raise UserError(
            f"model.decoder: {type(model.decoder).__name__} needs targets in [0, 1]; "
            f"the data ({dataset.name}, {dataset.convention}) go beyond; try: model=gaussian"
        )
    known = {"n_train": len(splits.train.x), "data_dim": dataset.dim}
    objective: Objective = instantiate(settings["objective"], trusted=trusted, **known).to(dtype)
    if ranks.world > 1 and not objective.mean_over_data:
        raise UserError(
            f"trainer.devices={ranks.world}: the loss of {type(objective).__name__} is no mean over data, so devices cannot "
            "take their shares of it; allowed: 1; try: trainer=default"
        )

    stream = Stream(
        torch.from_numpy(splits.train.x).to(dtype),
        settings["batch_size"],
        settings["seed"],
        sampling=settings.get("sampling", "permutation"),
        dynamic=dataset.dynamic,
        rank=ranks.rank,
        world=ranks.world,
    )

    def make_optimizer(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        return instantiate(settings["optimizer"], trusted=trusted, params=groups, batch_size=settings["batch_size"])

    engine = slot or trainer.engine
    clipping = Clipping(settings.get("clip_value"), settings.get("clip_norm"))
    points: EvaluationSettings = instantiate(settings["evaluation"], trusted=trusted)
    window, graph_steps = RunningMean(points.train_window), min(trainer.graph_steps, trainer.block)
    module = Training(model, objective, stream, make_optimizer, window, engine, clipping, graph_steps)
    x = targets(splits.test, dataset.dynamic, settings["seed"], dtype)
    label = torch.from_numpy(splits.test.label)
    context = RunContext(directory, settings, model, x, label, dataset.shape, points.num_images, dataset.convention)
    if points.splits == "both":
        train = targets(splits.train.first(points.num_images), dataset.dynamic, settings["seed"], dtype)
        context = context._replace(train_x=train)
    return module, context


def _fit(
    module: Training, metrics: MetricsWriter, settings: TrainerSettings, ranks: Ranks, signals: Signals
) -> torch.device:
    directory, evaluation, schedule = metrics.directory, metrics.evaluation, metrics.schedule
    checkpoint = checkpoint_to_resume(directory) if ranks.first else newest_checkpoint(directory)
    seen = 0 if checkpoint is None else load(checkpoint)["training"]["samples_seen"]
    resumed = None if checkpoint is None else SavedCheckpoint(checkpoint, seen)
    block = settings.block * module.stream.batch_size
    end, every = schedule.max_samples, schedule.every
    plan = BlockSchedule(lambda: module.samples_seen, end, module.round_samples, block, every)
    progress = [ProgressBar(directory.name, end)] if ranks.first else []
    last = directory / layout.LAST_CHECKPOINT
    callbacks = [
        *progress,
        evaluation,
        metrics,
        CheckpointCallback(last, schedule, settings.checkpoint_minutes, metrics.writer, resumed),
        PreemptionCallback(signals),
    ]
    logger = evaluation.run_logger.logger(directory, seen, module.round_samples) if ranks.first else False
    trainer = lightning_trainer(directory, settings, ranks, callbacks, logger, QueuedCheckpointIO(metrics.writer))
    trainer.fit(module, train_dataloaders=plan, ckpt_path=checkpoint, weights_only=True)
    return trainer.strategy.root_device


def _final_evaluations(
    context: RunContext, evaluators: dict[str, Evaluator], device: torch.device, ranks: Ranks
) -> dict[str, tuple[Evaluation, float]]:
    context.model.to(device).eval()  # Lightning has put it back
    evaluations = {}
    for name, evaluator in evaluators.items():
        start = time.perf_counter()
        with bar(len(context.x), f"{evaluator.name}, test split", "images", shown=ranks.first) as progress:
            evaluation = run_over(evaluator, context.model, context.x, context.settings["seed"], progress)
        evaluations[name] = evaluation, time.perf_counter() - start
    context.model.cpu()
    return evaluations
