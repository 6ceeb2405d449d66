"""The exact log p(x) for the images of a split, for models with one to three latent dimensions."""

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
    """log p(x) of each image by quadrature (see `aevb.estimators.quadrature`).

    It is the reference value for the other estimators.

    Args:
        radius: The lattice covers [-radius, radius]^J; if p(z) is a mixture that reaches further, all of it.
        tolerance: Error at which the refinement of an image ends, nats.
        margin: Cubes whose largest integrand is this far below the largest of the image are dropped,
            nats.
        levels: Largest number of levels of refinement.
        batch_size: Number of images per block; the images of a block share the decoded points.
    """

    name = "quadrature"
    primary_value = "log_px"
    direction = "exact"
    max_latent_dim = 3

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
    def time_depends_on_model(self) -> bool:
        """True: the lattice is refined where the posterior of an image lies."""
        return True

    @property
    def latents(self) -> tuple[str, ...]:
        """The supported kinds of z (see `Evaluator.latents`): the lattice needs a prior of known width."""
        return ("normal", "normal prior", "mixture")

    def check(self, model: VAE) -> None:
        """Check that the model has at most MAX_LATENT_DIM latent dimensions.

        Args:
            model: The model.

        Raises:
            UserError: If latent_dim is too large.
        """
        super().check(model)
        if latent_dim(model) > MAX_LATENT_DIM:
            raise UserError(
                f"evaluator=quadrature: latent_dim={latent_dim(model)} of this model; allowed: an integer >= 1 and <= "
                f"{MAX_LATENT_DIM}, the cost is exponential in it; try: evaluator=ais"
            )

    def values(self, model: VAE, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Compute log p(x) of each image.

        Args:
            model: The model.
            x: Images, (M, D).
            noise: The random stream of each image.

        Returns:
            log_px (nats), error (of log_px, nats), spacing (of the final lattice) and narrowest (the smallest
            standard deviation of the posterior in any direction), each (M,).
        """
        estimate = quadrature(model, x, self.radius, self.tolerance, self.margin, self.levels)
        narrowest = torch.linalg.eigvalsh(estimate.covariance)[:, 0].clamp(min=0).sqrt()
        values = {"log_px": estimate.log_px, "error": estimate.error, "spacing": estimate.spacing}
        return {**values, "narrowest": narrowest}

    @property
    def settings(self) -> dict[str, int | float | str]:
        """All settings except batch_size."""
        return {"radius": self.radius, "tolerance": self.tolerance, "margin": self.margin, "levels": self.levels}
