"""Minibatches for an objective without a training loop, and the gradients of its updates."""

from collections.abc import Iterable, Iterator
from itertools import count

import torch
from torch import Tensor, nn

from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.objectives.objective import Batch, Objective, Update

__all__ = ["first_update", "flat", "gradient", "gradients_and_bounds", "minibatches", "parameters"]


def minibatches(x: Tensor, seed: int = 0, start: int = 0) -> Iterator[Batch]:
    """Yield the same images, (M, D), at every step, with the noise of the step; without end."""
    return (Batch(x, torch.arange(len(x)), Noise(seed, "noise", t)) for t in count(start))


def first_update(objective: Objective, model: VAE, x: Tensor, step: int = 0) -> Update:
    """Return the first update of a round on the images x, (M, D), with the noise of the given step."""
    return next(objective(model, minibatches(x, start=step)))


def parameters(model: VAE) -> list[nn.Parameter]:
    """Return the parameters of theta, then those of phi."""
    return [*model.theta, *model.phi]


def flat(tensors: Iterable[Tensor]) -> Tensor:
    """Return all entries of the tensors as one vector."""
    return torch.cat([tensor.flatten() for tensor in tensors])


def gradient(value: Tensor, model: VAE) -> Tensor:
    """Return the gradient of a scalar with respect to theta, then phi, as one vector, (P,)."""
    return flat(torch.autograd.grad(value, parameters(model), retain_graph=True))


def gradients_and_bounds(
    objective: Objective, model: VAE, x: Tensor, times: int, past: dict[str, Tensor] | None = None
) -> tuple[Tensor, Tensor]:
    """Return gradients of the loss, (times, P), and reported bounds, (times,), of successive minibatches.

    Args:
        objective: An objective that yields one update of theta and phi for each minibatch.
        model: The model; it is not updated.
        x: Images, (M, D), the same in all minibatches.
        times: Number of minibatches.
        past: State that the objective is given before every minibatch; None: its own.
    """
    batches, gradients, bounds = minibatches(x), [], []
    for _ in range(times):
        if past is not None:
            objective.load_state_dict(past)
        (update,) = objective(model, batches)
        assert (update.parameter_groups, update.samples) == (("theta", "phi"), len(x))
        gradients.append(gradient(update.loss, model))
        bounds.append(update.stats["bound"])
    return torch.stack(gradients), torch.stack(bounds)
