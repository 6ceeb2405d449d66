"""Rules about which evaluators support a model: those of `aevb.evaluators.evaluator.Evaluator.check`, without torch."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from aevb.config.class_attributes import constant
from aevb.config.families import CORRELATED, MIXTURES
from aevb.config.messages import Fault
from aevb.config.resolved import Settings, pitfall_of
from aevb.config.tree import CONF, options, read_yaml

__all__ = ["evaluators_support_the_model"]

Reason = tuple[str, tuple[str, ...]]
"""Why an evaluator is refused, and options of the group `evaluator` to suggest, the best one first."""


def evaluators_support_the_model(settings: Settings) -> Iterator[Fault]:
    """Check that the model has what each evaluator needs.

    Args:
        settings: The config.

    Yields:
        A fault for each evaluator that does not support the model.
    """
    chosen: dict[str, dict[str, Any]] = settings.get("evaluator") or {}
    nodes = {name: node for name, node in chosen.items() if not pitfall_of(node)}  # a pitfall chooses its own model
    reasons = {name: reason for name, node in nodes.items() if (reason := _unsupported(settings, node)) is not None}
    if not reasons:
        return
    suitable = [option for option in options("evaluator") if _unsupported(settings, _node(option)) is None]
    kept = [name for name in nodes if name in suitable and name not in reasons]
    for name, (wrong, preferred) in reasons.items():
        tried = kept or [option for option in preferred if option in suitable][:1] or suitable[:1]
        # Two evaluators may be at fault, so that the name is a part of the key.
        yield Fault(f"evaluator={name}", wrong, allowed=", ".join(suitable) or "none", remedy=_remedy(settings, tried))


def _remedy(settings: Settings, names: list[str]) -> str:
    if settings.get("early_stopping") is not None and "bound" not in names:  # the evaluator that early stopping watches
        return "objective=sgvb_b"
    return f"evaluator={names[0]}" if len(names) == 1 else f"'evaluator=[{','.join(names)}]'"


@cache
def _node(option: str) -> dict[str, Any]:
    (node,) = read_yaml(CONF / "evaluator" / f"{option}.yaml").values()
    return dict(node)


def _unsupported(settings: Settings, node: dict[str, Any]) -> Reason | None:
    target, trusted = str(node.get("_target_") or ""), settings.trusted
    latents, kind = constant(target, "latents", trusted), _kind(settings, node)
    if not isinstance(latents, tuple):  # computed, or the class cannot be read
        latents = ("normal", "mixture") if node.get("annealed") else ("normal", "binary", "other")
    dim, limit = _latent_dim(settings), constant(target, "max_latent_dim", trusted)
    binary_only = constant(target, "binary_only", trusted) is True
    if constant(target, "draws_images", trusted) is True and settings.conditional:
        wrong = "draws images from the model, and a conditional model has them for given labels only"
        return wrong, ("importance", "ais")
    if constant(target, "needs_labels", trusted) is True:
        if not settings.conditional:
            return "needs a model that is given labels, as model=conditional, and this one is not", ("bound",)
        if node.get("rule") == "classifier" and settings.get("model.classifier") is None:
            return "rule=classifier needs q(y|x), and this model has none", ("bound",)
    if kind == "binary" and kind not in latents:
        return "needs a continuous z, and this model's is binary", ("enumeration", "fitted_bound")
    if _needs_encoder(node, trusted) and _has_no_encoder(settings):
        return "needs q(z|x), and this model has no encoder", ("ais", "reciprocal", "fitted_bound", "quadrature")
    if kind == "normal prior" and not ("other" in latents or (kind in latents and not _needs_encoder(node, trusted))):
        return "takes q(z|x) for a diagonal normal, and that of this model is another one", ("bound", "importance")
    if kind in ("other", "mixture") and not {kind, "other"} & set(latents):
        return "takes q(z|x) and p(z) for normal distributions, and one of this model's is none", (
            "bound",
            "importance",
        )
    if _needs_density(node, trusted) and settings.get("model.encoder.variance") == 0:
        wrong = "needs log q(z|x), and the code of this model is a point (model.encoder.variance=0), without a density"
        return wrong, ("reconstruction",)
    if binary_only and kind in ("normal", "normal prior", "mixture", "other"):
        return "sums over all binary z, and z of this model is continuous", ("importance", "quadrature")
    if isinstance(limit, int) and isinstance(dim, int) and dim > limit:
        allowed = f"latent_dim={dim} of this model is above {limit}, and the cost is exponential in it"
        return allowed, ("ais", "importance", "fitted_bound")
    if constant(target, "needs_simple_prior", trusted) is True and _family(settings, "model.prior"):
        return "fits a normal q(z), whose KL divergence from this p(z) has no closed form", ("importance",)
    if constant(target, "needs_image_density", trusted) is True and _likelihood(settings) == "bernoulli":
        return "the decoder is Bernoulli, whose p(x|z) is no density", ("bound", "importance", "enumeration")
    if constant(target, "needs_theta_posterior", trusted) is True and settings.get("model.theta_log_var") is None:
        return "theta of this model is a point, and objective=full_vb trains a q(theta)", ("importance", "ais")
    return None


def _kind(settings: Settings, node: dict[str, Any]) -> str:
    """Return the kind of z (see `Evaluator.latents`), or "" if the classes do not say so."""
    if settings.constant("model.prior", "accepts") == ("binary",):
        return "binary"
    if settings.class_name("model") == "TwoLayerVAE" and node.get("start") == "prior":
        return "normal"  # taken in coordinates in which it is (see `TwoLayerVAE.non_centred`)
    families = [_family(settings, part) for part in ("model.encoder", "model.prior")]
    if not families[0] and families[1] in MIXTURES:
        return "mixture"
    if families[0] in CORRELATED and settings.target("model.prior") == "aevb.models.prior.StandardNormal":
        return "normal prior"
    if any(families):
        return "other"
    return "normal" if settings.target("model.prior") == "aevb.models.prior.StandardNormal" else ""


def _family(settings: Settings, part: str) -> Any:
    return settings.get(f"{part}.family") or settings.constant(part, "family")


def _likelihood(settings: Settings) -> Any:
    return settings.states("model.decoder", "likelihood")


def _latent_dim(settings: Settings) -> Any:
    return settings.get("model.decoder.latent_dim") or settings.get("model.prior.latent_dim")


def _has_no_encoder(settings: Settings) -> bool:
    model = settings.get("model") or {}
    return "encoder" in model and model["encoder"] is None


def _needs_encoder(node: dict[str, Any], trusted: tuple[str, ...]) -> bool:
    target = str(node.get("_target_") or "")
    stated = constant(target, "needs_encoder", trusted)
    if stated is not ...:
        return stated is True
    if target == "aevb.evaluators.importance.Importance":
        return bool(node.get("annealed", 0) > 0 or node.get("prior_share", 0.0) < 1)
    return target.startswith("aevb.") and node.get("start") == "encoder"  # ais and bdmc


def _needs_density(node: dict[str, Any], trusted: tuple[str, ...]) -> bool:
    stated = constant(str(node.get("_target_") or ""), "needs_density", trusted)
    return _needs_encoder(node, trusted) if stated is ... else stated is True
