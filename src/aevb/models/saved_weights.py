"""Weights read from a file: as tensors only, so that the file cannot execute code, and only those of a given model."""

from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.files.archive import is_intact
from aevb.files.regular import is_regular, open_regular
from aevb.models.vae import VAE

__all__ = ["read_weights"]


def read_weights(path: Path, model: VAE, remedy: str) -> dict[str, Tensor]:
    """Read a state_dict that fits a model.

    Args:
        path: model.pt or best.pt of a run.
        model: The model that the weights are for.
        remedy: What a user should try if they do not fit, "try: ...".

    Returns:
        The state_dict, on the CPU.

    Raises:
        UserError: If the file is missing, damaged, holds more than tensors, or is for another model.
    """
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
                f"{path}: {name} is {dtype}; allowed: {wanted[name][1]}, that of the model in config.yaml; {remedy}"
            )
    for name, _ in model.named_parameters():
        if not bool(torch.isfinite(state[name]).all()):
            raise UserError(f"{path}: {name} is not finite; {remedy}")
    return state
