"""PITFALL: the Adagrad of another library with the paper's learning rates.

Keras (and optax) initialise the accumulator with 0.1 and add eps outside the square root. The
squared gradients of a mean loss need many steps to exceed 0.1; until then a step is lr g / 0.3, not
lr g / |g|. So the same learning rate means a different optimizer, which may be better or worse, and
{0.01, 0.02, 0.1} is not the paper's choice any more. Seen in: a published student reproduction,
which found that these learning rates "did not result in similar results" (that this is the cause is
our inference). Exposed by tests/optimizers/test_adagrad.py: a mean loss gives the steps of the
authors' summed loss.
"""

from typing import Any

import torch

from aevb.types import PositiveFloat

__all__ = ["keras_adagrad"]


def keras_adagrad(params: Any, lr: PositiveFloat = 0.01) -> torch.optim.Optimizer:
    """Return Adagrad with the defaults of Keras.

    Args:
        params: Parameters or parameter groups.
        lr: Global learning rate.

    Returns:
        The optimizer.
    """
    # right: aevb.optimizers.adagrad.AuthorsAdagrad
    return torch.optim.Adagrad(params, lr=lr, initial_accumulator_value=0.1, eps=1e-7, fused=True)
