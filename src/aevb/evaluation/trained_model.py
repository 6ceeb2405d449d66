r"""A finished run as an object: encode, decode, sample, reconstruct, log p(x). Arrays in, arrays out.

What `aevb.load` gives. Numbers are those of the run's own model in eval mode, on the CPU. An image's noise depends on the seed
and on its place in the argument, as in aevb-evaluate: the test split with the run's seed gives the run's own numbers.
"""

from os import PathLike
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from aevb.data.dataset import Dataset, Split, Splits
from aevb.errors import UserError
from aevb.evaluation.loading import load_run
from aevb.evaluators.evaluator import run_over
from aevb.evaluators.importance import Importance
from aevb.evaluators.targets import float_type, targets
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["LogPx", "Pixels", "Posterior", "TrainedModel"]

Array = TypeVar("Array", np.ndarray, Tensor)
Pixels = Literal["means", "draws", "mode"]


class Posterior(NamedTuple):
    """q(z|x) = N(mean, diag exp(log_var)); of binary latents its probabilities and the log of their variance. Both (..., J)."""

    mean: Any
    log_var: Any


class LogPx(NamedTuple):
    """Per image, (n,). log_px: nats, a stochastic lower bound. effective_samples: ESS in 1..K; near 1 the estimate is not to be
    trusted. monte_carlo_error: standard error of log_px by the delta method."""

    log_px: Any
    effective_samples: Any
    monte_carlo_error: Any


class TrainedModel:
    """A model with its run's settings.

    settings: the run's config. shape: (rows, columns) of an image, D = rows * columns. dataset: what it was trained on.
    model: the torch module, for everything that is not here.
    """

    def __init__(self, run: str | PathLike[str], data_root: str | None = None, trusted: tuple[str, ...] = ()) -> None:
        self.directory = Path(run)
        loaded = load_run(self.directory, data_root, trusted)
        self.settings: dict[str, Any] = loaded.settings
        self.shape: tuple[int, int] = loaded.shape
        self.dataset: Dataset = loaded.dataset
        self.model: VAE = loaded.model
        self.dtype = float_type(self.settings)
        self._loaded = loaded

    def __repr__(self) -> str:
        return f"TrainedModel({self.directory.name!r}, latent_dim={self.latent_dim}, shape={self.shape})"

    @property
    def latent_dim(self) -> int:
        """J."""
        return self.settings["latent_dim"]

    @property
    def data_dim(self) -> int:
        """D, pixels of an image."""
        return self.shape[0] * self.shape[1]

    def load_data(self) -> Splits:
        """The data of the run; raises UserError if they are not those that it was trained on."""
        return self._loaded.load_data()

    def test(self) -> Split:
        """The test split as the run's evaluations saw it: x (N, D), label (N,). Reads the data set."""
        split = self.load_data().test
        x = targets(split, self.dataset.dynamic, self.settings["seed"], self.dtype)
        return Split(x.numpy(), split.label)

    def encode(self, x: Array) -> Posterior:
        """q(z|x) of images x, (..., D) or (..., rows, columns)."""
        with torch.no_grad():
            qz_x = self.model.encoder(self._images(x))
        return Posterior(_like(qz_x.mean, x), _like(qz_x.log_var, x))

    def decode(self, z: Array) -> Array:
        """Means of p(x|z), (..., D), for latent values z (..., J)."""
        values = _tensor(z, "z", self.dtype)
        if values.shape[-1:] != (self.latent_dim,):
            raise UserError(
                f"z: shape {tuple(values.shape)}; allowed: (..., {self.latent_dim}), the run's latent_dim; "
                f"try: numpy.zeros((1, {self.latent_dim}))"
            )
        with torch.no_grad():
            return _like(self.model.decoder(values).mean, z)

    def reconstruct(self, x: Array) -> Array:
        """Means of p(x|z) at the z that stands for q(z|x) (its mean; of binary z the likeliest one), (..., D)."""
        return self.decode(_like(self.model.code(self._images(x)), x))

    def sample(self, n: int, seed: int = 0, pixels: Pixels = "means") -> np.ndarray:
        """At n draws z ~ p(z), (n, D): means of p(x|z), draws of it, or its mode (of Bernoulli pixels the threshold 1/2)."""
        if n < 1:
            raise UserError(f"n={n}: out of range; allowed: an integer >= 1; try: n=100")
        px_z = self.model.generate(n, Noise(seed, "samples", 0))
        drawn = {
            "means": lambda: px_z.mean,
            "draws": lambda: px_z.sample(Noise(seed, "pixels", 0)),
            "mode": lambda: px_z.mode,
        }
        if pixels not in drawn:
            raise UserError(f"pixels={pixels}: no such choice; allowed: {', '.join(drawn)}; try: pixels='means'")
        return drawn[pixels]().numpy()

    def log_px(self, x: Array, samples: int = 1000, seed: int = 0) -> LogPx:
        """Importance-sampled log p(x) of images x, (n, D) or (n, rows, columns); a single image may come without n.

        samples: K draws of q(z|x) for each (aevb.estimators.importance).
        """
        if samples < 1:
            raise UserError(f"samples={samples}: out of range; allowed: an integer >= 1; try: samples=1000")
        images = self._images(x)
        rows = images.reshape(-1, self.data_dim)
        values = run_over(Importance(samples), self.model, rows, seed).values
        return LogPx(*(_like(values[name].reshape(images.shape[:-1]), x) for name in LogPx._fields))

    def _images(self, x: Any) -> Tensor:
        images = _tensor(x, "x", self.dtype)
        if images.shape[-2:] == self.shape and images.shape[-1] != self.data_dim:
            images = images.flatten(-2)
        if images.shape[-1:] != (self.data_dim,):
            rows, columns = self.shape
            raise UserError(
                f"x: shape {tuple(images.shape)}; allowed: (..., {self.data_dim}) or (..., {rows}, {columns}), "
                f"as the run {self.directory.name} was trained; try: x.reshape(-1, {self.data_dim})"
            )
        if not torch.isfinite(images).all():
            raise UserError("x: nan or infinite values; allowed: finite numbers; try: numpy.isfinite(x).all()")
        self._check_levels(x, images)
        return images

    def _check_levels(self, x: Any, images: Tensor) -> None:
        bytes_given = not torch.as_tensor(x).is_floating_point() and images.numel() > 0 and images.max() > 1
        bounded = getattr(self.model.decoder, "unit_interval", False)
        outside = bounded and images.numel() > 0 and (images.min() < 0 or images.max() > 1)
        if bytes_given or outside:
            raise UserError(
                f"x: values from {images.min():g} to {images.max():g}; allowed: the scale that the run was trained on, "
                f"{self.dataset.convention}; try: x / 255"
            )


def _tensor(value: Any, name: str, dtype: torch.dtype) -> Tensor:
    try:
        return torch.as_tensor(value).detach().to("cpu", dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{name}: {type(value).__name__} is no array of numbers; allowed: a numpy array or a tensor"
        ) from error


def _like(value: Tensor, given: Any) -> Any:
    return value.to(given.device) if isinstance(given, Tensor) else value.numpy()
