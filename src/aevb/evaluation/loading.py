"""Load a trained model from its run directory.

The config of the run rebuilds the model. The weights are read as tensors only, so that the file cannot
execute code.
"""

import math
import os
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import torch

from aevb.config.instantiate import instantiate
from aevb.console.typed import typed_path
from aevb.data.dataset import Dataset, ImageShape, Splits
from aevb.data.labels import classes_of, with_labels
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from aevb.evaluators.targets import float_type
from aevb.models.saved_weights import read_weights
from aevb.models.vae import VAE
from aevb.runs import layout
from aevb.runs.data_record import check_same_data, located
from aevb.runs.run import Run, sha256_of_model, state
from aevb.runs.settings import read_settings

__all__ = ["LoadedRun", "Weights", "load_run"]

REMEDY = "data_root=PATH (aevb-explore: --data-root PATH, aevb-figure: figure.data_root=PATH)"

Weights = Literal["final", "best"]
"""model.pt, the weights at the end of training, or best.pt, those at the highest validation bound."""


class LoadedRun(NamedTuple):
    """A finished run.

    Attributes:
        directory: The run directory.
        settings: The config of the run.
        shape: The shape of an image, (rows, columns), or (rows, columns, 3) in colour.
        dataset: The data set of the run, which is not loaded yet.
        model: The model with the weights asked for, in eval mode.
        targets: What the targets were on which it was trained, as DONE states it; None if it does not.
        classes: Number of classes of a conditional model; None for others.
    """

    directory: Path
    settings: dict[str, Any]
    shape: ImageShape
    dataset: Dataset
    model: VAE
    targets: TargetConvention | None = None
    classes: int | None = None

    def load_data(self) -> Splits:
        """Read the data of the run.

        Returns:
            The train, valid and test splits.

        Raises:
            UserError: If the data are not there, or differ from those that the run was trained on.
        """
        path = getattr(self.dataset, "path", None)
        if path is not None and not os.path.exists(path):
            raise UserError(
                f"{path}: no such file or folder, and the run {self.directory} was trained on it; allowed: the same content at "
                f"any place; try: {REMEDY}, its path now"
            )
        splits = self.dataset.load()
        if self.classes is not None:
            classes_of(self.dataset, splits)  # refuses data without labels
        hashes = with_labels(splits, self.classes).hashes()
        check_same_data(self.directory, hashes, self.settings["data"], f"restore them, or {REMEDY} that has them")
        return splits


def load_run(
    run: Path, data_root: str | None = None, trusted: tuple[str, ...] = (), weights: Weights = "final"
) -> LoadedRun:
    """Load the model of a finished run.

    Args:
        run: The run directory.
        data_root: The directory of the data, if it is not the one that the run used.
        trusted: Names of user modules that may contain the targets of the config.
        weights: "final" for the weights at the end of training, "best" for those at the highest validation bound.

    Returns:
        The run with its model.

    Raises:
        UserError: If there are no such weights, if the run is not finished, or if its files are missing or damaged.
    """
    if weights not in get_args(Weights):
        allowed = ", ".join(get_args(Weights))
        raise UserError(f"weights={weights}: no such choice; allowed: {allowed}; try: weights='final'")
    settings = read_settings(run)
    if state(run) != "done":
        raise UserError(f"run={run}: not finished ({state(run)}); try: the command that started it, which resumes it")
    dataset: Dataset = instantiate(located(run, settings["data"], data_root), trusted=trusted)
    done = Run(run).done
    if "shape" not in done:
        raise UserError(
            f"{run / layout.DONE}: damaged (shape is missing); try: remove it, then the command that trained the run"
        )
    shape: ImageShape = tuple(done["shape"])
    classes = done.get("num_classes")
    shapes = {"data_dim": math.prod(shape), "data_shape": shape, "num_classes": classes}
    model: VAE = instantiate(settings["model"], trusted=trusted, **shapes)
    model = model.to(float_type(settings))
    model.load_state_dict(_weights(run, done, model, weights))
    return LoadedRun(run, settings, shape, dataset, model.eval(), TargetConvention.of_run(done), classes)


def _weights(run: Path, done: dict[str, Any], model: VAE, weights: Weights) -> dict[str, torch.Tensor]:
    if weights == "best" and "best" not in done:
        raise UserError(
            f"weights=best: {run} kept none, it was trained without early stopping or ended before early_stopping.start; "
            "allowed: final; try: weights=final"
        )
    name = layout.BEST if weights == "best" else layout.MODEL
    remedy = "try: restore the file, or remove it and DONE, then the command that trained the run"
    if not (run / name).exists():
        remedy = f"try: restore the file, or aevb-weights pack {typed_path(run)} --train, which trains the run again"
    state = read_weights(run / name, model, remedy)
    digest = sha256_of_model(run, name)
    recorded = done["best"]["sha256"] if weights == "best" else done.get("model_sha256", digest)
    if recorded != digest:
        raise UserError(f"{run / name}: not the weights that this run ended with (sha256 in {layout.DONE}); {remedy}")
    return state
