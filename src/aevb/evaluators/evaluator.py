"""An evaluator runs an estimator over a split: a value per image, its mean over the split, the standard error.

Images go through in blocks, each with the noise of its own position, so block size, order and cuts change nothing. Several ranks
share the blocks out, whole: every image counts once, and with the same digits as on one device. One process alone can keep what
it has, and go on from there after a kill (aevb.evaluators.partial).
"""

import math
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from aevb.console.progress import Bar
from aevb.distributions import Bernoulli
from aevb.errors import UserError
from aevb.evaluators.partial import Partial
from aevb.models.vae import VAE
from aevb.noise import Noise, RowNoise

__all__ = ["Evaluation", "Evaluator", "run_over"]


class Evaluator(ABC):
    """Base of all evaluators; a subclass is one file and one YAML.

    name: in file names and tags. primary_value: which of the values is the evaluation's `mean`. images: rows in a block.
    marked: summary that a mark writes down beside the means of the values.
    direction: what the primary_value is of log p(x): "lower bound", "upper bound" (both stochastic, in expectation) or "exact"; ""
    where it is another quantity.
    """

    name: str
    primary_value: str
    images: int
    direction: str = ""
    marked: tuple[str, ...] = ()

    @abstractmethod
    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """One number per row of x (M, D) under each name."""

    def summary(self, model: VAE, x: Tensor, values: dict[str, Tensor]) -> dict[str, Any]:
        """What the split as a whole shows, as JSON holds it; a `verdict` is printed. x: (n, D). values: of all its rows."""
        return {}

    @property
    def needs_encoder(self) -> bool:
        """Whether it asks for q(z|x)."""
        return False

    @property
    def latents(self) -> tuple[str, ...]:
        """What z may be, of "normal" (as are q(z|x) and p(z)), "binary", and "other" (another family of section 2.4)."""
        return ("normal", "binary", "other")

    @property
    def needs_density(self) -> bool:
        """Whether it asks for log q(z|x), which a point has not."""
        return self.needs_encoder

    def likelihood(self, decoder: str) -> str:
        """The class of p(x|z) that the numbers are of; `decoder`, the model's, where the evaluator has none of its own."""
        return decoder

    def check(self, model: VAE) -> None:
        """Raises UserError if the evaluator does not suit `model`; asked before anything is computed."""
        kind = _kind(model)
        if kind == "binary" and kind not in self.latents:
            raise UserError(
                f"evaluator={self.name}: needs a continuous z, and this model's is binary; allowed: bound, importance, "
                "information, fitted_bound, and enumeration for latent_dim <= 12; try: 'evaluator=[enumeration,fitted_bound]'"
            )
        if self.needs_encoder and not model.has_encoder:
            raise UserError(
                f"evaluator={self.name}: needs q(z|x), and this model has no encoder; allowed: what needs p(x, z) alone; "
                "try: evaluator=ais, evaluator=reciprocal, or evaluator=quadrature for latent_dim <= 3"
            )
        if kind == "other" and kind not in self.latents:
            raise UserError(
                f"evaluator={self.name}: takes q(z|x) and p(z) for normal distributions, and one of this model's is none; "
                "allowed: bound, importance without annealed; try: evaluator=[bound,importance]"
            )
        if self.needs_density and not model.has_density:
            raise UserError(
                f"evaluator={self.name}: needs log q(z|x), and the code of this model is a point (model.encoder.variance=0), "
                "without a density; allowed: what needs p(x, z) or the code alone; try: evaluator=reconstruction"
            )

    @property
    @abstractmethod
    def settings(self) -> dict[str, int | float | str]:
        """What the numbers depend on, written beside them."""

    @property
    def suffix(self) -> str:
        """What tells two files of the same evaluator and split apart."""
        return ""


def _kind(model: VAE) -> str:
    if isinstance(model.prior(), Bernoulli):
        return "binary"
    return "other" if hasattr(model.encoder, "family") or hasattr(model.prior, "family") else "normal"


class Evaluation(NamedTuple):
    """values: (n,) float64 on the CPU under each name; primary_value: which of them the evaluation is about; summary: what the split
    as a whole shows."""

    values: dict[str, Tensor]
    primary_value: str
    summary: dict[str, Any] = {}  # noqa: RUF012 (read only)

    @property
    def n(self) -> int:
        """Images evaluated."""
        return len(self.values[self.primary_value])

    def mean(self, name: str | None = None) -> float:
        """Mean over images of the primary_value, or of the value `name`."""
        return self.values[name or self.primary_value].mean().item()

    def standard_error(self, name: str | None = None) -> float:
        """Standard deviation over images / sqrt(n): of the mean, as an estimate for the population of images."""
        return (self.values[name or self.primary_value].std() / math.sqrt(self.n)).item() if self.n > 1 else math.nan


def run_over(
    evaluator: Evaluator, model: VAE, x: Tensor, seed: int, bar: Bar | None = None, partial: Partial | None = None
) -> Evaluation:
    """`evaluator` on every row of x (n, D), in blocks; `seed` fixes the noise, `bar` is told of each image done.

    partial: where a single process keeps what it has, and finds what an earlier one had. In a process group every rank calls
    this, and every rank is given the whole result. Raises UserError if the evaluator does not suit the model.
    """
    evaluator.check(model)
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else (0, 1)
    device = next(model.parameters(), x).device
    # Filled in place: thousands of small results left between large temporaries would keep the allocator from using these again.
    mine: dict[str, Tensor] = {}
    done = 0
    if partial is not None:
        mine, done = partial.load(len(x))
    if bar is not None:
        bar.advance(done)
    for k, start in enumerate(range(done, len(x), evaluator.images)):
        block = x[start : start + evaluator.images]
        if k % world == rank:
            noise = RowNoise(seed, evaluator.name, range(start, start + len(block)), device)
            values = evaluator.values(model, block.to(device), noise)
            for name, value in values.items():
                mine.setdefault(name, torch.zeros(len(x), dtype=torch.float64))[start : start + len(block)] = value
        if bar is not None:
            bar.advance(len(block))
        if partial is not None:
            partial.save(mine, start + len(block))
    values = _gathered(mine, world)
    return Evaluation(values, evaluator.primary_value, evaluator.summary(model, x.to(device), values))


def _gathered(mine: dict[str, Tensor], world: int) -> dict[str, Tensor]:
    """Each rank's rows, the others' being zero, put together."""
    if world == 1:
        return mine
    parts: list[dict[str, Tensor]] = [{} for _ in range(world)]
    dist.all_gather_object(parts, mine)
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: torch.stack([part[name] for part in parts if name in part]).sum(0) for name in names}
