r"""The engine of wake-sleep for the paper's models: both phases in closed form.

    wake:   z = mu + sigma eps,  L = -log p(x, z)         d/dtheta alone: the backward function of the decoder
    sleep:  L = -log q(z|x') = 1/2 sum_j [log 2 pi + v + (z - mu)^2 / sigma^2]
            dL/dmu = (mu - z) / sigma^2,   dL/dv = (1 - (z - mu)^2 / sigma^2) / 2

per datapoint, v = log sigma^2. The numbers are those of the objective under autograd, up to rounding, from the same noise.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from aevb.distributions import DiagonalNormal
from aevb.models.closed_form_gradients import decode, encode
from aevb.models.vae import VAE
from aevb.objectives.objective import Batch, Update
from aevb.objectives.wake_sleep import WakeSleep

__all__ = ["ClosedFormWakeSleep"]


class ClosedFormWakeSleep:
    """Updates of wake-sleep, with gradients in closed form.

    Args:
        objective: Wake-sleep.
    """

    def __init__(self, objective: WakeSleep) -> None:
        self.objective = objective

    def __call__(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta, then one of phi, for one minibatch.

        Args:
            model: The model; `.grad` of the parameters of each update is written.
            stream: Minibatches.
        """
        batch = next(stream)
        yield _wake(model, batch)
        yield _sleep(model, *self.objective.dream(model, len(batch.x), batch.noise))


@torch.no_grad()
def _wake(model: VAE, batch: Batch) -> Update:
    qz_x = model.encoder(batch.x)
    z = qz_x.sample(batch.noise)
    log_px_z, backward = decode(model.decoder, z, batch.x)  # type: ignore[arg-type]  # `select` has looked
    backward(-1 / len(z))
    log_pxz = log_px_z / len(z) + model.prior().log_prob(z).mean()
    return Update(-log_pxz, ("theta",), len(z), {"bound": log_pxz - qz_x.log_prob(z).mean()})


@torch.no_grad()
def _sleep(model: VAE, z: Tensor, dream: Tensor) -> Update:
    mean, log_var, backward = encode(model.encoder, dream)  # type: ignore[arg-type]
    distance, precision = mean - z, torch.exp(-log_var)
    squares = distance * distance * precision
    backward(distance * precision / len(z), (1 - squares) * (0.5 / len(z)))
    return Update(-DiagonalNormal(mean, log_var).log_prob(z).mean(), ("phi",), 0, {})
