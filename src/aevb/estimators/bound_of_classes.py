r"""The lower bound of log p(x|y) for every class y of a conditional model.

    L(x, y) = 1/L sum_l log p(x|z^(l), y) - KL(q(z|x, y) || p(z)),   z^(l) ~ q(z|x, y)

The classes are an axis before the images. With the weights of a distribution over y they give the bound of log p(x)
(aevb.objectives.semi_supervised), and with Bayes' rule an estimate of p(y|x) (aevb.evaluators.classification).
"""

import torch
from torch import Tensor

from aevb.estimators.bound import BoundEstimate, kl_divergence
from aevb.models.conditional import ConditionalVAE
from aevb.noise import Noise

__all__ = ["bound_of_classes"]


def bound_of_classes(model: ConditionalVAE, x: Tensor, noise: Noise, samples: int = 1) -> BoundEstimate:
    """Estimate the bound of each image for each class, with gradients.

    Args:
        model: The model.
        x: Pixels, (M, D).
        noise: Source of the draws of z.
        samples: Number of draws per image and class, L.

    Returns:
        The bound and its parts, (C, M) each, nats.
    """
    classes = torch.eye(model.num_classes, dtype=x.dtype, device=x.device)
    rows = torch.cat([x.expand(len(classes), -1, -1), classes[:, None].expand(-1, len(x), -1)], -1)  # (C, M, D + C)
    qz_xy = model.encoder(rows)
    z = qz_xy.rsample(noise, samples)
    reconstruction = model.decoder(z).log_prob(rows).mean(0)
    kl = kl_divergence(qz_xy, model.prior(), z)
    return BoundEstimate(reconstruction - kl, reconstruction, kl)
