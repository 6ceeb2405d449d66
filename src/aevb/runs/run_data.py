"""The data that a config names, read and checked: for `--check`, and for the process that trains. Torch is not imported."""

from typing import Any

from aevb.config.instantiate import build
from aevb.config.resolved import Settings
from aevb.data.dataset import Dataset, LoadedData
from aevb.data.labels import classes_of, with_labels
from aevb.data.own_class import checked_splits

__all__ = ["read_data"]


def read_data(settings: dict[str, Any], trusted: tuple[str, ...]) -> LoadedData:
    """Read the data that a config names.

    Args:
        settings: The config of a run.
        trusted: Users' modules that the config may name.

    Returns:
        The data; for a conditional model with the labels behind the pixels.

    Raises:
        UserError: If the data cannot be loaded, or are no data that a run can take.
    """
    dataset: Dataset = build(settings["data"], Dataset, "data", trusted)  # type: ignore[type-abstract]
    splits = checked_splits(dataset)
    classes = classes_of(dataset, splits) if Settings(settings, trusted).conditional else None
    rows = with_labels(splits, classes)
    return LoadedData(dataset, splits, rows, rows.hashes(), classes)
