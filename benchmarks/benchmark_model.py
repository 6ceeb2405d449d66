r"""What everybody computes: the paper's model on the same data from the same start.

    784-500-20 tanh networks, Bernoulli outputs, M = 100, Adagrad with learning rate 0.01,
    loss = mean over the minibatch of KL(q(z|x) || p(z)) - log p(x|z),   one z ~ q(z|x) per image

M minibatch, D pixels, H hidden units, J latent.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from aevb.data.dataset import Dataset
from aevb.data.digits import Digits
from aevb.data.mnist import MNIST

if TYPE_CHECKING:
    import numpy as np

    from aevb.models.vae import VAE

__all__ = ["SMALL", "BenchmarkModel"]

LR = 0.01


@dataclass(frozen=True)
class BenchmarkModel:
    """data: mnist or digits. seed: of weights, minibatches and noise. unit: steps (images, for importance sampling) that a method
    takes in its turn. samples: K of importance sampling. n_train: MNIST training images. matmul_backend: the library
    that multiplies matrices in the rivals that may choose, torch or onednn; aevb chooses itself."""

    data: str = "mnist"
    hidden_dim: int = 500
    latent_dim: int = 20
    batch_size: int = 100
    lr: float = LR
    seed: int = 0
    unit: int = 1000
    samples: int = 5000
    n_train: int = 50_000
    matmul_backend: str = "torch"

    def overrides(self) -> list[str]:
        """The same, as aevb-train takes it."""
        keys = ("data", "hidden_dim", "latent_dim", "batch_size", "seed")
        chosen = [f"{key}={getattr(self, key)}" for key in keys] + [f"optimizer.lr={self.lr}"]
        return chosen + ([f"data.n_train={self.n_train}"] if self.data == "mnist" else [])

    def dataset(self) -> Dataset:
        """The data set, not loaded yet."""
        return MNIST(n_train=self.n_train) if self.data == "mnist" else Digits()

    def train(self) -> "np.ndarray":
        """Training images (N, D), float32 in [0, 1]. Raises UserError where they are not to be had."""
        return self.dataset().load().train.x

    def model(self) -> "VAE":
        """aevb's own, as it is before training."""
        from aevb.models.bernoulli import BernoulliDecoder
        from aevb.models.gaussian import GaussianEncoder
        from aevb.models.prior import StandardNormal
        from aevb.models.vae import VAE

        sizes = self.dataset().dim, self.latent_dim, self.hidden_dim
        prior = StandardNormal(self.latent_dim)
        return VAE(GaussianEncoder(*sizes), BernoulliDecoder(*sizes), prior, "paper", self.seed)

    def describe(self) -> dict[str, Any]:
        """For the record."""
        data = self.dataset()
        sizes = f"{data.dim}-{self.hidden_dim}-{self.latent_dim}"
        return {**asdict(self), "model": f"{sizes} tanh, Bernoulli outputs", "targets": str(data.convention)}


SMALL = BenchmarkModel(data="digits", hidden_dim=30, latent_dim=2)
"""Shows that everything runs; no goal is about it."""
