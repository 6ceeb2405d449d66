r"""A finished run as an object with methods to encode, decode, sample, reconstruct and estimate log p(x).

`aevb.load` returns this object. The methods take arrays and return arrays. They use the run's own model
in eval mode on the CPU. The noise of an image depends on the seed and on the position of the image in
the argument, as in aevb-evaluate, so the test split with the seed of the run gives the values that the
run recorded.
"""

import math
from os import PathLike
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor

from aevb.data.dataset import Dataset, ImageShape, Split, Splits
from aevb.errors import UserError
from aevb.evaluation.arrays import like, tensor
from aevb.evaluation.loading import Weights, load_run
from aevb.evaluation.model_inputs import ModelInputs, integer, seed_of
from aevb.evaluators.blocks import run_over
from aevb.evaluators.importance import Importance
from aevb.evaluators.targets import float_type, targets
from aevb.models.semi_supervised import SemiSupervisedVAE
from aevb.models.vae import VAE
from aevb.nn.torch_settings import on_the_cpu
from aevb.noise import Noise
from aevb.runs.run_reference import unpacked_run

__all__ = ["LogPx", "Pixels", "Posterior", "TrainedModel"]

Array = TypeVar("Array", np.ndarray, Tensor)
Pixels = Literal["means", "draws", "mode"]


class Posterior(NamedTuple):
    """The mean and variance of each z_j under q(z|x); if q(z|x) is a diagonal normal, N(mean, diag exp(log_var)) is q(z|x).

    Of other q(z|x) they are no full description: a full covariance and flows also have covariances, and the moments of a
    flow are Monte Carlo estimates. `model.encoder` returns the distribution itself.

    Attributes:
        mean: The mean, (..., J); for binary z the probabilities.
        log_var: The log of the variance, (..., J).
    """

    mean: Any
    log_var: Any


class LogPx(NamedTuple):
    """Estimates of log p(x) for n images.

    Attributes:
        log_px: A stochastic lower bound of log p(x), (n,), nats.
        effective_samples: The effective sample size, (n,), in 1..K. If it is near 1, the estimate is not
            reliable.
        monte_carlo_error: The standard error of log_px by the delta method, (n,), nats; nan for K = 1.
    """

    log_px: Any
    effective_samples: Any
    monte_carlo_error: Any


