"""Which models the explorer can run in the browser.

The page computes these and nothing else, so that every number on it is the model's own:

    prior      p(z) = N(0, I), or a trained mixture of normal distributions (aevb.explorer.prior), J >= 1
    encoder    q(z|x) = N(mu(x), diag sigma^2(x)), sigma^2(x) learnt or given
    decoder    p(x|z) Bernoulli or Gaussian

with any number of hidden layers and any activation of aevb.nn.mlp, and the same networks given a class y (conditional models).
"""

from pathlib import Path
from typing import Any

from aevb.config import CONF, options
from aevb.config.tree import read_yaml
from aevb.errors import UserError

__all__ = ["check_supported"]

_CONDITIONAL = (
    ("aevb.models.conditional.ConditionalEncoder",),
    ("aevb.models.conditional.ConditionalBernoulliDecoder", "aevb.models.conditional.ConditionalGaussianDecoder"),
)
PARTS = {  # by model: the encoders and the decoders
    "aevb.models.vae.VAE": (
        ("aevb.models.gaussian.GaussianEncoder",),
        (
            "aevb.models.bernoulli.BernoulliDecoder",
            "aevb.models.gaussian.GaussianDecoder",
            "aevb.models.gaussian.FixedVarianceDecoder",
        ),
    ),
    "aevb.models.conditional.ConditionalVAE": _CONDITIONAL,
    "aevb.models.semi_supervised.SemiSupervisedVAE": _CONDITIONAL,
}
PRIORS = (
    "aevb.models.prior.StandardNormal",
    "aevb.models.mixture_prior.MixturePrior",
    "aevb.models.vamp_prior.VampPrior",
)
SUPPORTED = (
    "allowed: a GaussianEncoder, a BernoulliDecoder, GaussianDecoder or FixedVarianceDecoder, or the same of a conditional "
    "model, and a StandardNormal, MixturePrior or VampPrior; try: a run "
)
OF_MODEL = "of model=bernoulli, gaussian or conditional"
REMEDIES = {"encoder": "model/encoder=gaussian", "prior": "model/prior=standard_normal"}
"""What to try where the decoder is supported, and these parts are not."""


def check_supported(run: Path, settings: dict[str, Any]) -> None:
    """Check that the page can compute the model of a run.

    Args:
        run: Directory of the run, for the message.
        settings: Its config.

    Raises:
        UserError: One line that names the unsupported part and what is supported.
    """
    model = settings["model"]
    if model.get("_target_") not in PARTS:
        raise UserError(f"run={run}: model={model.get('_target_')} cannot be explored; {SUPPORTED}{OF_MODEL}")
    encoders, decoders = PARTS[model["_target_"]]
    parts = {"encoder": encoders, "decoder": decoders, "prior": PRIORS}
    chosen = {part: (model.get(part) or {}).get("_target_") for part in parts}
    others = [part for part, targets in parts.items() if chosen[part] not in targets]
    if others:
        target = chosen[others[0]]
        name = "null" if target is None else target.rpartition(".")[2]
        known = all(chosen[part] in _of_group(part) for part in others)
        remedy = f"with {' '.join(REMEDIES[part] for part in others)}" if known else OF_MODEL
        raise UserError(f"run={run}: model.{others[0]}={name} cannot be explored; {SUPPORTED}{remedy}")
    if model["encoder"].get("variance") == 0:
        raise UserError(f"run={run}: model.encoder.variance=0 is a point and has no density; {SUPPORTED}without it")
    if model.get("theta_log_var") is not None:
        raise UserError(
            f"run={run}: model.theta_log_var: the weights have a posterior, not values; {SUPPORTED}of objective=sgvb_b"
        )


def _of_group(part: str) -> set[str]:
    # The classes of conf/model/encoder or conf/model/prior; a decoder has no group of its own.
    group = f"model/{part}"
    return {read_yaml(CONF / group / f"{name}.yaml")["_target_"] for name in options(group)}
