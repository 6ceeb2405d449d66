"""Rules about the families of q(z|x) and p(z), of section 2.4: their supports, and KL(q || p) in closed form."""

from collections.abc import Iterator
from typing import Any

from aevb.config.families import ACCEPTS, CLOSED_FORM, CORRELATED, MIXTURES, SUPPORTS
from aevb.config.messages import Fault
from aevb.config.resolved import Settings, pitfall_of
from aevb.config.tree import CONF, options, read_yaml

__all__ = ["objective_suits_the_families", "prior_can_be_trained", "supports_match", "vamp_has_an_encoder"]

NORMAL = ("aevb.models.prior.StandardNormal",)
DISCRETE_OR_OWN = ("aevb.models.adapters.", "aevb.models.two_layer.", "aevb.models.vae.")
"""Modules of networks whose family the config does not say, or for which the model restricts the objectives."""


def supports_match(settings: Settings) -> Iterator[Fault]:
    """Refuse a prior for another support than that of q(z|x), so that KL(q || p) is infinite or undefined.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    encoder, prior = family(settings, "model.encoder"), family(settings, "model.prior")
    no_encoder = settings.get("model.encoder") is None
    support = "real" if no_encoder or encoder == "normal" or encoder in CORRELATED else SUPPORTS.get(encoder)
    accepted = ("real",) if prior in ("normal", *MIXTURES) else ACCEPTS.get(prior)
    if support is None or accepted is None or support in accepted:
        return
    part = "the samplers of a model without an encoder need a real z"
    if not no_encoder:
        part = f"q(z|x) of model/encoder={encoder} is {support}, so KL(q || p) is infinite or undefined"
    wrong = f"this prior is for {' or '.join(accepted)} z, and {part}"
    suited = [option for option in _priors(support) if not _refuses(settings, encoder, _family_of(option))]
    allowed = suited or _priors(support)
    remedy = f"model/prior={allowed[0]}"
    if not suited:  # the objective has to change too
        remedy = _sampled(settings) if pitfall_of(settings.get("objective")) else f"{remedy} {_sampled(settings)}"
    yield Fault("model/prior", wrong, prior, ", ".join(allowed), remedy)


def objective_suits_the_families(settings: Settings) -> Iterator[Fault]:
    """Refuse an objective that needs a closed form of KL(q || p), or normal distributions, which the families have not.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    if any(supports_match(settings)) or any(prior_can_be_trained(settings)) or any(vamp_has_an_encoder(settings)):
        return  # the prior has to change first
    encoder, prior = family(settings, "model.encoder"), family(settings, "model.prior")
    if (wrong := _refuses(settings, encoder, prior)) and settings.class_name("objective") != "Lagging":
        key, value = ("model/prior", prior) if encoder == "normal" else ("model/encoder", encoder)
        yield Fault(key, wrong, value, _allowed(settings), _sampled(settings))


