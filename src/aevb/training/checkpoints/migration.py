"""Checkpoints of older versions, read in the present form.

Lightning finds the state of a callback by a key, and ignores a state whose key no callback has. Without
this a run that an older version started would be resumed without the rows of its metrics.csv.
"""

from typing import Any

__all__ = ["upgrade_checkpoint"]

OLD_KEYS = ("Marks", "EvaluationCallback")
"""Keys under which older versions kept OLD_PARTS, where "seconds" are those of training and of evaluation."""
OLD_PARTS = ("rows", "timing", "seconds")


def upgrade_checkpoint(checkpoint: Any) -> Any:
    """Give the states of callbacks their present keys.

    Args:
        checkpoint: What a file holds. Whether it is a checkpoint at all is checked elsewhere
            (aevb.training.checkpoints.identity); what has no state of an older version is returned
            as it is.

    Returns:
        A checkpoint of the present form.
    """
    states = checkpoint.get("callbacks") if isinstance(checkpoint, dict) else None
    if not isinstance(states, dict):
        return checkpoint
    for key in OLD_KEYS:
        old = states.get(key)
        if isinstance(old, dict) and all(part in old for part in OLD_PARTS):
            others = {name: state for name, state in states.items() if name != key}
            evaluation = {"rows": old["rows"]}
            timing = {"rows": old["timing"], "seconds": old["seconds"]}
            return checkpoint | {"callbacks": {**others, "evaluation": evaluation, "timing": timing}}
    return checkpoint
