"""PITFALL: another library's Adagrad at the paper's learning rates.

Keras (and optax) start the accumulator at 0.1 and put eps outside the root. Squared gradients of a mean loss take long to
outweigh that 0.1; until then a step is lr g / 0.3, not lr g / |g|. The same learning rate is another optimiser, better here and
worse there, and {0.01, 0.02, 0.1} is no longer the paper's choice. Seen: a published student reproduction finds that these
learning rates "did not result in similar results" (that this is why is inferred). Exposed by
test_adagrad.py::test_a_mean_loss_moves_as_the_authors_summed_one.
"""

from typing import Any

import torch

from aevb.types import PositiveFloat

__all__ = ["keras_adagrad"]


def keras_adagrad(params: Any, lr: PositiveFloat = 0.01) -> torch.optim.Optimizer:
    """Adagrad with Keras' defaults. lr: the global learning_rate."""
    # right: aevb.optimizers.adagrad.AuthorsAdagrad
    return torch.optim.Adagrad(params, lr=lr, initial_accumulator_value=0.1, eps=1e-7, fused=True)
