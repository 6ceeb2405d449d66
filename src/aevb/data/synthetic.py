"""Synthetic data sampled from known models, whose exact log p(x) is a reference for trained models.

    linear Gaussian     z ~ N(0, I),  x | z ~ N(W z + b, s^2 I)          log p(x) = log N(x; b, W W' + s^2 I)
    sigmoid belief net  z_k ~ Bernoulli(1/2),  x | z ~ Bernoulli(sigmoid(W (2z - 1) + b))
                        log p(x) = log sum over all 2^K codes z of p(z) p(x | z)

The first model is probabilistic PCA (Tipping & Bishop, 1999). The second is the network of Neal (1992) with
one layer. On new data the mean log p(x) of a model is at most that of the true model in expectation, and a
lower bound is at most the log p(x) of its own model.

The parameters, the training set and the test set have separate random generators. A training set therefore
begins with the images of every smaller training set of the same seed.
"""

import numpy as np

from aevb.data import checks
from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.target_convention import TargetConvention
from aevb.types import PositiveFloat, PositiveInt, Seed

__all__ = ["LinearGaussian", "SigmoidBelief", "linear_gaussian_log_px"]

MAX_FACTORS = 10


def linear_gaussian_log_px(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, noise: float | np.ndarray
) -> np.ndarray:
    """Return log N(x; b, W W' + diag(s^2)), the exact log p(x) of a linear Gaussian model.

    Args:
        x: Points, (N, D).
        weight: W, (D, J).
        bias: b, (D,).
        noise: The standard deviation s, a scalar or (D,).

    Returns:
        log p(x) in nats, (N,) float64.
    """
    weight = np.asarray(weight, np.float64)
    covariance = weight @ weight.T + np.diag(np.broadcast_to(np.square(noise, dtype=np.float64), len(weight)))
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, (np.asarray(x, np.float64) - bias).T)
    log_det = 2 * np.log(np.diag(root)).sum()
    return -0.5 * (np.square(white).sum(0) + log_det + len(weight) * np.log(2 * np.pi))


class LinearGaussian(Dataset):
    """The linear Gaussian model x = W z + b + s eps with W_dj ~ N(0, scale^2) and b = 1/2.

    With the default values nearly all x lie in (0, 1), so that a decoder with a sigmoid for the mean can
    learn them as well.

    Args:
        rows: Number of rows of an image; D = rows x columns.
        columns: Number of columns of an image.
        factors: The number of latent dimensions of the true model, J.
        noise: The standard deviation of a pixel given z, s.
        scale: The standard deviation of the elements of W.
        n_train: Number of training images.
        n_test: Number of test images.
        seed: Seed of the parameters and the data.

    Attributes:
        weight: The true W, (D, J).
        bias: The true b, (D,).
    """

    name = "synthetic"
    unit_interval = False
    validation = False

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
        description = f"drawn from a linear Gaussian model, J = {factors}, s = {noise:g}"
        self.convention = TargetConvention("real", description=description)

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        return Splits(self._draw("train", self.n_train), self._draw("valid", 0), self._draw("test", self.n_test))

    def log_px(self, x: np.ndarray) -> np.ndarray:
        """Return the exact log p(x) under the true parameters.

        Args:
            x: Points, (N, D).

        Returns:
            log p(x) in nats, (N,) float64.
        """
        return linear_gaussian_log_px(x, self.weight, self.bias, self.noise)

    def _draw(self, part: str, count: int) -> Split:
        normal = _generator(self.seed, part).standard_normal((count, self.factors + self.dim))
        z, eps = normal[:, : self.factors], normal[:, self.factors :]
        x = z @ self.weight.T + self.bias + self.noise * eps
        return Split(x.astype(np.float32), np.zeros(count, np.int64))


class SigmoidBelief(Dataset):
    """Binary images of a sigmoid belief network with W_dk ~ N(0, scale^2) and b_d ~ N(0, 1).

    The label of an image is its code z as a binary number, the first element of z being the lowest bit.

    Args:
        rows: Number of rows of an image; D = rows x columns.
        columns: Number of columns of an image.
        factors: The number of binary latent variables, K; at most 10, because log p(x) is a sum over 2^K
            codes.
        scale: The standard deviation of the elements of W.
        n_train: Number of training images.
        n_test: Number of test images.
        seed: Seed of the parameters and the data.

    Attributes:
        weight: The true W, (D, K).
        bias: The true b, (D,).

    Raises:
        UserError: If `factors` is not between 1 and 10.
    """

    name = "synthetic_bernoulli"
    labelled = True
    validation = False

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
        description = f"drawn from a sigmoid belief network, K = {factors}"
        self.convention = TargetConvention("binary", description=description)

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        return Splits(self._draw("train", self.n_train), self._draw("valid", 0), self._draw("test", self.n_test))

    def log_px(self, x: np.ndarray) -> np.ndarray:
        """Return the exact log p(x) under the true parameters.

        Args:
            x: Binary points, (N, D).

        Returns:
            log p(x) in nats, (N,) float64.
        """
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
