"""The exact log p(x) of models with one to three latent dimensions, over a split."""

import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.estimators.model_queries import latent_dim
from aevb.estimators.quadrature import MAX_LATENT_DIM, quadrature
from aevb.evaluators.evaluator import Evaluator
from aevb.models.vae import VAE
from aevb.noise import Noise
from aevb.types import PositiveFloat, PositiveInt

__all__ = ["Quadrature"]


class Quadrature(Evaluator):
    """aevb.estimators.quadrature per image: the truth that the other estimators are held against.

    radius: the lattice covers [-radius, radius]^J. tolerance, margin: nats. levels: of refinement at most. batch_size: images in a
    block, which share the decoding.
    """

    name = "quadrature"
    primary_value = "log_px"
    direction = "exact"

    def __init__(
        self,
        radius: PositiveFloat = 8.0,
        tolerance: PositiveFloat = 1e-5,
        margin: PositiveFloat = 20.0,
        levels: PositiveInt = 7,
        batch_size: PositiveInt = 500,
    ) -> None:
        self.radius, self.tolerance, self.margin, self.levels = radius, tolerance, margin, levels
        self.images = batch_size

    @property
    def latents(self) -> tuple[str, ...]:
        """Its lattice is laid out by normals."""
        return ("normal",)

    def check(self, model: VAE) -> None:
        """At most three latent dimensions."""
        super().check(model)
        if latent_dim(model) > MAX_LATENT_DIM:
            raise UserError(
                f"evaluator=quadrature: latent_dim={latent_dim(model)} of this model; allowed: an integer >= 1 and <= "
                f"{MAX_LATENT_DIM}, the cost is exponential in it; try: evaluator=ais"
            )

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """log_px; error: of it, nats; spacing: of the lattice at the end; narrowest: smallest standard deviation of the posterior
        along any direction."""
        estimate = quadrature(model, x, self.radius, self.tolerance, self.margin, self.levels)
        narrowest = torch.linalg.eigvalsh(estimate.covariance)[:, 0].clamp(min=0).sqrt()
        values = {"log_px": estimate.log_px, "error": estimate.error, "spacing": estimate.spacing}
        return {**values, "narrowest": narrowest}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """All but the blocks."""
        return {"radius": self.radius, "tolerance": self.tolerance, "margin": self.margin, "levels": self.levels}
