"""A trained model back from its run directory: the run's own config rebuilds it, the weights are read as tensors only."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch

from aevb.config.instantiate import instantiate
from aevb.data.dataset import Dataset
from aevb.errors import UserError
from aevb.evaluators.targets import float_type
from aevb.models.vae import VAE
from aevb.runs.checkpoints import is_intact
from aevb.runs.run import Run, read_settings, state

__all__ = ["LoadedRun", "load_run"]


class LoadedRun(NamedTuple):
    """What a finished run consists of.

    settings: its config. shape: (rows, columns) of an image. dataset: what it was trained on, not loaded yet. model: with
    the final weights, in eval mode.
    """

    settings: dict[str, Any]
    shape: tuple[int, int]
    dataset: Dataset
    model: VAE


def load_run(run: Path, data_root: str | None = None, trusted: tuple[str, ...] = ()) -> LoadedRun:
    """The model of the finished run in directory `run`. data_root: where the data lie now, if not where the run found them."""
    settings = read_settings(run)
    if state(run) != "done":
        raise UserError(
            f"run={run}: not finished ({state(run)}); try: the command that started it, which goes on where it stopped"
        )
    data = dict(settings["data"])
    if data_root is not None:
        data["root"] = data_root
    dataset: Dataset = instantiate(data, trusted=trusted)
    rows, columns = Run(run).done["shape"]
    model: VAE = instantiate(settings["model"], trusted=trusted, data_dim=rows * columns, data_shape=(rows, columns))
    model = model.to(float_type(settings))
    model.load_state_dict(_weights(run / "model.pt", model))
    return LoadedRun(settings, (rows, columns), dataset, model.eval())


def _weights(path: Path, model: VAE) -> dict[str, torch.Tensor]:
    remedy = "try: restore the file, or remove it and DONE, then the command that trained the run"
    if not is_intact(path):
        raise UserError(f"{path}: {'damaged' if path.is_file() else 'missing'}; {remedy}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        shapes = {name: value.shape for name, value in state.items()}
    except (UnpicklingError, RuntimeError, AttributeError) as error:
        raise UserError(f"{path}: refused, it holds more than tensors; allowed: weights only; {remedy}") from error
    if shapes != {name: value.shape for name, value in model.state_dict().items()}:
        raise UserError(f"{path}: not the weights of the model in config.yaml; {remedy}")
    return state
