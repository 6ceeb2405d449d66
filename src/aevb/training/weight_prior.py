"""The prior on the weights, p(w) = N(0, 1 / precision), as a weight decay of the optimizer: -log p(w) / N."""

from typing import Any

from torch import nn

__all__ = ["with_weight_prior"]


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
