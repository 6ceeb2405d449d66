r"""Semi-supervised learning with the model M2 (Kingma et al. 2014, eq. 6 to 9): a bound of log p(x, y) or log p(x).

    of an image with a label      L(x, y) = E_q(z|x,y) [log p(x|z, y)] - KL(q(z|x, y) || p(z)) + log p(y)
    of an image without one       U(x) = sum_y q(y|x) [L(x, y) - log q(y|x)]
    loss = -mean of L or U - alpha N/N_l [x has a label] log q(y|x)

The sum over the C classes is exact, so nothing needs a gradient through a draw of y, at C times the cost of the
conditional model. q(y|x) would learn from the images without a label alone; the last term, which is no part of
a bound, lets it learn from the labels too. With N images in all, N_l of them with a label, alpha N/N_l for each of those is the
paper's alpha = 0.1 N for their mean.

The data have all labels, and the objective looks at those of N_l training images, the same number of each class. They
are chosen by the seed.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.estimators.bound_of_classes import bound_of_classes
from aevb.models.semi_supervised import SemiSupervisedVAE
from aevb.models.vae import VAE
from aevb.noise import philox
from aevb.objectives.objective import Batch, Objective, TrainingData, Update, detached
from aevb.types import NonNegativeFloat, PositiveInt, Seed

__all__ = ["SemiSupervised", "chosen_images"]

DECAY = 0.99
"""Decay of the running mean of the error, per minibatch."""


class SemiSupervised(Objective):
    """The loss above; requires a `SemiSupervisedVAE`.

    The reported bound is the mean of L and U.

    Args:
        labels: Number of training images whose label is used, N_l.
        alpha: Weight of log q(y|x) of these images; 0.1 in the paper.
        samples: Number of draws of z per image and class, L.
        seed: Seed of the choice of images.
        weight_prior: Precision of the prior on the weights (see `Objective`).

    Raises:
        UserError: From `forward`: the model has no q(y|x), or the training set has too few images of a class.

    Attributes:
        error: Buffer, the running mean of the share of images without a label whose class q(y|x) gets wrong.
    """

    reparameterised = True
    needs_classifier = True
    error: Tensor

    def __init__(
        self,
        labels: PositiveInt = 100,
        alpha: NonNegativeFloat = 0.1,
        samples: PositiveInt = 1,
        seed: Seed = 0,
        weight_prior: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(weight_prior)
        self.labels, self.alpha, self.samples, self.seed = labels, alpha, samples, seed
        self.register_buffer("error", torch.zeros(()))
        self._has_label: Tensor | None = None

    def metrics(self) -> dict[str, float]:
        """Return error, the share of training images without a label whose class q(y|x) gets wrong."""
        return {"error": self.error.item()}

    def forward(self, model: VAE, stream: Iterator[Batch]) -> Iterator[Update]:
        """Yield one update of theta and phi for one minibatch (see `Objective.forward`)."""
        if not isinstance(model, SemiSupervisedVAE):
            raise UserError(
                f"objective=semi_supervised: {type(model).__name__} has no q(y|x); allowed: a SemiSupervisedVAE; "
                "try: model=semi_supervised"
            )
        batch = next(stream)
        rows, index, noise = batch
        x, y = model.split(rows)
        labelled = self._labelled(model, cast(TrainingData, stream))
        has_label = labelled[index.to(labelled.device)].to(x.device)

        bounds = bound_of_classes(model, x, noise, self.samples)
        log_qy_x = model.log_qy_x(x)
        weights = torch.where(has_label[:, None], y, log_qy_x.exp())  # of the classes, (M, C)
        # Of the weights; that of a label is 0. Together with log p(y) it is -KL(weights || p(y)).
        entropy = torch.where(has_label, 0, -(log_qy_x.exp() * log_qy_x).sum(-1))
        log_py = -torch.log(torch.tensor(model.num_classes, dtype=x.dtype, device=x.device))
        reconstruction = (weights * bounds.reconstruction.T).sum(-1)
        bound = (weights * bounds.bound.T).sum(-1) + log_py + entropy
        log_likelihood = torch.where(has_label, (y * log_qy_x).sum(-1), 0)
        weight = self.alpha * len(labelled) / self.labels

        wrong = (log_qy_x.argmax(-1) != y.argmax(-1))[~has_label]
        if batch.counted and len(wrong):  # once a minibatch, also where it is computed in shares
            self.error.mul_(DECAY).add_((1 - DECAY) * wrong.to(self.error.dtype).mean())
        loss = -bound.mean() - weight * log_likelihood.mean()
        stats = {"bound": bound.mean(), "reconstruction": reconstruction.mean(), "kl": (reconstruction - bound).mean()}
        yield Update(loss, ("theta", "phi"), len(x), detached(stats))

    def _labelled(self, model: SemiSupervisedVAE, data: TrainingData) -> Tensor:
        if self._has_label is None or len(self._has_label) != len(data.x):
            label = model.split(data.x)[1].argmax(-1).cpu().numpy()
            self._has_label = torch.from_numpy(chosen_images(label, self.labels, model.num_classes, self.seed))
        return self._has_label


def chosen_images(label: np.ndarray, count: int, classes: int, seed: int) -> np.ndarray:
    """Choose images by their labels: count / C of every class, one more of the first classes if that is no integer.

    Args:
        label: Integers in 0..C-1, (N,).
        count: Number of images.
        classes: Number of classes, C.
        seed: Seed of the choice.

    Returns:
        Whether an image is chosen, (N,) bool.

    Raises:
        UserError: There are too few images of a class, or fewer labels than classes.
    """
    chosen, images = np.zeros(len(label), bool), np.bincount(label, minlength=classes)
    wanted = [count // classes + (c < count % classes) for c in range(classes)]
    if count < classes or (images < wanted).any():
        rarest, most = int(images.argmin()), classes * int(images.min())
        wrong = (
            f"of class {rarest} there are {images.min()} training images" if count >= classes else "fewer than classes"
        )
        raise UserError(
            f"objective.labels={count}: {wrong}; allowed: {classes}..{most}, the same number of each of {classes} classes; "
            f"try: objective.labels={min(10 * classes, most)}"
        )
    for c in range(classes):
        chosen[philox(seed, "labels", c).permutation(np.nonzero(label == c)[0])[: wanted[c]]] = True
    return chosen
