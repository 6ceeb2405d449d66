r"""The engine for the paper's own method: SGVB A and B with its two models, in closed form.

The encoder is Gaussian, the decoder Bernoulli or Gaussian, both with hidden layers of tanh units.

    z = mu + sigma * eps,   sigma = exp(v / 2),   g = dL/dz from the decoder

    B:  L = beta KL - E log p(x|z)
        dL/dmu = g + beta mu,   dL/dv = g sigma eps / 2 + beta (sigma^2 - 1) / 2
    A:  L = beta (log q(z|x) - log p(z)) - E log p(x|z)
        dL/dmu = g + beta z,    dL/dv = (g + beta z) sigma eps / 2 - beta / 2

per datapoint and sample; reparameterised, log q(z|x) = -sum [log 2 pi + v + eps^2] / 2 depends on v alone.
The numbers are those of the objective under autograd, up to rounding.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from aevb.models.closed_form_gradients import decode, encode
from aevb.models.vae import VAE
from aevb.objectives.beta_vae import BetaVAE
from aevb.objectives.objective import Batch, Update
from aevb.objectives.sgvb_a import SGVB_A
from aevb.objectives.sgvb_b import SGVB_B

__all__ = ["ClosedForm", "differentiate"]

Divergence = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""From mu, v, sigma, eps, z and dL/dz of the reconstruction term to the KL term, dL/dmu and dL/dv."""


class ClosedForm:
    """Updates of SGVB A or B, with gradients in closed form.

    Args:
        objective: SGVB A or B; beta-VAE in the subclass for it.
    """

    objective: SGVB_A | SGVB_B | BetaVAE

    def __init__(self, objective: SGVB_A | SGVB_B | BetaVAE) -> None:
        self.objective = objective
        self.divergence: Divergence = self._sampled if isinstance(objective, SGVB_A) else self._exact

    def __call__(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch.

        Args:
            model: The model; `.grad` of all its parameters is written.
            stream: Minibatches.
        """
        batch = next(stream)
        reconstruction, kl = differentiate(model, batch.x, self.noise(model, batch), self.divergence)
        yield self.update(batch, reconstruction, kl)

    def noise(self, model: VAE, batch: Batch) -> Tensor:
        """Draw the noise of a minibatch.

        Args:
            model: The model.
            batch: The minibatch.

        Returns:
            eps ~ N(0, I), (L, M, J).
        """
        weight = model.encoder.get_parameter("mean.weight")
        return batch.noise.normal((self.objective.samples, len(batch.x), len(weight)), weight.dtype)

    def update(self, batch: Batch, reconstruction: Tensor, kl: Tensor) -> Update:
        """Return the update whose gradients have been written.

        Args:
            batch: The minibatch.
            reconstruction: E log p(x|z), mean over the minibatch, nats.
            kl: KL term, mean over the minibatch, nats.
        """
        stats = {"bound": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
        return Update(self.objective.beta * kl - reconstruction, ("theta", "phi"), len(batch.x), stats)

    def _exact(
        self, mean: Tensor, log_var: Tensor, scale: Tensor, eps: Tensor, z: Tensor, d_z: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        variance, weight = scale * scale, self.objective.beta / len(mean)
        kl = 0.5 * (variance + mean * mean - 1 - log_var).sum() / len(mean)
        d_mean = d_z.sum(0) + weight * mean
        d_log_var = 0.5 * ((d_z * eps).sum(0) * scale + weight * (variance - 1))
        return kl, d_mean, d_log_var

    def _sampled(
        self, mean: Tensor, log_var: Tensor, scale: Tensor, eps: Tensor, z: Tensor, d_z: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        rows, beta = len(z) * len(mean), self.objective.beta
        log_ratio = 0.5 * ((z * z - eps * eps).sum() / rows - log_var.sum() / len(mean))
        d_z = d_z + beta / rows * z
        d_log_var = 0.5 * ((d_z * eps).sum(0) * scale - beta / len(mean))
        return log_ratio, d_z.sum(0), d_log_var


@torch.no_grad()
def differentiate(model: VAE, x: Tensor, eps: Tensor, divergence: Divergence) -> tuple[Tensor, Tensor]:
    """Write `.grad` of a model and return the two terms of its bound.

    Leading axes (...) are those of an ensemble of models.

    Args:
        model: A model of the paper.
        x: Images, (..., M, D).
        eps: Noise, (..., L, M, J).
        divergence: The KL term and its part of the gradient.

    Returns:
        The reconstruction term and the KL term, (...), means over the minibatch in nats.
    """
    mean, log_var, encoder_backward = encode(model.encoder, x)  # type: ignore[arg-type]  # `select` has looked
    scale = torch.exp(0.5 * log_var)
    z = torch.addcmul(mean.unsqueeze(-3), scale.unsqueeze(-3), eps)

    rows = z.shape[-3] * z.shape[-2]
    many_x = x.unsqueeze(-3).expand(*z.shape[:-1], x.shape[-1]).flatten(-3, -2)
    log_px_z, decoder_backward = decode(model.decoder, z.flatten(-3, -2), many_x)  # type: ignore[arg-type]
    d_z = decoder_backward(-1 / rows).view_as(z)
    kl, d_mean, d_log_var = divergence(mean, log_var, scale, eps, z, d_z)
    encoder_backward(d_mean, d_log_var)
    return log_px_z / rows, kl
