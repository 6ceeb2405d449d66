"""Data drawn from known models, whose exact log p(x) judges whatever is trained on them.

    linear Gaussian     z ~ N(0, I),  x | z ~ N(W z + b, s^2 I)          log p(x) = log N(x; b, W W' + s^2 I)
    sigmoid belief net  z_k ~ Bernoulli(1/2),  x | z ~ Bernoulli(sigmoid(W (2z - 1) + b))
                        log p(x) = log sum over all 2^K codes z of p(z) p(x | z)

The first is probabilistic PCA (Tipping & Bishop, 1999), the second Neal's (1992) network of one layer. In the mean
no model exceeds the truth on fresh data, and no lower bound exceeds its model.
Parameters, training and test set come from generators of their own, so a longer training set begins with the shorter.
"""

import numpy as np

from aevb.data import checks
from aevb.data.dataset import Dataset, Split, Splits
from aevb.types import PositiveFloat, PositiveInt, Seed

__all__ = ["LinearGaussian", "SigmoidBelief", "linear_gaussian_log_px"]

MAX_FACTORS = 10


def linear_gaussian_log_px(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, noise: float | np.ndarray
) -> np.ndarray:
    """log N(x; b, W W' + diag(s^2)) in nats, float64.

    x: (N, D). weight: W, (D, J). bias: b, (D,). noise: s, the standard deviation, one or (D,). Returns (N,).
    """
    weight = np.asarray(weight, np.float64)
    covariance = weight @ weight.T + np.diag(np.broadcast_to(np.square(noise, dtype=np.float64), len(weight)))
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, (np.asarray(x, np.float64) - bias).T)
    log_det = 2 * np.log(np.diag(root)).sum()
    return -0.5 * (np.square(white).sum(0) + log_det + len(weight) * np.log(2 * np.pi))


class LinearGaussian(Dataset):
    """x = W z + b + noise with W_dj ~ N(0, scale^2), b = 1/2.

    rows, columns: D = rows x columns. factors: the true J. noise: standard deviation s of a pixel. With the defaults
    nearly all x lie in (0, 1), so that a decoder whose means pass through a sigmoid can learn them too.

    Known afterwards: weight (D, J), bias (D,), noise, log_px(x).
    """

    name = "synthetic"
    unit_interval = False

    def __init__(
        self,
        rows: PositiveInt = 4,
        columns: PositiveInt = 4,
        factors: PositiveInt = 2,
        noise: PositiveFloat = 0.05,
        scale: PositiveFloat = 0.1,
        n_train: PositiveInt = 5000,
        n_test: PositiveInt = 1000,
        seed: Seed = 0,
    ) -> None:
        self.shape = (rows, columns)
        self.factors, self.noise = factors, noise
        self.n_train, self.n_test, self.seed = n_train, n_test, seed
        self.weight = scale * _generator(seed, "parameters").standard_normal((self.dim, factors))
        self.bias = np.full(self.dim, 0.5)
        self.convention = f"drawn from a linear Gaussian model, J = {factors}, s = {noise:g}"

    def load(self) -> Splits:
        return Splits(self._draw("train", self.n_train), self._draw("valid", 0), self._draw("test", self.n_test))

    def log_px(self, x: np.ndarray) -> np.ndarray:
        """The exact log p(x) of (N, D) points under the true parameters, in nats, (N,) float64."""
        return linear_gaussian_log_px(x, self.weight, self.bias, self.noise)

    def _draw(self, part: str, count: int) -> Split:
        normal = _generator(self.seed, part).standard_normal((count, self.factors + self.dim))
        z, eps = normal[:, : self.factors], normal[:, self.factors :]
        x = z @ self.weight.T + self.bias + self.noise * eps
        return Split(x.astype(np.float32), np.zeros(count, np.int64))


class SigmoidBelief(Dataset):
    """Binary images from K binary causes, W_dk ~ N(0, scale^2), b ~ N(0, 1); the label is the code z as a number.

    rows, columns: D = rows x columns. factors: K, at most 10, since log_px sums over 2^K codes.

    Known afterwards: weight (D, K), bias (D,), log_px(x).
    """

    name = "synthetic_bernoulli"

    def __init__(
        self,
        rows: PositiveInt = 4,
        columns: PositiveInt = 4,
        factors: PositiveInt = 3,
        scale: PositiveFloat = 2.0,
        n_train: PositiveInt = 5000,
        n_test: PositiveInt = 1000,
        seed: Seed = 0,
    ) -> None:
        checks.between("factors", factors, 1, MAX_FACTORS, "log p(x) sums over 2^factors codes")
        self.shape = (rows, columns)
        self.factors, self.n_train, self.n_test, self.seed = factors, n_train, n_test, seed
        generator = _generator(seed, "parameters")
        self.weight = scale * generator.standard_normal((self.dim, factors))
        self.bias = generator.standard_normal(self.dim)
        self.convention = f"drawn from a sigmoid belief network, K = {factors}"

    def load(self) -> Splits:
        return Splits(self._draw("train", self.n_train), self._draw("valid", 0), self._draw("test", self.n_test))

    def log_px(self, x: np.ndarray) -> np.ndarray:
        """The exact log p(x) of (N, D) binary points under the true parameters, in nats, (N,) float64."""
        logit = self._logits(np.arange(2**self.factors))
        # log p(x | z) = x' logit - sum log(1 + e^logit)
        log_px_z = np.asarray(x, np.float64) @ logit.T - np.logaddexp(0, logit).sum(1)
        return np.logaddexp.reduce(log_px_z, axis=1) - self.factors * np.log(2)

    def _logits(self, code: np.ndarray) -> np.ndarray:
        z = (code[:, None] >> np.arange(self.factors)) & 1
        return (2 * z - 1) @ self.weight.T + self.bias

    def _draw(self, part: str, count: int) -> Split:
        uniform = _generator(self.seed, part).random_sample((count, 1 + self.dim))
        code = (uniform[:, 0] * 2**self.factors).astype(np.int64)
        x = uniform[:, 1:] < 1 / (1 + np.exp(-self._logits(code)))
        return Split(x.astype(np.float32), code)


def _generator(seed: int, part: str) -> np.random.RandomState:
    # RandomState, because its streams never change between versions of numpy
    return np.random.RandomState([seed, ("parameters", "train", "valid", "test").index(part)])
