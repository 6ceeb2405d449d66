"""Deliberate mistakes (aevb.pitfalls) in a config: which node holds one, and how a run with one is labelled.

A pitfall is chosen in a group of its own and replaces one node of another group. Run names and tables show the options of
data, objective and optimizer, so a replaced one is shown as `pitfall_<name>` in place of the option it is based on.
"""

from typing import Any

__all__ = ["label_pitfalls", "pitfall_of"]

PACKAGE = "aevb.pitfalls."


def pitfall_of(node: Any) -> str:
    """Return the name of the pitfall that a config node describes.

    Args:
        node: A node of a resolved config, as `settings["objective"]`.

    Returns:
        The name, which is that of the module in aevb.pitfalls; "" for a node that holds none.
    """
    target = str(node.get("_target_", "")) if isinstance(node, dict) else ""
    return target.removeprefix(PACKAGE).partition(".")[0] if target.startswith(PACKAGE) else ""


def label_pitfalls(choices: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return the chosen options, with `pitfall_<name>` where a pitfall has replaced the node of a group.

    Args:
        choices: Group -> option, as Hydra gives them.
        settings: The resolved config.
    """
    return {
        group: f"pitfall_{name}" if (name := pitfall_of(settings.get(group))) else option
        for group, option in choices.items()
    }
