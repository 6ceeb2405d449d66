"""A resolved config of a run, as rules about its values read it, with what its classes state about themselves.

What a class states is read from its source (aevb.config.signature.attribute), so torch is not imported.
"""

from dataclasses import dataclass
from typing import Any

from aevb.config.signature import attribute

__all__ = ["STATED", "Settings"]

STATED = {
    "objective": ("mean_over_data", "over_theta", "reparameterised", "draws_images", "capturable"),
    "model": ("objectives", "conditional"),
    "model.encoder": ("discrete", "capturable"),
    "model.decoder": ("likelihood", "binary_targets", "side_multiple", "capturable"),
    "model.prior": ("capturable",),
}
"""Node -> the class attributes that are read from the source, each documented in the base class of the node.

A data set may compute its `unit_interval`, because the decoder is checked again when the data are loaded.
"""


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
