"""A resolved config of a run, as rules about its values read it, with what its classes state about themselves.

What a class states is read from its source (aevb.config.class_attributes.attribute), so torch is not imported.

A deliberate mistake (aevb.pitfalls) is chosen in a group of its own and replaces one node of another group. Run names and
tables show the options of data, objective and optimizer, so a replaced one is shown as `pitfall_<name>` in place of the option
that it is based on. So is one of which the command line replaced the class (`objective._target_=`): as the name of the class.
"""

from dataclasses import dataclass
from typing import Any

from aevb.config.class_attributes import attribute, constant
from aevb.config.identity import IN_THE_NAME

__all__ = ["STATED", "Settings", "label_replaced", "pitfall_of"]

STATED = {
    "objective": (
        "mean_over_data",
        "no_mean_with",
        "min_batch_size",
        "over_theta",
        "reparameterised",
        "draws_images",
        "closed_form_kl",
        "normal_posterior",
        "normal_prior",
        "no_trained_prior",
        "in_turns",
        "differentiates_mean",
        "capturable",
    ),
    "model": ("objectives", "conditional"),
    "model.encoder": ("discrete", "capturable"),
    "model.decoder": ("likelihood", "binary_targets", "differentiable_mean", "side_multiple", "capturable"),
    "model.prior": ("trained", "needs_encoder", "capturable"),
}
"""Node -> the class attributes that are read from the source, each documented in the base class of the node.

A data set may compute its `unit_interval`, because the decoder is checked again when the data are loaded.
"""

PITFALLS = "aevb.pitfalls."


@dataclass(frozen=True)
class Settings:
    """A resolved config of a run whose keys and values are each valid.

    Args:
        values: Plain containers.
        trusted: Users' modules that may be read.
    """

    values: dict[str, Any]
    trusted: tuple[str, ...] = ()

    def get(self, path: str) -> Any:
        """Return the value of a dotted key, or None if there is none.

        Args:
            path: The dotted key.
        """
        node: Any = self.values
        for key in path.split("."):
            node = node.get(key) if isinstance(node, dict) else None
        return node

    def target(self, path: str) -> str:
        """Return the `_target_` of a node, or "".

        Args:
            path: The dotted key of the node.
        """
        return str(self.get(f"{path}._target_") or "")

    def class_name(self, path: str) -> str:
        """Return the class of a node, without its module, or "".

        Args:
            path: The dotted key of the node.
        """
        return self.target(path).rpartition(".")[2]

    def option_name(self, path: str) -> str:
        """Return the option of a group as it is typed, such as wake_sleep; the class if the module is not one of aevb's.

        Args:
            path: The dotted key of the node.
        """
        module, _, name = self.target(path).rpartition(".")
        return module.rpartition(".")[2] if module.startswith("aevb.") else name

    @property
    def conditional(self) -> bool:
        """Whether the model is given the labels of the data (aevb.models.conditional)."""
        return self.states("model", "conditional") is True

    def states(self, path: str, name: str) -> Any:
        """Return a class attribute of the class of a node; None if it cannot be read.

        Args:
            path: The dotted key of the node.
            name: The name of the class attribute.
        """
        return attribute(self.target(path), name, self.trusted)

    def constant(self, path: str, name: str) -> Any:
        """Return a class attribute, or the literal that a property returns, of the class of a node.

        Args:
            path: The dotted key of the node.
            name: The name of the attribute or property.

        Returns:
            The value; Ellipsis if it is computed; None if it cannot be read.
        """
        return constant(self.target(path), name, self.trusted)

    def states_anywhere(self, node: dict[str, Any], name: str) -> bool:
        """Return whether a class attribute is true of the class of a node, or of a node within it, as a wrapped objective.

        Args:
            node: A node of the config.
            name: The name of the class attribute.
        """
        if attribute(str(node.get("_target_") or ""), name, self.trusted) is True:
            return True
        return any(self.states_anywhere(value, name) for value in node.values() if isinstance(value, dict))


def pitfall_of(node: Any) -> str:
    """Return the name of the pitfall that a config node describes.

    Args:
        node: A node of a resolved config, as `settings["objective"]`.

    Returns:
        The name, which is that of the module in aevb.pitfalls; "" for a node that holds none.
    """
    target = str(node.get("_target_", "")) if isinstance(node, dict) else ""
    return target.removeprefix(PITFALLS).partition(".")[0] if target.startswith(PITFALLS) else ""


def label_replaced(choices: dict[str, Any], settings: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the chosen options, with another name where the node of a group is not what its option says.

    Figures and tables name a run by these options, and compare `data=mnist` with the paper.

    Args:
        choices: Group -> option, as Hydra gives them.
        settings: The resolved config.
        defaults: The config with the same data, objective and optimizer, and nothing else chosen.

    Returns:
        Group -> option; `pitfall_<name>` where a pitfall has replaced the node of a group, and the name of the class where
        another `_target_` has replaced that of data, objective or optimizer.
    """
    return {group: _label(group, option, settings.get(group), defaults.get(group)) for group, option in choices.items()}


def _label(group: str, option: Any, node: Any, default: Any) -> Any:
    if name := pitfall_of(node):
        return f"pitfall_{name}"
    if group in IN_THE_NAME and node["_target_"] != default["_target_"]:
        return node["_target_"].rpartition(".")[2]
    return option
