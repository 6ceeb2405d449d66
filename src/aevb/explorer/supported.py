"""Which models the explorer can run in the browser.

The page computes these and nothing else, so that every number on it is the model's own:

    prior      p(z) = N(0, I), J >= 1
    encoder    q(z|x) = N(mu(x), diag sigma^2(x)), one hidden layer, sigma^2(x) learnt or given
    decoder    p(x|z) Bernoulli or Gaussian, one hidden layer
"""

from pathlib import Path
from typing import Any

from aevb.errors import UserError

__all__ = ["check_supported"]

ENCODER = "aevb.models.gaussian.GaussianEncoder"
DECODERS = (
    "aevb.models.bernoulli.BernoulliDecoder",
    "aevb.models.gaussian.GaussianDecoder",
    "aevb.models.gaussian.FixedVarianceDecoder",
)
ACTIVATIONS = ("tanh", "relu", "softplus", "sigmoid", "elu", "silu")
PRIOR = "aevb.models.prior.StandardNormal"
SUPPORTED = (
    "allowed: a GaussianEncoder, a BernoulliDecoder, GaussianDecoder or FixedVarianceDecoder (one hidden layer) and a "
    "StandardNormal prior; try: a run of model=bernoulli or model=gaussian"
)


def check_supported(run: Path, settings: dict[str, Any]) -> None:
    """Check that the page can compute the model of a run.

    Args:
        run: directory of the run, for the message.
        settings: its config.

    Raises:
        UserError: one line that names the unsupported part and what is supported.
    """
    model = settings["model"]
    parts = {"encoder": (ENCODER,), "decoder": DECODERS, "prior": (PRIOR,)}
    if model.get("_target_") != "aevb.models.vae.VAE":
        raise UserError(f"run={run}: model={model.get('_target_')} cannot be explored; {SUPPORTED}")
    for part, targets in parts.items():
        target = (model.get(part) or {}).get("_target_")
        if target not in targets:
            name = "null" if target is None else target.rpartition(".")[2]
            raise UserError(f"run={run}: model.{part}={name} cannot be explored; {SUPPORTED}")
    for part in ("encoder", "decoder"):
        if isinstance(model[part].get("hidden_dim"), list):
            layers = ",".join(map(str, model[part]["hidden_dim"]))
            raise UserError(f"run={run}: model.{part}.hidden_dim=[{layers}] cannot be explored; {SUPPORTED}")
        if (activation := model[part].get("activation", "tanh")) not in ACTIVATIONS:
            raise UserError(
                f"run={run}: model.{part}.activation={activation} cannot be explored; allowed: {', '.join(ACTIVATIONS)}; "
                "try: a run with one of them"
            )
    if model["encoder"].get("variance") == 0:
        raise UserError(f"run={run}: model.encoder.variance=0 is a point and has no density; {SUPPORTED}")
    if model["decoder"].get("min_std"):
        raise UserError(
            f"run={run}: model.decoder.min_std={model['decoder']['min_std']} cannot be explored; {SUPPORTED}"
        )
    if model.get("theta_log_var") is not None:
        raise UserError(f"run={run}: model.theta_log_var: the weights have a posterior, not values; {SUPPORTED}")
