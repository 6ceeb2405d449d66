"""What the encoder and the decoder of a user return is checked once, before training.

A wrong return value would fail within an objective, with an error that does not name the network; a mean of another width than
that of the images would be broadcast, and log p(x|z) would be a wrong number.
"""

import torch
from torch import Tensor, nn

from aevb.errors import UserError
from aevb.models.vae import VAE
from aevb.noise import Noise

__all__ = ["check_parts"]


def check_parts(model: VAE, x: Tensor) -> None:
    """Check what networks that are none of aevb's return for some images. Nothing changes, the random numbers neither.

    Args:
        model: The model. Subclasses of VAE are not checked, for their networks may take other arguments.
        x: Images, (M, D).

    Raises:
        UserError: A network returns no distribution, or one of another shape.
    """
    encoder, decoder = model.encoder, model.decoder
    if type(model) is not VAE or not (_is_own(encoder) or _is_own(decoder)):
        return
    training, noise = model.training, Noise(0, "check", 0)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        model.eval()
        if not model.has_encoder:
            z = model.prior().sample(noise, len(x))
        else:
            qz_x = encoder(x)
            if _is_own(encoder):
                with_gradient = () if getattr(encoder, "discrete", False) else ("rsample",)
                needed = ("log_prob", "mean", "sample", *with_gradient)
                _check_kind("encoder", encoder, qz_x, needed)
            z = qz_x.sample(noise)
        if _is_own(decoder):
            px_z = decoder(z)
            _check_kind("decoder", decoder, px_z, ("log_prob", "mean", "sample"))
            if px_z.mean.shape[-1] != x.shape[-1]:
                raise UserError(
                    f"model.decoder: {type(decoder).__name__} returned means {tuple(px_z.mean.shape)} for z {tuple(z.shape)}; "
                    f"allowed: one for each of the {x.shape[-1]} pixels; try: the argument data_dim, which the program gives"
                )
            if (shape := px_z.log_prob(x).shape) != (len(x),):
                raise UserError(
                    f"model.decoder: {type(decoder).__name__} returned a distribution whose log_prob is {tuple(shape)} for "
                    f"x {tuple(x.shape)}; allowed: one number for each image; try: .sum(-1) in log_prob"
                )
    model.train(training)


def _is_own(network: nn.Module) -> bool:
    return type(network).__module__.partition(".")[0] != "aevb"


def _check_kind(part: str, network: nn.Module, distribution: object, needed: tuple[str, ...]) -> None:
    kind = type(distribution)
    missing = [name for name in needed if not hasattr(distribution, name)]
    of_torch = isinstance(distribution, torch.distributions.Distribution)
    if missing or of_torch:
        what = (
            f"{kind.__name__} of torch.distributions" if of_torch else f"{kind.__name__}, without {', '.join(missing)}"
        )
        remedy = "aevb.distributions.DiagonalNormal(mean, log_var), or Bernoulli(logits)"
        raise UserError(
            f"model.{part}: {type(network).__name__} returned {what}; allowed: a distribution with "
            f"{', '.join(needed)} that takes its random numbers from noise=, as those of aevb.distributions; try: {remedy}"
        )
