"""The prior on the weights, p(w) = N(0, 1 / precision), as a weight decay of the optimizer: -log p(w) / N."""

from typing import Any

import torch
from torch import nn

from aevb.errors import UserError

__all__ = ["check_has_decay", "with_own_decay", "with_weight_prior"]


def with_weight_prior(parameters: list[nn.Parameter], decay: float) -> list[dict[str, Any]]:
    """Return the parameter groups of an optimizer: the weights with a decay, the biases without.

    torch adds decay * w to the gradient before anything else, which is the gradient of -log p(w) / N.

    Args:
        parameters: Weights (matrices and kernels) and biases.
        decay: precision / N.
    """
    weights = [parameter for parameter in parameters if parameter.dim() > 1]
    others = [parameter for parameter in parameters if parameter.dim() <= 1]
    groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def with_own_decay(groups: list[dict[str, Any]], own: object) -> list[dict[str, Any]]:
    """Return the groups such that a weight decay of the optimizer itself acts, that of the config or its default.

    The decay of a group has precedence over that of its optimizer, which would be lost without a word.

    Args:
        groups: What `with_weight_prior` returned.
        own: `optimizer.weight_decay`; None if the config has none.

    Returns:
        The groups, without their decays if the weights have no prior.

    Raises:
        UserError: If the weights have a prior too.
    """
    if not _have_prior(groups):
        return [{"params": group["params"]} for group in groups]
    if own is not None:
        raise UserError(
            f"optimizer.weight_decay={own}: without effect beside objective.weight_prior, whose weight decay is its value "
            "divided by the number of training images; allowed: one of the two; try: objective.weight_prior=0"
        )
    return groups


def check_has_decay(optimizer: torch.optim.Optimizer, groups: list[dict[str, Any]]) -> None:
    """Check that an optimizer applies the prior on the weights.

    Args:
        optimizer: The optimizer.
        groups: The groups that it was given.

    Raises:
        UserError: If the weights have a prior and the optimizer has no weight decay, as torch.optim.Rprop.
    """
    if _have_prior(groups) and "weight_decay" not in optimizer.defaults:
        raise UserError(
            f"optimizer: {type(optimizer).__name__} has no weight_decay, by which the prior on the weights acts; allowed: one "
            "that has, or no prior; try: objective.weight_prior=0"
        )


def _have_prior(groups: list[dict[str, Any]]) -> bool:
    return any(group.get("weight_decay") for group in groups)
