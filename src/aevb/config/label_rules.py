"""Rules about conditional models, which are given the labels of the data (aevb.models.conditional)."""

from collections.abc import Iterator
from functools import cache

from aevb.config.class_attributes import attribute
from aevb.config.messages import Fault
from aevb.config.objective_options import needs_binary_latents, objectives_for_labels
from aevb.config.resolved import Settings
from aevb.config.tree import CONF, options, read_yaml

__all__ = ["classifier_exists", "conditional_model_has_labels", "conditional_model_suits_the_objective"]


def classifier_exists(settings: Settings) -> Iterator[Fault]:
    """Refuse an objective that trains q(y|x) for a model without one.

    Args:
        settings: The config of the run.

    Yields:
        The fault, if there is one.
    """
    if settings.states("objective", "needs_classifier") and settings.get("model.classifier") is None:
        wrong = f"{settings.class_name('objective')} trains a q(y|x), and {settings.class_name('model')} has none"
        yield Fault("model", wrong, settings.class_name("model"), "SemiSupervisedVAE", "model=semi_supervised")


def conditional_model_has_labels(settings: Settings) -> Iterator[Fault]:
    """A conditional model needs data with labels; data of a user's own are asked after they were read.

    Args:
        settings: The config of the run.

    Yields:
        The fault, if there is one.
    """
    if not settings.conditional or settings.states("data", "own") is True:
        return
    if settings.get("data.targets") == "fixed":
        wrong = "these binary images have no labels, which a conditional model needs"
        yield Fault("data.targets", wrong, "fixed", "grey, dynamic, threshold", "data.targets=threshold")
    elif settings.states("data", "labelled") is False:
        wrong = f"{settings.class_name('data')} has no labels, which a conditional model needs"
        allowed = ", ".join(_labelled_data())
        yield Fault("data", wrong, settings.class_name("data"), allowed, "data=mnist, or model=bernoulli")


def conditional_model_suits_the_objective(settings: Settings) -> Iterator[Fault]:
    """Refuse objectives that a conditional model cannot be trained by.

    Args:
        settings: The config of the run.

    Yields:
        The fault, if there is one.
    """
    if not settings.conditional:
        return
    name, wrong = settings.option_name("objective"), ""
    if settings.states_anywhere(settings.get("objective") or {}, "draws_images"):
        wrong = "draws images from the model, and a conditional model has them for given labels only"
    elif settings.states("objective", "over_theta"):
        wrong = "trains a q(theta), which a conditional model has not"
    elif needs_binary_latents(settings.target("objective")):
        wrong = "needs a binary z, and that of a conditional model is normal"
    if wrong:
        yield Fault("objective", wrong, name, ", ".join(objectives_for_labels()), "objective=sgvb_b")


@cache
def _labelled_data() -> tuple[str, ...]:
    return tuple(name for name in options("data") if _has_labels(name))


def _has_labels(option: str) -> bool:
    config = read_yaml(CONF / "data" / f"{option}.yaml")
    target = config.get("data", config)["_target_"]
    return bool(attribute(target, "labelled") or attribute(target, "own"))
