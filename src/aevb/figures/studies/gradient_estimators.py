"""The estimators of the gradient that the figure gradient_variance compares, and what their baselines have learnt."""

from typing import NamedTuple

import torch

from aevb.models.vae import VAE
from aevb.objectives.arm import ARM
from aevb.objectives.iwae import IWAE
from aevb.objectives.nvil import NVIL
from aevb.objectives.objective import Objective
from aevb.objectives.score_function import ScoreFunction
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B
from aevb.objectives.vimco import VIMCO
from aevb.training.minibatches import Stream

__all__ = ["Estimator", "binary_estimators", "estimators", "with_past"]

PAST = 50  # minibatches that the running baseline has seen: at a decay of 0.9 all that it remembers
LEARNING = 500  # minibatches that a learnt one has learnt from, by Adam


class Estimator(NamedTuple):
    """One estimator of the gradient.

    Attributes:
        name: The name in the figure.
        samples: The number of samples, L or K.
        objective: The objective whose gradient is drawn.
        own_mean: Whether the estimator has a different mean from the gradient of the lower bound.
    """

    name: str
    samples: int
    objective: Objective
    own_mean: bool = False


def estimators(samples: int) -> list[Estimator]:
    """Return every estimator with one sample and with `samples`.

    Args:
        samples: The larger number of samples, L or K.

    Returns:
        The estimators; B with the most samples is first, because it gives the mean for the others.
    """
    result = []
    for n in (samples, 1):
        result += [
            Estimator("SGVB B", n, SGVB_B(n)),
            Estimator("SGVB A", n, SGVB_A(n)),
            Estimator("score function", n, ScoreFunction(n)),
            Estimator("score function, running baseline", n, ScoreFunction(n, "running")),
        ]
    result.append(Estimator("score function, leave-one-out", samples, ScoreFunction(samples, "leave_one_out")))
    result.append(Estimator("importance-weighted bound", samples, IWAE(samples), own_mean=True))
    return result


def binary_estimators(samples: int, data_dim: int) -> list[Estimator]:
    """Return the estimators for binary latent variables, with one sample, two samples and `samples`.

    Args:
        samples: The largest number of samples.
        data_dim: The dimension of x, D.

    Returns:
        The estimators; the first usually has the least noise.
    """
    result = []
    for n in dict.fromkeys((samples - samples % 2, 2)):
        result += [
            Estimator("score function, leave-one-out", n, ScoreFunction(n, "leave_one_out")),
            Estimator("DisARM", n, ARM(n)),
            Estimator("ARM", n, ARM(n, marginal=False)),
        ]
    for n in dict.fromkeys((samples - samples % 2, 1)):
        result += [
            Estimator("score function", n, ScoreFunction(n)),
            Estimator("score function, running baseline", n, ScoreFunction(n, "running")),
            Estimator("NVIL", n, NVIL(data_dim, n, normalise=False)),
        ]
    result.append(Estimator("VIMCO", samples - samples % 2, VIMCO(samples - samples % 2), own_mean=True))
    return result


def with_past(objective: Objective, model: VAE, stream: Stream) -> Objective:
    """Return an objective after some minibatches at fixed parameters, which change its baselines only.

    Args:
        objective: The objective; it is changed.
        model: The model.
        stream: The minibatches.

    Returns:
        The objective.
    """
    objective.to(stream.x.dtype)
    if isinstance(objective, NVIL):
        optimizer = torch.optim.Adam(objective.parameters(), lr=0.01)
        for _ in range(LEARNING):
            (update,) = objective(model, stream)
            optimizer.zero_grad()
            update.loss.backward(inputs=list(objective.parameters()))
            optimizer.step()
    if getattr(objective, "baseline", "none") == "running":
        with torch.no_grad():
            for _ in range(PAST):
                next(iter(objective(model, stream)))
    return objective
