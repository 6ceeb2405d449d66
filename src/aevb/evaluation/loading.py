"""Load a trained model from its run directory.

The config of the run rebuilds the model. The weights are read as tensors only, so that the file cannot
execute code.
"""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch

from aevb.config.instantiate import instantiate
from aevb.data.dataset import Dataset, Splits
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from aevb.evaluators.targets import float_type
from aevb.files.archive import is_intact
from aevb.files.regular import is_regular, open_regular
from aevb.models.vae import VAE
from aevb.runs import layout
from aevb.runs.data_hashes import check_same_data
from aevb.runs.data_location import located
from aevb.runs.run import Run, sha256_of_model, state
from aevb.runs.settings import read_settings

__all__ = ["LoadedRun", "load_run"]


class LoadedRun(NamedTuple):
    """A finished run.

    Attributes:
        directory: The run directory.
        settings: The config of the run.
        shape: The shape of an image, (rows, columns).
        dataset: The data set of the run, which is not loaded yet.
        model: The model with the final weights, in eval mode.
        targets: What the targets were on which it was trained, as DONE states it; None if it does not.
    """

    directory: Path
    settings: dict[str, Any]
    shape: tuple[int, int]
    dataset: Dataset
    model: VAE
    targets: TargetConvention | None = None

    def load_data(self) -> Splits:
        """Read the data of the run.

        Returns:
            The train, valid and test splits.

        Raises:
            UserError: If the data differ from those that the run was trained on.
        """
        splits = self.dataset.load()
        check_same_data(self.directory, splits.hashes(), self.settings["data"])
        return splits


def load_run(run: Path, data_root: str | None = None, trusted: tuple[str, ...] = ()) -> LoadedRun:
    """Load the model of a finished run.

    Args:
        run: The run directory.
        data_root: The directory of the data, if it is not the one that the run used.
        trusted: Names of user modules that may contain the targets of the config.

    Returns:
        The run with its model.

    Raises:
        UserError: If the run is not finished, or if its files are missing or damaged.
    """
    settings = read_settings(run)
    if state(run) != "done":
        raise UserError(f"run={run}: not finished ({state(run)}); try: the command that started it, which resumes it")
    dataset: Dataset = instantiate(located(run, settings["data"], data_root), trusted=trusted)
    done = Run(run).done
    if "shape" not in done:
        raise UserError(
            f"{run / layout.DONE}: damaged (shape is missing); try: remove it, then the command that trained the run"
        )
    rows, columns = done["shape"]
    model: VAE = instantiate(settings["model"], trusted=trusted, data_dim=rows * columns, data_shape=(rows, columns))
    model = model.to(float_type(settings))
    model.load_state_dict(_weights(run, done, model))
    return LoadedRun(run, settings, (rows, columns), dataset, model.eval(), TargetConvention.of_run(done))


def _weights(run: Path, done: dict[str, Any], model: VAE) -> dict[str, torch.Tensor]:
    path = run / layout.MODEL
    remedy = "try: restore the file, or remove it and DONE, then the command that trained the run"
    if not is_intact(path):
        raise UserError(f"{path}: {'damaged' if is_regular(path) else 'missing'}; {remedy}")
    try:
        with open_regular(path) as file:
            state = torch.load(file, map_location="cpu", weights_only=True)
        stored = {name: (value.shape, value.dtype) for name, value in state.items()}
    except (UnpicklingError, RuntimeError, AttributeError) as error:
        raise UserError(f"{path}: refused, it holds more than tensors; allowed: weights only; {remedy}") from error
    wanted = {name: (value.shape, value.dtype) for name, value in model.state_dict().items()}
    if stored.keys() != wanted.keys() or any(stored[name][0] != wanted[name][0] for name in stored):
        raise UserError(f"{path}: not the weights of the model in config.yaml; {remedy}")
    for name, (_, dtype) in stored.items():
        if dtype != wanted[name][1]:
            raise UserError(
                f"{path}: {name} is {dtype}; allowed: {wanted[name][1]}, in which the run was trained; {remedy}"
            )
    for name, _ in model.named_parameters():
        if not bool(torch.isfinite(state[name]).all()):
            raise UserError(f"{path}: {name} is not finite; {remedy}")
    if done.get("model_sha256", sha256_of_model(run)) != sha256_of_model(run):
        raise UserError(f"{path}: not the weights that this run ended with (sha256 in {layout.DONE}); {remedy}")
    return state
