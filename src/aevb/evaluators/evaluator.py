"""An evaluator applies an estimator to a split.

It computes a value for each image, the mean over the split and the standard error of the mean.

The images are processed in blocks (aevb.evaluators.blocks).
"""

import math
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from torch import Tensor

from aevb.config.families import CORRELATED, MIXTURES
from aevb.data.target_convention import Likelihood
from aevb.distributions import Bernoulli
from aevb.evaluators.suitable import unsupported
from aevb.models.prior import StandardNormal
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["STANDARD_ERROR", "Evaluation", "Evaluator", "kind_of_latents"]

STANDARD_ERROR = "_standard_error"
"""Ending of the name of a standard error beside its mean."""


class Evaluator(ABC):
    """The base class of all evaluators. A subclass is one Python file and one YAML file.

    Attributes:
        name: The name in file names and tags.
        primary_value: The name of the value whose mean is the `mean` of the evaluation.
        images: Number of images per block.
        direction: The relation of the primary value to log p(x): "lower bound" or "upper bound" (both
            stochastic, in expectation), "exact", or "" for another quantity.
        marked: The entries of the summary that an evaluation point records in addition to the means.
        draws_images: Whether the evaluator draws images from the model, which a conditional model has for given labels
            only.
        binary_only: Whether p(z) must be a Bernoulli distribution.
        max_latent_dim: The largest supported latent_dim; None for any.
        needs_theta_posterior: Whether the model must have a q(theta).
        needs_simple_prior: Whether p(z) must be a normal or Bernoulli distribution.
        needs_image_density: Whether p(x|z) must be a density, so that a Bernoulli decoder is refused.
        needs_labels: Whether the model must be conditional, with the label in each row.

    The last seven are also read from the source file, without importing it, when a config is checked, as are the
    properties `needs_encoder`, `needs_density` and `latents` (aevb.config.evaluator_rules). They are therefore
    literals in the class body.
    """

    name: str
    primary_value: str
    images: int
    direction: str = ""
    marked: tuple[str, ...] = ()
    draws_images: bool = False
    binary_only: bool = False
    max_latent_dim: int | None = None
    needs_theta_posterior: bool = False
    needs_simple_prior: bool = False
    needs_image_density: bool = False
    needs_labels: bool = False

    @abstractmethod
    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Compute the values of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            The values by name, each (M,).
        """

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, Any]:
        """Summarise the split as a whole.

        Args:
            model: The model.
            x: All images of the split, (n, D).
            values: The values of all images by name, each (n,).

        Returns:
            Entries that can be stored as JSON; an entry "verdict" is printed.
        """
        return {}

    @property
    def needs_encoder(self) -> bool:
        """Whether the evaluator uses q(z|x)."""
        return False

    @property
    def time_depends_on_model(self) -> bool:
        """Whether a trained model takes another time than an untrained one, so that no trial can tell it."""
        return False

    @property
    def latents(self) -> tuple[str, ...]:
        """The supported kinds of z.

        "normal": q(z|x) and p(z) are normal distributions. "binary": z is binary. "other": q(z|x) or p(z)
        is of another family of section 2.4. "mixture": q(z|x) is normal and p(z) a mixture of normals; it is supported
        wherever "other" is. "normal prior": p(z) is normal, and the coordinates of z depend on each other
        in q(z|x) (full covariance, flows); an evaluator that supports it, but not "other", does so where it needs no q(z|x).
        """
        return ("normal", "binary", "other")

    @property
    def needs_density(self) -> bool:
        """Whether the evaluator uses log q(z|x), which does not exist if q(z|x) is a point."""
        return self.needs_encoder

    def likelihood(self, model: VAE) -> Likelihood | None:
        """Return the family of the p(x|z) that is evaluated.

        Args:
            model: The model.

        Returns:
            That of the model, unless the evaluator replaces the likelihood; None if the decoder states none.
        """
        return model.likelihood

    def unsupported(self, model: VAE) -> tuple[str, tuple[str, ...]] | None:
        """Return why the attributes above rule out a model.

        Args:
            model: The model.

        Returns:
            The reason, and options of the group `evaluator` to suggest; None if nothing rules it out.
        """
        if self.draws_images and model.conditional:
            reason = "draws images from the model, and a conditional model has them for given labels only"
            return reason, ("importance", "ais")
        if self.needs_labels and not model.conditional:
            return "needs a model that is given labels, as model=conditional, and this one is not", ("bound",)
        kind = kind_of_latents(model)
        if kind == "binary" and kind not in self.latents:
            return "needs a continuous z, and this model's is binary", ("enumeration", "fitted_bound")
        if self.needs_encoder and not model.has_encoder:
            return "needs q(z|x), and this model has no encoder", ("ais", "reciprocal", "quadrature")
        if kind == "normal prior" and not (
            "other" in self.latents or (kind in self.latents and not self.needs_encoder)
        ):
            reason = "takes q(z|x) for a diagonal normal, and that of this model is another one"
            return reason, ("bound", "importance")
        if kind in ("other", "mixture") and not {kind, "other"} & set(self.latents):
            reason = "takes q(z|x) and p(z) for normal distributions, and one of this model's is none"
            return reason, ("bound", "importance")
        if self.needs_density and not model.has_density:
            reason = (
                "needs log q(z|x), and the code of this model is a point (model.encoder.variance=0), without a density"
            )
            return reason, ("reconstruction",)
        return None

    def check(self, model: VAE) -> None:
        """Check that the evaluator supports the model; called before anything is computed.

        A subclass that has further conditions extends this method.

        Args:
            model: The model.

        Raises:
            UserError: If the evaluator does not support the model.
        """
        if (fault := self.unsupported(model)) is not None:
            reason, preferred = fault
            raise unsupported(self.name, reason, model, preferred)

    def check_images(self, model: VAE, x: Tensor) -> None:  # noqa: B027  # most accept all images
        """Check that the values are defined for these images; called before anything is computed or trained.

        This class accepts all.

        Args:
            model: The model.
            x: Images, (n, D).
        """

    @property
    @abstractmethod
    def settings(self) -> dict[str, int | float | str]:
        """The settings that determine the values; they are recorded with the values."""

    @property
    def suffix(self) -> str:
        """The part of the file name that distinguishes two evaluations by the same evaluator."""
        return ""


def kind_of_latents(model: VAE) -> str:
    """Return which of the kinds of `Evaluator.latents` the z of a model is.

    Args:
        model: The model.
    """
    if isinstance(model.prior(), Bernoulli):
        return "binary"
    if not hasattr(model.encoder, "family") and getattr(model.prior, "family", None) in MIXTURES:
        return "mixture"
    if getattr(model.encoder, "family", None) in CORRELATED and isinstance(model.prior, StandardNormal):
        return "normal prior"
    return "other" if hasattr(model.encoder, "family") or hasattr(model.prior, "family") else "normal"


class Evaluation(NamedTuple):
    """The result of an evaluator on a split.

    Attributes:
        values: The values by name, each (n,), float64, on the CPU.
        primary_value: The name of the main value.
        summary: The summary of the split as a whole (see `Evaluator.summary`).
    """

    values: dict[str, Tensor]
    primary_value: str
    summary: dict[str, Any] = {}  # noqa: RUF012 (read only)

    @property
    def n(self) -> int:
        """The number of images."""
        return len(self.values[self.primary_value])

    def mean(self, name: str | None = None) -> float:
        """Return the mean over the images.

        Args:
            name: The name of the value; None for the primary value.

        Returns:
            The mean, in the unit of the value.
        """
        return self.values[name or self.primary_value].mean().item()

    def standard_error(self, name: str | None = None) -> float:
        """Return the standard error of the mean.

        It is the standard deviation over the images divided by sqrt(n), and describes the mean as an
        estimate for the population of images.

        Args:
            name: The name of the value; None for the primary value.

        Returns:
            The standard error, in the unit of the value; nan for a single image.
        """
        return (self.values[name or self.primary_value].std() / math.sqrt(self.n)).item() if self.n > 1 else math.nan
