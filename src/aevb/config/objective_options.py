"""What the options of the group `objective` need of a model, read from their YAML files and classes."""

from functools import cache
from typing import Any

from aevb.config.class_attributes import attribute
from aevb.config.tree import CONF, options, read_yaml

__all__ = ["needs_binary_latents", "objectives_for_discrete_latents", "objectives_for_labels"]


@cache
def objectives_for_discrete_latents() -> tuple[str, ...]:
    """Return the options of the group `objective` that train a binary z as they stand.

    They need no reparameterised draws, neither themselves nor through an objective that they wrap, and keep the
    encoder of the model.
    """
    return tuple(name for name in options("objective") if _suits_discrete_latents(name))


def _suits_discrete_latents(option: str) -> bool:
    keeps_encoder = "encoder" not in _objective_config(option).get("model", {})
    if attribute(_objective_node(option)["_target_"], "reparameterised") or not keeps_encoder:
        return False
    return all(_suits_discrete_latents(name) for name in _wrapped_objectives(option))


@cache
def objectives_for_labels() -> tuple[str, ...]:
    """Return the options of the group `objective` that train a conditional model.

    They draw no images, train no q(theta) and no q(y|x), and do not choose a model with a binary z.
    """
    return tuple(name for name in options("objective") if _suits_labels(name))


def _suits_labels(option: str) -> bool:
    target = _objective_node(option)["_target_"]
    return not (
        any(attribute(target, name) for name in ("draws_images", "over_theta", "needs_classifier"))
        or needs_binary_latents(target)
    ) and all(_suits_labels(name) for name in _wrapped_objectives(option))


@cache
def needs_binary_latents(target: str) -> bool:
    """Return whether an objective needs a binary z: its option of the group chooses a model, and that has one.

    Args:
        target: The objective.
    """
    for option in options("objective"):
        chosen = [entry for entry in _defaults(option) if "override /model" in entry]
        if _objective_node(option)["_target_"] == target and chosen:
            return True
    return False


def _objective_config(option: str) -> dict[str, Any]:
    config: dict[str, Any] = read_yaml(CONF / "objective" / f"{option}.yaml")
    return config


def _objective_node(option: str) -> dict[str, Any]:
    config = _objective_config(option)
    node: dict[str, Any] = config.get("objective", config)
    return node


def _defaults(option: str) -> list[dict[str, str]]:
    return [entry for entry in _objective_config(option).get("defaults", []) if isinstance(entry, dict)]


def _wrapped_objectives(option: str) -> list[str]:
    return [name for entry in _defaults(option) for key, name in entry.items() if key.startswith("/objective@")]
