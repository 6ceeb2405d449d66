"""A semi-supervised model whose p(x|y), p(x) and p(y|x) are known: the decoder does not look at z, and q(z|x, y) = p(z)."""

from collections.abc import Iterator
from itertools import count

import torch
from torch import Tensor

from aevb.models.conditional import ConditionalBernoulliDecoder, ConditionalEncoder
from aevb.models.prior import StandardNormal
from aevb.models.semi_supervised import Classifier, SemiSupervisedVAE
from aevb.noise import Noise
from aevb.objectives.objective import Batch

__all__ = ["CLASSES", "PIXELS", "LabelledStream", "known_model", "labelled_rows", "log_px_y", "small_model"]

PIXELS, CLASSES = 6, 3


def small_model() -> SemiSupervisedVAE:
    """Two latent dimensions, five hidden units, random weights, float64."""
    encoder = ConditionalEncoder(PIXELS, CLASSES, 2, 5)
    decoder = ConditionalBernoulliDecoder(PIXELS, CLASSES, 2, 5)
    return SemiSupervisedVAE(
        encoder, decoder, StandardNormal(2), Classifier(PIXELS, CLASSES, 4), "paper_variance"
    ).double()


def known_model() -> SemiSupervisedVAE:
    """KL(q(z|x, y) || p(z)) = 0 and p(x|z, y) = p(x|y), with logits of size 1."""
    model = small_model()
    with torch.no_grad():
        for layer in (model.encoder.mean, model.encoder.log_var):
            layer.weight.zero_(), layer.bias.zero_()
        model.decoder.hidden.weight[:, :2] = 0
        model.decoder.hidden.weight.mul_(10), model.decoder.logits.weight.mul_(10)
    return model


def labelled_rows(images: int = 9) -> Tensor:
    """Binary images with the classes 0, 1, 2, 0, ... behind the pixels, (images, 9), float64."""
    x = torch.rand((images, PIXELS), generator=torch.Generator().manual_seed(0)).round().double()
    return torch.cat([x, torch.eye(CLASSES).double()[torch.arange(images) % CLASSES]], 1)


def log_px_y(model: SemiSupervisedVAE, x: Tensor) -> Tensor:
    """log p(x|y) of a known model for every class, (M, C), by torch.distributions."""
    y = torch.eye(CLASSES, dtype=x.dtype)
    hidden = torch.tanh(y @ model.decoder.hidden.weight[:, 2:].T + model.decoder.hidden.bias)
    logits = hidden @ model.decoder.logits.weight.T + model.decoder.logits.bias
    return torch.distributions.Bernoulli(logits=logits).log_prob(x[:, None]).sum(-1)


class LabelledStream(Iterator[Batch]):
    """The same rows at every step, which are the whole training set."""

    def __init__(self, rows: Tensor) -> None:
        self.x, self.dynamic, self.steps = rows, False, count()

    def __next__(self) -> Batch:
        return Batch(self.x, torch.arange(len(self.x)), Noise(0, "noise", next(self.steps)))
