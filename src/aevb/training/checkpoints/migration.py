"""Checkpoints of older versions, read in the present form.

Lightning finds the state of a callback by a key, and ignores a state whose key no callback has. Without
this a run that an older version started would be resumed without the rows of its metrics.csv.
"""

from typing import Any

__all__ = ["upgrade_checkpoint"]

OLD_KEYS = ("Marks", "EvaluationCallback")
"""Keys under which older versions kept {"rows", "timing", "seconds": [training, evaluation]}."""


def upgrade_checkpoint(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Give the states of callbacks their present keys.

    Args:
        checkpoint: What was loaded; a file of the present version is left as it is.

    Returns:
        A checkpoint of the present form.
    """
    states: dict[str, Any] = dict(checkpoint.get("callbacks", {}))
    for key in OLD_KEYS:
        if key in states:
            old = states.pop(key)
            states["evaluation"] = {"rows": old["rows"]}
            states["timing"] = {"rows": old["timing"], "seconds": old["seconds"]}
    return checkpoint | {"callbacks": states}
