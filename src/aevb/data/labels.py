"""Labels as columns behind the pixels: the datapoints of a conditional model (aevb.models.conditional)."""

import numpy as np

from aevb.data.dataset import Dataset, Split, Splits
from aevb.errors import UserError

__all__ = ["MAX_CLASSES", "classes_of", "one_hot", "with_labels", "without_examples"]

MAX_CLASSES = 1000
"""Classes at most: each is an input of both networks."""


def classes_of(dataset: Dataset, splits: Splits) -> int:
    """Return the number of classes, C: the largest label of all splits and one.

    Args:
        dataset: The data set.
        splits: Its data.

    Raises:
        UserError: If the data have no labels, or if a label is negative or too large.
    """
    if not dataset.labelled:
        source = getattr(dataset, "path", None)
        name = f"data={dataset.name}" if source is None else f"data.path={source}"
        raise UserError(
            f"{name}: not a label for every image, as a conditional model needs; allowed: images with a label each (label or y in .npz, a "
            "column label in .csv, one folder for each class); try: numpy.savez_compressed('mine.npz', x=x, y=y)"
        )
    labels = np.concatenate([split.label for split in splits])
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= MAX_CLASSES:
        raise UserError(
            f"data: labels from {low} to {high}; allowed for a conditional model: 0..{MAX_CLASSES - 1}; "
            "try: numpy.unique(y, return_inverse=True)[1], which numbers the classes"
        )
    return high + 1


def one_hot(label: np.ndarray, classes: int) -> np.ndarray:
    """Return one-hot vectors, (N, C) float32.

    Args:
        label: Integers in 0..C-1, (N,).
        classes: Number of classes, C.
    """
    columns = np.zeros((len(label), classes), np.float32)
    columns[np.arange(len(label)), label] = 1
    return columns


def with_labels(splits: Splits, classes: int | None) -> Splits:
    """Append the labels to the targets of each split.

    A binarisation u < x leaves one-hot columns unchanged, so dynamic targets are rows of the same form.

    Args:
        splits: The data.
        classes: Number of classes, C; None: the splits are returned as they are.

    Returns:
        Splits whose x is (N, D + C).
    """
    if classes is None:
        return splits
    return Splits(*(Split(np.concatenate([x, one_hot(y, classes)], 1), y) for x, y in splits))


def without_examples(splits: Splits) -> list[int]:
    """Return the classes of which there is no training image, although the data have them.

    Args:
        splits: The data.
    """
    trained = set(np.unique(splits.train.label).tolist())
    others = {int(label) for split in (splits.valid, splits.test) for label in np.unique(split.label)}
    return sorted(others - trained)