def prior_can_be_trained(settings: Settings) -> Iterator[Fault]:
    """Refuse an objective that would not train the parameters of p(z).

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    reason = settings.states("objective", "no_trained_prior")
    if reason and settings.states("model.prior", "trained") is True:
        name = settings.option_name("objective")
        wrong = f"objective={name} {reason}"
        allowed = "standard_normal; or an objective that samples log p(z)"
        yield Fault("model/prior", wrong, family(settings, "model.prior"), allowed, "objective=sgvb_a")


def vamp_has_an_encoder(settings: Settings) -> Iterator[Fault]:
    """Refuse a prior that is made of q(z|x) where there is no normal q(z|x), or where theta and phi are trained in turns.

    Args:
        settings: The config.

    Yields:
        The fault, if there is one.
    """
    if settings.states("model.prior", "needs_encoder") is not True or any(prior_can_be_trained(settings)):
        return
    wrong, remedy = "", "model/encoder=gaussian"
    if settings.get("model.encoder") is None:
        wrong, remedy = "a mixture of q(z|u), and the model has no encoder", "objective=sgvb_a"
    elif (encoder := family(settings, "model.encoder")) not in ("", "normal"):
        wrong = f"a mixture of normal q(z|u), and model/encoder={encoder} is none"
    elif settings.get("model.encoder.variance") == 0:
        wrong, remedy = (
            "a mixture of q(z|u), which are points (model.encoder.variance=0)",
            "model/prior=standard_normal",
        )
    elif settings.states_anywhere(settings.get("objective") or {}, "in_turns"):
        name = settings.option_name("objective")
        wrong = f"made of q(z|u), so that theta and phi are trained together, and objective={name} does so in turns"
        remedy = "objective=sgvb_a"
    if wrong:
        prior = family(settings, "model.prior")
        allowed = "a normal q(z|x) that is trained together with p(z)"
        yield Fault("model/prior", wrong, prior, allowed, remedy)


def family(settings: Settings, part: str) -> str:
    """Return the family of q(z|x) or p(z): "normal" for a diagonal normal, "" if the config does not say it.

    Args:
        settings: The config.
        part: "model.encoder" or "model.prior".
    """
    if settings.get(part) is None:
        return ""
    target, named = settings.target(part), settings.get(f"{part}.family")
    if target.startswith("aevb.models.families."):
        return str(named)
    if part == "model.prior":
        if target in NORMAL:
            return "normal"
        return str(stated) if (stated := settings.states(part, "family")) in MIXTURES else ""
    if (stated := settings.constant(part, "family")) in CORRELATED:
        return str(stated)
    known = target.startswith("aevb.models.") and not target.startswith(DISCRETE_OR_OWN)
    return "normal" if known and not settings.states(part, "discrete") else ""


def _refuses(settings: Settings, encoder: str, prior: str) -> str:
    # Why the objective refuses the two families; "" if it does not, or if one of them is not known.
    node: dict[str, Any] = settings.get("objective") or {}
    name = settings.option_name("objective")
    if not encoder or not prior:
        return ""
    if encoder != "normal" and settings.states_anywhere(node, "normal_posterior"):
        return f"objective={name} needs a {'diagonal ' if encoder in CORRELATED else ''}normal q(z|x)"
    if prior != "normal" and settings.states_anywhere(node, "normal_prior"):
        return f"objective={name} needs a normal p(z), and model/prior={prior} is none"
    if _needs_closed_form(settings) and prior not in (CLOSED_FORM | CORRELATED).get(encoder, ()):
        return f"KL(q || p) with model/prior={prior} has no closed form, which objective={name} needs"
    return ""


def _allowed(settings: Settings) -> str:
    pairs = ", ".join(f"{q} with {' or '.join(priors)}" for q, priors in (CLOSED_FORM | CORRELATED).items() if priors)
    of_normals = settings.states_anywhere(settings.get("objective") or {}, "normal_posterior")
    return f"{pairs}; or an objective that samples it" if _needs_closed_form(settings) and not of_normals else "normal"


def _needs_closed_form(settings: Settings) -> bool:
    node: dict[str, Any] = settings.get("objective") or {}
    of_mmd = settings.class_name("objective") == "MMD" and node.get("alpha", 1.0) < 1
    return of_mmd or settings.states_anywhere(node, "closed_form_kl")


def _sampled(settings: Settings) -> str:
    # A pitfall replaces the objective, so that another one changes nothing.
    pitfall = pitfall_of(settings.get("objective"))
    if pitfall:
        return "model/prior=standard_normal model/encoder=gaussian"
    return "objective.alpha=1" if settings.class_name("objective") == "MMD" else "objective=sgvb_a"


def _family_of(option: str) -> str:
    if option in MIXTURES:
        return option
    return str(read_yaml(CONF / "model" / "prior" / f"{option}.yaml").get("family", "normal"))


def _priors(support: str) -> list[str]:
    choices = sorted(options("model/prior"), key=lambda option: option != "standard_normal")
    families = {option: _family_of(option) for option in choices}
    return [option for option, name in families.items() if support in ACCEPTS.get(name, ("real",))]
