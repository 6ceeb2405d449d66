"""Assembles what a run trains, from its config: data, model, objective, minibatches, optimizer, LightningModule."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from aevb.config.instantiate import build, instantiate
from aevb.data.constant_pixels import constant_pixels, named
from aevb.data.dataset import Dataset, LoadedData, Splits
from aevb.errors import UserError
from aevb.evaluators.targets import float_type, targets
from aevb.loggers.base import RunContext
from aevb.models.checks import check_parts
from aevb.models.gaussian import has_unbounded_density
from aevb.models.standardised import StandardisedEncoder, StandardisedVAE
from aevb.models.vae import VAE
from aevb.nn.torch_settings import describe_hardware
from aevb.objectives.objective import Objective
from aevb.optimizers.schedules import Schedule, Step
from aevb.runs import layout, manifest
from aevb.runs.data_record import located, record_data
from aevb.runs.layout import newest_checkpoint
from aevb.runs.run_data import read_data
from aevb.training.clipping import Clipping
from aevb.training.engines.ensemble import Slot
from aevb.training.evaluation_settings import EvaluationSettings
from aevb.training.first_step import TORCH, check_takes_step
from aevb.training.minibatches import Stream
from aevb.training.module import Training
from aevb.training.multi_device import Ranks
from aevb.training.running_mean import RunningMean
from aevb.training.sanity import variance_floor
from aevb.training.settings import TrainerSettings
from aevb.training.warm_start import load_optimizers, optimizer_states, start_from
from aevb.training.weight_prior import check_has_decay, with_own_decay

__all__ = ["TrainingJob", "assemble", "load_data"]


class TrainingJob(NamedTuple):
    """A run directory that is to be trained, and this process's part in it.

    Attributes:
        directory: The run directory.
        settings: What its config.yaml says.
        trainer: The node `trainer` of it.
        dataset: The data set.
        splits: Its data; for a conditional model with the labels behind the pixels (aevb.data.labels).
        classes: Number of classes, for a conditional model; None for others.
        trusted: Users' modules that the config may name.
        ranks: This process among those that train the run.
    """

    directory: Path
    settings: dict[str, Any]
    trainer: TrainerSettings
    dataset: Dataset
    splits: Splits
    classes: int | None
    trusted: tuple[str, ...]
    ranks: Ranks


def load_data(
    directory: Path, settings: dict[str, Any], trusted: tuple[str, ...], ranks: Ranks, data: LoadedData | None
) -> LoadedData:
    """Load the data, compare them with those of the first start, and record this start in manifest.json.

    Args:
        directory: The run directory.
        settings: The config of the run.
        trusted: Users' modules that the config may name.
        ranks: Which of the processes of the run this is.
        data: The data, if this process has read them already.

    Returns:
        The data.

    Raises:
        UserError: If the data cannot be loaded, or have changed.
    """
    if data is None:
        data = read_data({**settings, "data": located(directory, settings["data"])}, trusted)
    # The first rank writes data.json, once; on other machines the data may differ.
    if ranks.first or (directory / layout.DATA).is_file():
        record_data(directory, data.hashes, located(directory, settings["data"]))
    if ranks.first:
        manifest.begin(directory, settings, data.hashes, describe_hardware(settings["trainer"]["accelerator"]))
    return data


def assemble(job: TrainingJob, settings: dict[str, Any], slot: Slot | None) -> tuple[Training, RunContext]:
    """Build the LightningModule and the context that evaluators and loggers see.

    Args:
        job: What is trained.
        settings: The job's; in a trial of a learning rate, those with another learning rate.
        slot: The run's place in an ensemble, if it is trained with others in one process.

    Returns:
        The module and the context.

    Raises:
        UserError: If the parts do not fit together.
    """
    splits, trusted, trainer = job.splits, job.trusted, job.trainer
    dtype = float_type(settings)
    x = torch.from_numpy(splits.train.x).to(dtype)
    model = _model(job, settings, x)
    # Of a run that is resumed, the checkpoint has all that it started from.
    starts_from = settings.get("init_from") is not None and newest_checkpoint(job.directory) is None
    if starts_from:
        start_from(model, settings)
    sizes = {"n_train": x.shape[0], "data_dim": x.shape[1]}
    objective = build(settings["objective"], Objective, "objective", trusted, **sizes).to(dtype)  # type: ignore[type-abstract]
    _check_shares(objective, job.ranks, trainer.microbatches)
    stream = Stream(
        x,
        settings["batch_size"],
        settings["seed"],
        sampling=settings.get("sampling", "permutation"),
        dynamic=job.dataset.dynamic,
        rank=job.ranks.rank,
        world=job.ranks.world,
    )
    points: EvaluationSettings = instantiate(settings["evaluation"], trusted=trusted)
    node, schedule = settings.get("schedule"), None
    if node is not None:
        schedule = build(node, Schedule, "schedule", trusted, **sizes)  # type: ignore[type-abstract]
    states = optimizer_states(settings) if starts_from and settings.get("init_optimizer") else None
    value, norm = settings.get("clip_value"), settings.get("clip_norm")
    clipping = None if value is None and norm is None else Clipping(value, norm)

    def made(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        arguments = {"params": groups, "batch_size": settings["batch_size"]}
        return build(settings["optimizer"], torch.optim.Optimizer, "optimizer", trusted, **arguments)

    def make_optimizer(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        groups = with_own_decay(groups, settings["optimizer"].get("weight_decay"))
        try:
            optimizer = made(groups)
        except ValueError as error:  # of torch, which checks numbers and shapes itself: lr=-1, Muon on biases
            name = settings["optimizer"]["_target_"].rpartition(".")[2]
            raise UserError(
                f"optimizer: {name} refuses what it is given ({error}); allowed: numbers in its range, and an optimizer that takes "
                "groups of matrices and of biases; try: optimizer=adam"
            ) from error
        check_has_decay(optimizer, groups)
        if settings["optimizer"]["_target_"].startswith(TORCH):
            check_takes_step(made, groups)
        return optimizer

    module = Training(
        model,
        objective,
        stream,
        make_optimizer,
        RunningMean(points.train_window),
        engine=slot or trainer.engine,
        clipping=clipping,
        graph_steps=min(trainer.graph_steps, trainer.block),
        schedule=schedule,
        microbatches=trainer.microbatches,
        prepare_optimizers=None if states is None else partial(load_optimizers, states=states),
    )
    if isinstance(schedule, Step) and schedule.gamma > 1:
        module.divergence.remedy = "try: schedule.gamma=0.5, for above 1 the learning rate grows without limit"
    if has_unbounded_density(model.decoder):
        _name_constant_pixels(module, splits.train.x[:, : job.dataset.dim])
    return module, _context(job, settings, points, model, dtype)


def _model(job: TrainingJob, settings: dict[str, Any], x: torch.Tensor) -> VAE:
    dataset = job.dataset
    shapes = {"data_dim": dataset.dim, "data_shape": dataset.shape, "num_classes": job.classes}
    seed, model_seed = settings["seed"], settings["model"].get("seed", settings["seed"])
    torch.manual_seed(model_seed)  # for initial values that torch draws (initialization=null)
    model = build(settings["model"], VAE, "model", job.trusted, **shapes).to(x.dtype)
    if model_seed != seed:
        torch.manual_seed(seed)  # for what is drawn in training (aevb.nn.torch_settings)
    _check_decoder(model, dataset)
    check_parts(model, x[:2])
    if isinstance(model, StandardisedVAE):
        model.set_units(x)
    if (start_from := getattr(model.prior, "start_from", None)) is not None:
        start_from(model.encoder.standardised(x) if isinstance(model.encoder, StandardisedEncoder) else x, model_seed)
    return model


def _name_constant_pixels(module: Training, x: np.ndarray) -> None:
    constant = constant_pixels(x)
    if len(constant):
        module.divergence.remedy = (
            f"{named(constant, x.shape[1])}, where the density with a learned variance has no bound; try: "
            f"{variance_floor(module.model.decoder)} or data.dequantise=uniform, for a smaller optimizer.lr only puts it off"
        )


def _context(
    job: TrainingJob, settings: dict[str, Any], points: EvaluationSettings, model: VAE, dtype: torch.dtype
) -> RunContext:
    dataset, splits = job.dataset, job.splits
    x = targets(splits.test, dataset.dynamic, settings["seed"], dtype)
    label = torch.from_numpy(splits.test.label)
    convention = dataset.convention.for_model(settings["model"])
    context = RunContext(job.directory, settings, model, x, label, dataset.shape, points.num_images, convention)
    if points.splits in ("both", "all"):
        train = targets(splits.train.first(points.num_images), dataset.dynamic, settings["seed"], dtype)
        context = context._replace(train_x=train)
    stops_early = bool(settings.get("early_stopping"))
    if stops_early or points.splits in ("valid", "all"):
        if len(splits.valid.x) == 0:
            asked = "early_stopping" if stops_early else f"evaluation.splits={points.splits}"
            remedy = "~early_stopping" if stops_early else "evaluation.splits=test"
            raise UserError(
                f"{asked}: {dataset.name} has no validation split; allowed: data with one, such as mnist, or a file of yours "
                f"with valid; try: {remedy}"
            )
        valid = targets(splits.valid, dataset.dynamic, settings["seed"], dtype)
        context = context._replace(valid_x=valid)
    return context


def _check_decoder(model: VAE, dataset: Dataset) -> None:
    if model.likelihood == "bernoulli" and not dataset.unit_interval:
        raise UserError(
            f"model.decoder: {type(model.decoder).__name__} needs targets in [0, 1]; "
            f"the data ({dataset.name}, {dataset.convention}) go beyond; try: model=gaussian_linear"
        )


def _check_shares(objective: Objective, ranks: Ranks, microbatches: int) -> None:
    if microbatches > 1 and objective.no_mean:
        raise UserError(
            f"trainer.microbatches={microbatches}: the loss of {objective.no_mean} is no mean over data, so it "
            "cannot be computed in shares; allowed: 1; try: trainer.microbatches=1"
        )
    if ranks.world > 1 and objective.no_mean:
        raise UserError(
            f"trainer.devices={ranks.world}: the loss of {objective.no_mean} is no mean over data, so devices cannot "
            "take their shares of it; allowed: 1; try: trainer.devices=1"
        )
