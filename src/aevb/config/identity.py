"""Fingerprints and names of runs: when two configs are the same experiment.

The budget, names, paths, loggers and evaluators do not change the numbers of training, so they are not part of a run's
fingerprint: a run with a larger budget is the same run, extended.
"""

import hashlib
import json
from functools import lru_cache
from itertools import compress
from typing import Any

from aevb.config.migration import first_names

__all__ = ["IN_THE_NAME", "difference", "fingerprint", "fingerprint_of_numbers", "flatten", "numbers_of", "run_name"]

NOT_IN_FINGERPRINT = (
    "max_samples",
    "name",
    "output_dir",
    "report",
    "logger",
    "evaluator",
    "choices",
    "data.root",
    "data.download",
    "data.mirror",
    "trainer.checkpoint_minutes",
    "evaluation._target_",
    "evaluation.splits",
    "evaluation.start",
    "evaluation.every",
    "evaluation.final_images",
    "evaluation.cores",
    "trainer.graph_steps",
    "init_from",
    "max_time",
)
EVALUATION_POINTS = ("evaluation.start", "evaluation.every")
DEFAULTS_TREATED_AS_ABSENT = {
    "clip_value": None,
    "clip_norm": None,
    "objective.dreams": "samples",
    "objective.prior_on": "decoder",
    "objective.baseline_seed": 0,
    "model.decoder.context_dim": 0,
    "data.values": "auto",
    "data.dequantise": None,
    "data.colour": False,
    "trainer.microbatches": 1,
    "init_optimizer": False,
    "init_sha256": None,
    "schedule._target_": "aevb.optimizers.schedules.Constant",
}
"""Default value of a key that older configs do not have: with it, the key is left out of the fingerprint."""

IN_THE_NAME = ("data", "objective", "optimizer")
"""Groups whose options are part of a run's name, with latent_dim and seed."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def flatten(node: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return the dotted keys of nested dictionaries with their values.

    Args:
        node: Nested dictionaries; a list is a value.
        prefix: Dotted key of `node` itself.
    """
    pairs: list[tuple[str, Any]] = []
    _flatten(node, prefix, pairs)
    return pairs


def _flatten(node: Any, prefix: str, pairs: list[tuple[str, Any]]) -> None:
    if not (isinstance(node, dict) and node):
        pairs.append((prefix, node))
        return
    for name, value in node.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(value, dict):
            _flatten(value, key, pairs)
        else:
            pairs.append((key, value))


def numbers_of(settings: dict[str, Any]) -> dict[str, Any]:
    """Return everything in a config that the numbers of training depend on, by dotted key.

    Args:
        settings: A resolved config.
    """
    # With early stopping the evaluation points decide when training ends.
    points = EVALUATION_POINTS if settings.get("early_stopping") else ()
    pairs = flatten(settings)
    numbers = dict(compress(pairs, _in_fingerprint(tuple([key for key, _ in pairs]), points)))
    for key, default in DEFAULTS_TREATED_AS_ABSENT.items():
        if key in numbers and numbers[key] == default:
            del numbers[key]
    if points and "evaluation.start" in numbers and _is_before_the_rule(settings):
        numbers["evaluation.start"] = 1
    return numbers


def _is_before_the_rule(settings: dict[str, Any]) -> bool:
    # Evaluation points before early_stopping.start decide nothing.
    rule, first = settings["early_stopping"], settings["evaluation"]["start"]
    start = rule.get("start") if str(rule.get("_target_")).endswith(".EarlyStopping") else None
    return isinstance(first, int) and isinstance(start, int) and first <= start


@lru_cache(maxsize=1024)  # thousands of runs have the same keys
def _in_fingerprint(keys: tuple[str, ...], points: tuple[str, ...]) -> list[bool]:
    absent = [other for other in NOT_IN_FINGERPRINT if other not in points]
    below = tuple(f"{other}." for other in absent)
    return [key not in absent and not key.startswith(below) for key in keys]


def _digest(values: Any) -> str:
    return hashlib.sha256(_ENCODER.encode(values).encode()).hexdigest()


def fingerprint(settings: dict[str, Any]) -> str:
    """Return the sha256 of everything in a config that the numbers of training depend on.

    Args:
        settings: A resolved config.

    Returns:
        64 hexadecimal digits. Keys and targets are hashed under the names of the first version (aevb.config.migration).
    """
    return fingerprint_of_numbers(numbers_of(settings))


def fingerprint_of_numbers(numbers: dict[str, Any]) -> str:
    """Return the fingerprint of a config of which the numbers are at hand.

    Args:
        numbers: What `numbers_of` gives.
    """
    return _digest(first_names(numbers))


def difference(settings: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the keys in which two experiments differ.

    Args:
        settings: A resolved config.
        other: Another one.

    Returns:
        Dotted key -> both values; "absent" where a config has no such key. Keys outside the fingerprint are ignored.
    """
    values, other_values = numbers_of(settings), numbers_of(other)
    return {
        key: (values.get(key, "absent"), other_values.get(key, "absent"))
        for key in dict.fromkeys([*values, *other_values])
        if key not in values or key not in other_values or values[key] != other_values[key]
    }


def run_name(settings: dict[str, Any], defaults: dict[str, Any]) -> str:
    """Return the name of a run's directory.

    Args:
        settings: A resolved config with its `choices`; a `name` in it is returned as it is.
        defaults: The config with the same data, objective, optimizer, latent_dim and seed, and nothing else chosen.

    Returns:
        <data>-<objective>-<optimizer>-z<latent_dim>-s<seed>, with six hexadecimal digits when anything else differs
        from `defaults`.
    """
    if settings["name"] is not None:
        return str(settings["name"])
    # Only the last part of an option: a run lies in outputs/runs, whatever is chosen.
    groups = "-".join(str(settings["choices"][group]).rpartition("/")[2] for group in IN_THE_NAME)
    name = f"{groups}-z{settings['latent_dim']}-s{settings['seed']}"
    changed = {key: value for key, (value, _) in difference(settings, defaults).items()}
    return f"{name}-{_digest(first_names(changed))[:6]}" if changed else name
