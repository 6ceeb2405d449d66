"""Configs of older versions: renamed keys and targets are read under their present names.

A config.yaml that an older version wrote is upgraded when it is read. Fingerprints and run names are computed from the
names of the first version, so a rename changes neither: an old run can be resumed, extended and compared.

To rename a key or a target, add a line here. Keys are dotted; `*` stands for one part of a key.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from aevb.config.tree import options

__all__ = [
    "RENAMED_ARGUMENTS",
    "RENAMED_FILES",
    "RENAMED_KEYS",
    "RENAMED_OPTIONS",
    "RENAMED_TARGETS",
    "first_names",
    "present_argument",
    "renamed_key",
    "renamed_option",
    "upgrade",
    "upgrade_record",
]

# By name, as a user's own evaluator may have arguments of these names.
_BY_ROWS = ("ais", "bdmc", "importance", "inference_gap", "information", "predictive", "reciprocal")
_BY_IMAGES = ("bits_per_dim", "bound", "enumeration", "fitted_bound", "quadrature", "reconstruction", "shapes")

RENAMED_KEYS: dict[str, str] = {
    "trainer.products": "trainer.matmul_backend",
    "trainer.matmul": "trainer.matmul_precision",
    "trainer.first": "evaluation.num_images",
    "trainer.final_first": "evaluation.final_images",
    "trainer.first_mark": "evaluation.start",
    "trainer.mark_every": "evaluation.every",
    "trainer.mark_splits": "evaluation.splits",
    "trainer.train_window": "evaluation.train_window",
    "trainer.sampling": "sampling",
    "trainer.clip_norm": "clip_norm",
    "trainer.clip_value": "clip_value",
    "selection.stepsizes": "selection.learning_rates",
    **{f"evaluator.{name}.rows": f"evaluator.{name}.batch_size" for name in _BY_ROWS},
    **{f"evaluator.{name}.images": f"evaluator.{name}.batch_size" for name in _BY_IMAGES},
}
"""Key of the first version -> present key."""

RENAMED_ARGUMENTS: dict[str, dict[str, str]] = {"evaluate": {"first": "num_images"}}
"""Command -> key of the first version -> present key, for keys that no run directory holds."""

RENAMED_OPTIONS: dict[str, str] = {
    "data=tensor": "data=array",
    "experiment=binary_anchor": "experiment=maddison2017_benchmark",
    "experiment=family": "experiment=compare_objectives",
    "experiment=family_binary": "experiment=compare_objectives_binary",
    "experiment=keras": "experiment=keras_reproduction",
}
"""group=option of an older version -> what chooses the same now; see `renamed_option` for pitfalls."""

ADDED_TARGETS: dict[str, str] = {"evaluation": "aevb.training.evaluation_settings.EvaluationSettings"}
"""Node that the first version did not have -> what it describes; no part of a fingerprint."""

RENAMED_TARGETS: dict[str, str] = {
    "aevb.data.tensor.Tensor": "aevb.data.array.ArrayDataset",
    "aevb.models.recipes.FamilyPrior": "aevb.models.families.FamilyPrior",
    "aevb.models.recipes.RecipeEncoder": "aevb.models.families.FamilyEncoder",
    "aevb.training.posterior_means.PosteriorMeans": "aevb.loggers.posterior_means.PosteriorMeans",
    "aevb.training.recorder.Recorder": "aevb.loggers.base.RunLogger",
    "aevb.training.selection.StepsizeSelection": "aevb.training.learning_rate_selection.LearningRateSelection",
    "aevb.training.tensorboard.TensorBoard": "aevb.loggers.tensorboard.TensorBoard",
}
"""Target of the first version -> present target."""

RENAMED_FILES: dict[str, str] = {"stepsizes.json": "learning_rates.json"}
"""File of a run directory -> its present name; a run that has only the old file is read from it."""

RENAMED_FIELDS: dict[str, str] = {"stepsize": "learning_rate", "findings": "summary", "products": "matmul_backend"}
"""Field of a JSON record (DONE, learning_rates.json, evaluation/*.json) -> its present name."""

_FIRST_TARGETS = {new: old for old, new in RENAMED_TARGETS.items()}


def renamed_key(key: str, table: Mapping[str, str] = RENAMED_KEYS) -> str:
    """Return the present name of a key.

    Args:
        key: Dotted key, as an older version wrote it.
        table: Pattern -> new name; the parts that `*` matches are carried over in order.

    Returns:
        The new key, or `key` itself if it was never renamed.
    """
    return _present_name(key) if table is RENAMED_KEYS else _renamed(key, table)


@lru_cache(maxsize=8192)  # thousands of runs have the same few hundred keys
def _present_name(key: str) -> str:
    return _renamed(key, RENAMED_KEYS)


def _renamed(key: str, table: Mapping[str, str]) -> str:
    for pattern, new in table.items():
        expression = re.escape(pattern).replace(r"\*", r"([^.]+)")
        if match := re.fullmatch(rf"{expression}((?:\..*)?)", key):
            *parts, rest = match.groups()
            for part in parts:
                new = new.replace("*", part, 1)
            return new + rest
    return key


def present_argument(key: str, root: str) -> str:
    """Return the present name of a key as it is typed on a command line.

    Args:
        key: Dotted key, perhaps of an older version.
        root: Name of the primary config: "train", "evaluate" or "figure".

    Returns:
        The present key, or `key` itself if it was never renamed.
    """
    return RENAMED_ARGUMENTS.get(root, {}).get(key) or renamed_key(key)


def renamed_option(group: str, option: str, root: str = "train") -> str | None:
    """Return what chooses the same as an option of an older version.

    Args:
        group: Configuration group, as "experiment".
        option: Name as it was typed, as "family" or "pitfalls/kl_sign".
        root: Name of the primary config.

    Returns:
        "group=option" of today, or None if the option was never renamed.
    """
    folder, _, name = option.rpartition("/")
    pitfall = name.removeprefix("pitfall_")
    if folder == "pitfalls" and pitfall in options("pitfall"):
        return f"pitfall={pitfall}" if root == "train" else "the command in docs/pitfalls.md"
    return RENAMED_OPTIONS.get(f"{group}={option}")


def upgrade(settings: dict[str, Any]) -> dict[str, Any]:
    """Rename the keys and targets of a config that an older version wrote.

    Args:
        settings: A resolved config, as read from config.yaml.

    Returns:
        A new dictionary with the present names; entries keep their order where their node does not change. If all names
        are the present ones it shares its nodes with `settings`.
    """
    upgraded: dict[str, Any] = {}
    if _is_present(settings, ""):
        upgraded.update(settings)
    else:
        _copy(settings, "", {"": upgraded})
    for node, target in ADDED_TARGETS.items():
        if "trainer" in upgraded:  # the config of a run
            upgraded[node] = {**upgraded.get(node, {})}
            upgraded[node].setdefault("_target_", target)
    return upgraded


def _is_present(node: dict[str, Any], prefix: str) -> bool:
    # Whether nothing in a node was renamed. For thousands of runs this is much less work than a copy.
    if not _are_present_names(prefix, tuple(node)):
        return False
    target = node.get("_target_")
    if isinstance(target, str) and target in RENAMED_TARGETS:
        return False
    for name, value in node.items():  # noqa: SIM110 - a loop, as a generator takes twice the time
        if isinstance(value, dict) and not _is_present(value, f"{prefix}{name}."):
            return False
    return True


@lru_cache(maxsize=1024)
def _are_present_names(prefix: str, names: tuple[Any, ...]) -> bool:
    return all(
        type(name) is str and "." not in name and _present_name(prefix + name) == prefix + name for name in names
    )


def _copy(node: dict[str, Any], prefix: str, nodes: dict[str, dict[str, Any]]) -> None:
    # nodes: those of the new config, by dotted key.
    for name, value in node.items():
        old = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            _copy(value, f"{old}.", nodes)
            continue
        key, last = _path(old)
        parent = nodes.get(key)
        if parent is None:
            parent = nodes[""]
            for folder in key.split("."):
                parent = parent.setdefault(folder, {})
            nodes[key] = parent
        parent[last] = RENAMED_TARGETS.get(value, value) if last == "_target_" and isinstance(value, str) else value


@lru_cache(maxsize=8192)
def _path(key: str) -> tuple[str, str]:
    node, _, last = renamed_key(key).rpartition(".")
    return node, last


def upgrade_record(record: Any) -> Any:
    """Rename the fields of a JSON record that an older version wrote.

    Args:
        record: What json.loads gave: dictionaries, lists and plain values.

    Returns:
        The record with the present field names, at any depth.
    """
    if isinstance(record, dict):
        return {RENAMED_FIELDS.get(name, name): upgrade_record(value) for name, value in record.items()}
    return [upgrade_record(item) for item in record] if isinstance(record, list) else record


def first_names(values: dict[str, Any]) -> dict[str, Any]:
    """Give flat settings the names of the first version, from which fingerprints are computed.

    Args:
        values: Dotted key -> value, with present names.

    Returns:
        The same values under their first names.
    """
    return {
        _first_name(key): _FIRST_TARGETS.get(value, value) if key.endswith("_target_") else value
        for key, value in values.items()
    }


@lru_cache(maxsize=8192)
def _first_name(key: str) -> str:
    return renamed_key(key, {new: old for old, new in RENAMED_KEYS.items()})
