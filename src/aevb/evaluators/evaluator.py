"""An evaluator applies an estimator to a split.

It computes a value for each image, the mean over the split and the standard error of the mean.

The images are processed in blocks. Each image has a random stream of its own, which depends on its
position in the split, so the values do not depend on the block size or on the order. In a process
group the ranks share whole blocks: every image counts once, and the values are the same as on one
device. A single process can save partial results and can resume after it was killed
(aevb.evaluators.partial).
"""

import math
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from aevb.console.progress import Bar
from aevb.data.target_convention import Likelihood
from aevb.distributions import Bernoulli
from aevb.evaluators.blocks import in_order
from aevb.evaluators.partial import Partial
from aevb.evaluators.suitable import unsupported
from aevb.models.vae import VAE
from aevb.noise import FirstDraws, Noise, RowNoise

__all__ = ["STANDARD_ERROR", "Evaluation", "Evaluator", "run_over"]

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
    """

    name: str
    primary_value: str
    images: int
    direction: str = ""
    marked: tuple[str, ...] = ()
    draws_images: bool = False

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
        is of another family of section 2.4.
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
        kind = _kind(model)
        if kind == "binary" and kind not in self.latents:
            return "needs a continuous z, and this model's is binary", ("enumeration", "fitted_bound")
        if self.needs_encoder and not model.has_encoder:
            return "needs q(z|x), and this model has no encoder", ("ais", "reciprocal", "quadrature")
        if kind == "other" and kind not in self.latents:
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

    @property
    @abstractmethod
    def settings(self) -> dict[str, int | float | str]:
        """The settings that determine the values; they are recorded with the values."""

    @property
    def suffix(self) -> str:
        """The part of the file name that distinguishes two evaluations by the same evaluator."""
        return ""


def _kind(model: VAE) -> str:
    if isinstance(model.prior(), Bernoulli):
        return "binary"
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


def run_over(
    evaluator: Evaluator,
    model: VAE,
    x: Tensor,
    seed: int,
    bar: Bar | None = None,
    partial: Partial | None = None,
    known: Evaluation | None = None,
    first_draws: FirstDraws | None = None,
    cores: int = 1,
) -> Evaluation:
    """Apply an evaluator to all images, block by block.

    In a process group every rank calls this function, and every rank receives the whole result.

    Args:
        evaluator: The evaluator.
        model: The model.
        x: Images, (n, D).
        seed: The seed of the noise.
        bar: A progress bar, which advances by one for each image.
        partial: The file of partial results, for a single process only; the evaluation resumes from it.
        known: The evaluation of the first of these images, with the same model and seed: whole blocks of them are not
            evaluated again.
        first_draws: Where noise is kept for the next evaluation with the same seed; None: nowhere.
        cores: How many blocks a CPU evaluates at the same time; the values do not depend on it.

    Returns:
        The values of all images and the summary.

    Raises:
        UserError: If the evaluator does not support the model.
    """
    evaluator.check(model)
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else (0, 1)
    device = next(model.parameters(), x).device
    # The arrays are filled in place: thousands of small results between large temporaries would
    # prevent the allocator from reusing the memory of the temporaries.
    own_values: dict[str, Tensor] = {}
    done = 0
    if partial is not None:
        own_values, done = partial.load(len(x))
    elif known is not None:
        done = len(x) if known.n >= len(x) else known.n // evaluator.images * evaluator.images
        own_values = {name: _padded(value[:done], len(x), rank == 0) for name, value in known.values.items()}
    if bar is not None:
        bar.advance(done)

    def values_of(block: range) -> dict[str, Tensor]:
        noise = RowNoise(seed, evaluator.name, block, device, first_draws)
        return evaluator.values(model, x[block.start : block.stop].to(device), noise)

    rows = range(len(x))
    blocks = [rows[start : start + evaluator.images] for start in rows[done :: evaluator.images]]
    own_blocks = blocks[rank::world]
    results = in_order(values_of, own_blocks, cores if device.type == "cpu" and world == 1 else 1)
    for block, result in zip(own_blocks, results, strict=True):
        for name, value in result.items():
            own_values.setdefault(name, torch.zeros(len(x), dtype=torch.float64))[block.start : block.stop] = value
        if bar is not None:
            bar.advance(sum(map(len, blocks[:world])))  # those that the other ranks have evaluated meanwhile, too
        del blocks[:world]
        if partial is not None:
            partial.save(own_values, block.stop)
    if bar is not None:
        bar.advance(sum(map(len, blocks)))
    values = _combine_ranks(own_values, world)
    return Evaluation(values, evaluator.primary_value, evaluator.summary(model, x.to(device), values))


def _padded(values: Tensor, num_images: int, counted: bool) -> Tensor:
    # As long as the split; zero on the ranks that do not count the values.
    whole = torch.zeros(num_images, dtype=values.dtype)
    if counted:
        whole[: len(values)] = values
    return whole


def _combine_ranks(own_values: dict[str, Tensor], world: int) -> dict[str, Tensor]:
    """Combine the rows of all ranks; the rows of the other ranks are zero."""
    if world == 1:
        return own_values
    parts: list[dict[str, Tensor]] = [{} for _ in range(world)]
    dist.all_gather_object(parts, own_values)
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: torch.stack([part[name] for part in parts if name in part]).sum(0) for name in names}
