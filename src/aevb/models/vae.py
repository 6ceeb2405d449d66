r"""The variational auto-encoder: p(z) p(x|z) with the parameters theta, and q(z|x) with the parameters phi.

Axes in all modules: N training images, M images of a minibatch, L samples, J latent dimensions, D
pixels.
"""

from typing import NoReturn

import torch
from torch import Tensor, nn

from aevb.data.target_convention import Likelihood
from aevb.distributions import Bernoulli
from aevb.distributions.base import Distribution
from aevb.errors import UserError
from aevb.models.weight_posterior import ThetaPosterior
from aevb.nn.initialization import Initialization, initialize
from aevb.noise import Noise
from aevb.types import Seed

__all__ = ["VAE"]


class NoEncoder(nn.Module):
    """The encoder of a model that has no q(z|x)."""

    def forward(self, x: Tensor) -> NoReturn:
        """Refuse: there is no q(z|x).

        Args:
            x: Unused.

        Raises:
            UserError: Always.
        """
        raise UserError(
            "model.encoder=null: this model has no q(z|x); allowed: objectives and evaluators that need only p(x, z); "
            "try: evaluator=quadrature, evaluator=ais, or a model with an encoder"
        )


class VAE(nn.Module):
    """A model of three modules that return distributions: encoder, decoder and prior.

    Args:
        encoder: x, (..., D), -> q(z|x); None for a model without q(z|x), which refuses to compute
            it.
        decoder: z, (..., J), -> p(x|z).
        prior: () -> p(z).
        initialization: Scheme that sets the initial parameters (aevb.nn.initialization); None: they
            are left unchanged.
        seed: Seed of the initialisation.
        theta_log_var: Initial log sigma^2 of a Gaussian q(theta) over the decoder's parameters
            (full variational Bayes, appendix F); None: theta is a point estimate and
            `theta_posterior` is None.

    Raises:
        UserError: The supports of q(z|x) and p(z) do not match.
    """

    objectives: tuple[str, ...] | None = None
    """Options of the group `objective` that train the model; None: those that its parts allow. Inherited."""

    conditional: bool = False
    """Whether a datapoint is a row (x, y) with the class in one-hot columns (aevb.models.conditional). Inherited."""

    def __init__(
        self,
        encoder: nn.Module | None,
        decoder: nn.Module,
        prior: nn.Module,
        initialization: Initialization | None = None,
        seed: Seed = 0,
        theta_log_var: float | None = None,
    ) -> None:
        super().__init__()
        self.encoder = NoEncoder() if encoder is None else encoder
        self.decoder, self.prior = decoder, prior
        _check_supports(self.encoder, prior)
        if initialization is not None:
            initialize(self.encoder, decoder, initialization, seed)
        if (attach := getattr(prior, "attach", None)) is not None:
            attach(self, initialization, seed)
        self.theta_posterior = None if theta_log_var is None else ThetaPosterior(decoder, theta_log_var)

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x, z) = log p(z) + log p(x|z).

        Args:
            x: Images, (M, D).
            z: Latent variables, (..., M, J).

        Returns:
            Log-densities in nats, (..., M).
        """
        log_pz = self.prior().log_prob(z)
        log_px_z = self.decoder(z).log_prob(x)
        return log_pz + log_px_z

    @property
    def has_encoder(self) -> bool:
        """Whether the model has a q(z|x)."""
        return not isinstance(self.encoder, NoEncoder)

    @property
    def has_density(self) -> bool:
        """Whether q(z|x) exists and has a density, which a point has not (aevb.models.fixed_variance)."""
        return self.has_encoder and getattr(self.encoder, "variance", None) != 0

    @property
    def likelihood(self) -> Likelihood | None:
        """The family of p(x|z) that the decoder states; None if it states none (aevb.models.base.Decoder)."""
        return getattr(self.decoder, "likelihood", None)

    @property
    def theta(self) -> list[nn.Parameter]:
        """The parameters of the generative model p(x, z), and the log-variances of q(theta) if there is one."""
        log_vars = [] if self.theta_posterior is None else self.theta_posterior.parameters()
        return [*self.decoder.parameters(), *self.prior.parameters(), *log_vars]

    @property
    def phi(self) -> list[nn.Parameter]:
        """The parameters of the recognition model q(z|x)."""
        return list(self.encoder.parameters())

    def check_images(self, x: Tensor) -> None:
        """Check images that are to be evaluated; called once for each evaluation, before anything is computed.

        This class accepts all, since the values of a run's data are checked when they are read. A model from elsewhere
        has no such data (aevb.models.adapters).

        Args:
            x: Images, (n, D).
        """

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pixels of datapoints and their labels, of which a model that is not conditional has no columns.

        Args:
            x: Images, (..., D).

        Returns:
            x and a tensor of shape (..., 0).
        """
        return x, x[..., :0]

    def decode(self, z: Tensor, x: Tensor) -> Distribution:
        """Return p(x|z); in a conditional model that for the labels of x.

        Args:
            z: Latent variables, (..., M, J).
            x: Images, (M, D), of which a conditional model reads the labels.

        Returns:
            p(x|z) over (..., M, D).
        """
        return self.decoder(z)

    @torch.no_grad()
    def code(self, x: Tensor) -> Tensor:
        """Return one z that represents q(z|x) in figures: the mean; for binary z, the mode.

        Args:
            x: Images, (M, D).

        Returns:
            Latent variables, (M, J).
        """
        qz_x = self.encoder(x)
        return qz_x.mode if isinstance(qz_x, Bernoulli) else qz_x.mean

    @torch.no_grad()
    def sample_prior(self, count: int, noise: Noise) -> Tensor:
        """Draw z ~ p(z).

        Args:
            count: Number of draws.
            noise: The random numbers.

        Returns:
            Latent variables, (count, J).
        """
        return self.prior().sample(noise, count)

    @torch.no_grad()
    def generate(self, count: int, noise: Noise) -> Distribution:
        """Return p(x|z) at draws z ~ p(z); its `mean` is what the paper's figures show.

        Args:
            count: Number of draws.
            noise: The random numbers.

        Returns:
            p(x|z) over (count, D).
        """
        return self.decoder(self.sample_prior(count, noise))


def _check_supports(encoder: nn.Module, prior: nn.Module) -> None:
    support, accepted = getattr(encoder, "support", "real"), getattr(prior, "accepts", ("real",))
    if isinstance(encoder, NoEncoder) and "binary" in accepted:
        return  # variational_em has a q of its own, and no other sampler takes a binary z
    if support not in accepted:
        if isinstance(encoder, NoEncoder):
            raise UserError(
                f"model.prior: a prior for {' or '.join(accepted)} z, and the samplers of a model without an encoder "
                "need a real z; allowed: a prior for real z; "
                "try: no model/prior= and no model/encoder=, which chooses its own prior"
            )
        raise UserError(
            f"model.prior: a prior for {' or '.join(accepted)} z, and the q(z|x) of model.encoder is {support}, "
            f"so KL(q || p) is infinite or undefined; allowed: a prior for {support} z; "
            "try: no model/prior=, the encoder chooses its own"
        )