class TrainedModel:
    """A trained model with the settings of its run.

    Args:
        run: The directory of a finished run, or `ARCHIVE.zip:NAME` for a run in an archive of weights.
        data_root: The directory of the data, if it is not the one that the run used.
        trusted: Names of user modules that may contain the targets of the config.
        weights: "final" for the weights at the end of training, "best" for those at the highest validation
            bound (early stopping).

    Attributes:
        directory: The run directory.
        settings: The config of the run.
        shape: The shape of an image, (rows, columns), with D = rows * columns; (rows, columns, 3) with
            D = rows * columns * 3 in colour.
        num_classes: The number of classes of a conditional model, C; None for others.
        dataset: The data set of the run, which is not loaded yet.
        model: The torch module, for everything that this class does not provide.
        dtype: The floating-point type of the run.

    Raises:
        UserError: If the run is not finished, or if its files are missing or damaged.
    """

    def __init__(
        self,
        run: str | PathLike[str],
        data_root: str | None = None,
        trusted: tuple[str, ...] = (),
        weights: Weights = "final",
    ) -> None:
        self.directory = unpacked_run(run, self).absolute()  # the working directory may change
        loaded = load_run(self.directory, data_root, trusted, weights)
        self.settings: dict[str, Any] = loaded.settings
        self.shape: ImageShape = loaded.shape
        self.num_classes: int | None = loaded.classes
        self.dataset: Dataset = loaded.dataset
        self.model: VAE = loaded.model
        self.dtype = float_type(self.settings)
        self.inputs = ModelInputs(loaded, self.dtype)
        self._loaded = loaded

    def __repr__(self) -> str:
        return f"TrainedModel({self.directory.name!r}, latent_dim={self.latent_dim}, shape={self.shape})"

    @property
    def latent_dim(self) -> int:
        """The number of latent dimensions, J."""
        return int(getattr(self.model, "latent_dim", self.settings["latent_dim"]))

    @property
    def data_dim(self) -> int:
        """The number of values of an image, D."""
        return math.prod(self.shape)

    def load_data(self) -> Splits:
        """Read the data of the run.

        Returns:
            The train, valid and test splits.

        Raises:
            UserError: If the data differ from those that the run was trained on.
        """
        return self._loaded.load_data()

    def test(self) -> Split:
        """Read the test split with the targets on which the run was evaluated.

        Returns:
            The test split: x (n, D) and label (n,).

        Raises:
            UserError: If the data differ from those that the run was trained on.
        """
        split = self.load_data().test
        x = targets(split, self.dataset.dynamic, self.settings["seed"], self.dtype)
        return Split(x.numpy(), split.label)

    def encode(self, x: Array, y: Any = None) -> Posterior:
        """Return q(z|x), or q(z|x, y) of a conditional model.

        Args:
            x: Images, (..., D) or (..., rows, columns).
            y: Their labels, integers (...), for a conditional model only.

        Returns:
            The mean and log-variance of each z_j under q(z|x), each (..., J).

        Raises:
            UserError: If the shape or the values of x or y do not fit the model.
        """
        with torch.no_grad(), on_the_cpu():
            qz_x = self.model.encoder(self.inputs.rows(x, y))
            mean, log_var = qz_x.mean, qz_x.log_var  # two layers compute them here
        # A variance may be a parameter of the model, one row for all images.
        return Posterior(like(mean, x), like(log_var.detach().expand_as(mean).clone(), x))

    def classify(self, x: Array) -> Array:
        """Return q(y|x) of a model that has it (model=semi_supervised).

        Args:
            x: Images, (..., D) or (..., rows, columns).

        Returns:
            The probabilities of the classes, (..., C).

        Raises:
            UserError: If the model has no q(y|x), or the shape or the values of x do not fit it.
        """
        if not isinstance(self.model, SemiSupervisedVAE):
            raise UserError(
                f"classify: {type(self.model).__name__} of {self.directory.name} has no q(y|x); allowed: a run of model=semi_supervised; "
                "try: evaluate('classification', rule='bound') of a conditional model"
            )
        with torch.no_grad(), on_the_cpu():
            return like(self.model.log_qy_x(self.inputs.images(x)).exp(), x)

    def decode(self, z: Array, y: Any = None) -> Array:
        """Return the mean of p(x|z), or of p(x|z, y) of a conditional model.

        Args:
            z: Latent variables, (..., J).
            y: Labels, integers (...), for a conditional model only; a single one is taken for all z.

        Returns:
            The means, (..., D).

        Raises:
            UserError: If the shape of z, or y, does not fit the model, or z is not finite.
        """
        values = tensor(z, "z", self.dtype)
        if not torch.isfinite(values).all():
            raise UserError("z: nan or infinite values; allowed: finite numbers; try: numpy.isfinite(z).all()")
        if values.shape[-1:] != (self.latent_dim,):
            raise UserError(
                f"z: shape {tuple(values.shape)}; allowed: (..., {self.latent_dim}), the run's latent_dim; "
                f"try: numpy.zeros((1, {self.latent_dim}))"
            )
        with torch.no_grad(), on_the_cpu():
            return like(self.inputs.for_labels(self.model.decoder(values), y, values.shape[:-1]).mean, z)

    def reconstruct(self, x: Array, y: Any = None) -> Array:
        """Return the mean of p(x|z) at the mean of q(z|x), or for binary z at its most probable value.

        Args:
            x: Images, (..., D) or (..., rows, columns).
            y: Their labels, integers (...), for a conditional model only.

        Returns:
            The reconstructions, (..., D).

        Raises:
            UserError: If the shape or the values of x do not fit the model.
        """
        with on_the_cpu():
            return self.decode(like(self.model.code(self.inputs.rows(x, y)), x), y)

    @torch.no_grad()
    def sample(self, n: int | None = None, seed: int = 0, pixels: Pixels = "means", labels: Any = None) -> np.ndarray:
        """Generate images from draws z ~ p(z).

        Args:
            n: Number of images; None: one for each of the labels.
            seed: The seed of the draws.
            pixels: "means" for the mean of p(x|z), "draws" for draws from it, or "mode" for its mode (for
                Bernoulli pixels the threshold 1/2).
            labels: The classes of the images, integers (n,), for a conditional model only; a single one is taken for
                all images; None: 0, 1, ..., C - 1, 0, ...

        Returns:
            The images, (n, D).

        Raises:
            UserError: If n or the seed is no integer or out of range, if `pixels` is not one of these choices, or if the labels do not fit the model.
        """
        if self.num_classes is None:
            self.inputs.refuse_labels("labels", labels)
        count = integer("n", self.inputs.count(labels) if n is None and labels is not None else n, 100)
        seed = seed_of(seed)
        if pixels not in (allowed := get_args(Pixels)):
            raise UserError(f"pixels={pixels}: no such choice; allowed: {', '.join(allowed)}; try: pixels='means'")
        with on_the_cpu():
            noise = Noise(seed, "samples", 0)
            if self.num_classes is not None:
                chosen = np.arange(count) % self.num_classes if labels is None else labels
                px_z = self.model.decoder(self.model.sample_prior(count, noise))
                px_z = self.inputs.for_labels(px_z, chosen, (count,), "labels")
            else:
                px_z = self.model.generate(count, noise)
            if pixels == "draws":
                return px_z.sample(Noise(seed, "pixels", 0)).numpy()
            if pixels == "mode" and not hasattr(px_z, "mode"):  # autoregressive
                kind = type(px_z).__name__
                raise UserError(
                    f"pixels=mode: {kind}, p(x|z) of {self.directory.name}, has no mode; allowed: means, draws; try: pixels='means'"
                )
            return (px_z.mean if pixels == "means" else px_z.mode).numpy()

    def log_px(self, x: Array, y: Any = None, samples: int = 1000, seed: int = 0) -> LogPx:
        """Estimate log p(x) by importance sampling (see `aevb.estimators.importance`), or log p(x|y).

        Args:
            x: Images, (n, D) or (n, rows, columns); a single image may omit n.
            y: Their labels, integers (n,), for a conditional model only.
            samples: Number of draws of z per image, K.
            seed: The seed of the draws.

        Returns:
            The estimates, each (n,).

        Raises:
            UserError: If samples or the seed is no integer or out of range, if x does not fit the model, or if the model has
                no usable q(z|x).
        """
        samples, seed = integer("samples", samples, 1000), seed_of(seed)
        images = self.inputs.rows(x, y)
        self.inputs.warn_of_grey(images)
        if images.numel() == 0:
            return LogPx(*(like(images.sum(-1).double(), x) for _ in LogPx._fields))
        rows = images.reshape(-1, images.shape[-1])
        with on_the_cpu():
            values = run_over(Importance(samples), self.model, rows, seed).values
        none = torch.full_like(values["log_px"], math.nan)  # a single sample has no standard error
        return LogPx(*(like(values.get(name, none).reshape(images.shape[:-1]), x) for name in LogPx._fields))
