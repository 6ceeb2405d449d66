r"""The variational auto-encoder: p(z), p(x|z) with parameters theta, and the recognition model q(z|x) with phi.

Axes, here and everywhere: N data, M minibatch, L samples, J latent, D pixels.
"""

from typing import NoReturn

import torch
from torch import Tensor, nn

from aevb.distributions import Bernoulli
from aevb.distributions.base import Distribution
from aevb.errors import UserError
from aevb.models.weight_posterior import ThetaPosterior
from aevb.nn.initialization import Initialization, initialize
from aevb.noise import Noise
from aevb.types import Seed

__all__ = ["VAE"]


class NoEncoder(nn.Module):
    """In the place of q(z|x) in a model that has none."""

    def forward(self, x: Tensor) -> NoReturn:
        """Raises UserError."""
        raise UserError(
            "model.encoder=null: this model has no q(z|x); allowed: what needs p(x, z) alone; "
            "try: evaluator=quadrature, evaluator=ais, or a model with an encoder"
        )


class VAE(nn.Module):
    """Three modules that return distributions: encoder x -> q(z|x), decoder z -> p(x|z), prior -> p(z).

    encoder: None where p(x, z) alone is trained; to ask such a model for q(z|x) is refused. initialization: how the parameters
    start (aevb.nn.initialization); `None` leaves them as they are. seed: of the initialisation. theta_log_var: where log
    sigma^2 of a Gaussian q(theta) over the decoder's parameters begins (full variational Bayes); `None`: theta is a point, and
    theta_posterior is None.
    """

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
        self.theta_posterior = None if theta_log_var is None else ThetaPosterior(decoder, theta_log_var)

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x, z) = log p(z) + log p(x|z): x (M, D), z (..., M, J) -> (..., M)."""
        log_pz = self.prior().log_prob(z)
        log_px_z = self.decoder(z).log_prob(x)
        return log_pz + log_px_z

    @property
    def has_encoder(self) -> bool:
        """Whether there is a q(z|x)."""
        return not isinstance(self.encoder, NoEncoder)

    @property
    def has_density(self) -> bool:
        """Whether there is a q(z|x) that has one, which a point has not (aevb.models.fixed_variance)."""
        return self.has_encoder and getattr(self.encoder, "variance", None) != 0

    @property
    def theta(self) -> list[nn.Parameter]:
        """Parameters of the generative model p(x, z); where theta has a posterior, of that."""
        spread = [] if self.theta_posterior is None else self.theta_posterior.parameters()
        return [*self.decoder.parameters(), *self.prior.parameters(), *spread]

    @property
    def phi(self) -> list[nn.Parameter]:
        """Parameters of the recognition model q(z|x)."""
        return list(self.encoder.parameters())

    @torch.no_grad()
    def code(self, x: Tensor) -> Tensor:
        """The z that stands for q(z|x) in pictures: its mean, of binary z the likeliest one; x (M, D) -> (M, J)."""
        qz_x = self.encoder(x)
        return qz_x.mode if isinstance(qz_x, Bernoulli) else qz_x.mean

    @torch.no_grad()
    def sample_prior(self, count: int, noise: Noise) -> Tensor:
        """`count` draws z ~ p(z), (count, J)."""
        return self.prior().sample(noise, count)

    @torch.no_grad()
    def generate(self, count: int, noise: Noise) -> Distribution:
        """p(x|z) at `count` draws z ~ p(z); its `mean` is what the paper's figures show."""
        return self.decoder(self.sample_prior(count, noise))


def _check_supports(encoder: nn.Module, prior: nn.Module) -> None:
    support, accepted = getattr(encoder, "support", "real"), getattr(prior, "accepts", ("real",))
    if support not in accepted:
        if isinstance(encoder, NoEncoder):
            raise UserError(
                f"model.prior: for z that is {' or '.join(accepted)}, and without an encoder z is moved over all of the reals; "
                "allowed: a prior for real z; try: without model/prior=, and without model/encoder=, which brings its own"
            )
        raise UserError(
            f"model.prior: for z that is {' or '.join(accepted)}, and the q(z|x) of model.encoder is {support}, so KL(q || p) is "
            "infinite or not defined; allowed: a prior for such z; try: without model/prior=, the encoder brings its own"
        )
