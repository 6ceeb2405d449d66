"""A run that starts from another run's weights (init_from), and from the state of its optimizer if that is wanted.

samples_seen, the minibatches and their noise begin anew, by the seed of the new run.
"""

from pathlib import Path
from typing import Any

import torch

from aevb.errors import UserError
from aevb.models.saved_weights import read_weights
from aevb.models.vae import VAE
from aevb.runs import layout
from aevb.runs.layout import newest_checkpoint
from aevb.runs.origin import check_origin
from aevb.training.checkpoints.io import load

__all__ = ["load_optimizers", "optimizer_states", "start_from"]


def start_from(model: VAE, settings: dict[str, Any]) -> None:
    """Load the weights that a run starts from.

    Args:
        model: The model, on the CPU; changed in place.
        settings: The config of the run, which names them (`init_from`).

    Raises:
        UserError: If the weights are of another model, or not those of the config's `init_sha256`.
    """
    path = settings["init_from"]
    directory = Path(path)
    remedy = f"try: the model, latent_dim, hidden_dim and precision of {path}, or init_from=null"
    check_origin(settings)
    model.load_state_dict(read_weights(directory / layout.MODEL, model, remedy))


def optimizer_states(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the states of the optimizers that a run with `init_optimizer` starts from.

    Args:
        settings: The config of the run.

    Raises:
        UserError: If the other run has no checkpoint.
    """
    path = settings["init_from"]
    checkpoint = newest_checkpoint(Path(path))
    if checkpoint is None:
        raise UserError(f"init_optimizer=true: {path} has no checkpoint; allowed: false; try: init_optimizer=false")
    return load(checkpoint)["optimizer_states"]


def load_optimizers(optimizers: list[torch.optim.Optimizer], states: list[dict[str, Any]]) -> None:
    """Give new optimizers the states of others, and keep their own learning rates and weight decay.

    Args:
        optimizers: The optimizers of theta and phi, where these have parameters.
        states: State dictionaries of the other run's optimizers.

    Raises:
        UserError: If the optimizers do not have the same parameters.
    """
    own = [optimizer.state_dict() for optimizer in optimizers]
    if [_parameters(state) for state in own] != [_parameters(state) for state in states]:
        raise UserError(
            "init_optimizer=true: the optimizers of the two runs have other parameters; allowed: the same model and "
            "objective; try: init_optimizer=false"
        )
    for optimizer, own_state, other_state in zip(optimizers, own, states, strict=True):
        optimizer.load_state_dict({"state": other_state["state"], "param_groups": own_state["param_groups"]})


def _parameters(state: dict[str, Any]) -> list[list[int]]:
    return [list(group["params"]) for group in state["param_groups"]]
