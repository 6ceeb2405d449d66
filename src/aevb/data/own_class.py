"""The data of a class of a user's own are checked when they are read: their arrays, shapes and range.

A wrong one would fail in torch, with an error that does not name the data set. Bytes, or a value that is not a number, under a
Bernoulli likelihood would not fail at all, and the bound would be a wrong number.
"""

import numpy as np

from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError

__all__ = ["checked_splits"]


def checked_splits(dataset: Dataset) -> Splits:
    """Load a data set; what a class that is none of aevb's loads is checked.

    Args:
        dataset: The data set.

    Returns:
        Its splits.

    Raises:
        UserError: They are no `Splits` of arrays, or do not fit what the class states.
    """
    splits = dataset.load()
    if type(dataset).__module__.partition(".")[0] == "aevb":
        return splits
    kind = type(dataset).__name__
    fault = _fault_of_class(dataset)
    if fault is None and not isinstance(splits, Splits):
        fault = f"load() returned a {type(splits).__name__}", "Splits(train, valid, test)", "Splits"
    for name, split in splits._asdict().items() if fault is None else ():
        if (wrong := _fault(dataset, name, split)) is not None:
            fault = fault or wrong
    if fault is not None:
        what, allowed, remedy = fault
        raise UserError(f"data: {kind}: {what}; allowed: {allowed}; try: {remedy}")
    return splits


def _fault_of_class(dataset: Dataset) -> tuple[str, str, str] | None:
    shape, convention = getattr(dataset, "shape", None), getattr(dataset, "convention", None)
    sides = shape if isinstance(shape, tuple) else ()
    if len(sides) not in (2, 3) or not all(isinstance(side, int) and side > 0 for side in sides):
        return f"its shape is {shape!r}", "(rows, columns), or (rows, columns, 3)", "shape = (28, 28)"
    if not isinstance(convention, TargetConvention):
        remedy = 'convention = TargetConvention("binary", description="as given")'
        return f"its convention is {convention!r}", "a TargetConvention", remedy
    return None


def _fault(dataset: Dataset, name: str, split: object) -> tuple[str, str, str] | None:
    # What is wrong, what is allowed, and what to try.
    if not isinstance(split, Split):
        return f"its {name} is a {type(split).__name__}", "Split(x, label)", f"{name}=Split(x, label)"
    x, label = split
    empty = "np.zeros((0, D), np.float32) for a split without images"
    if type(x) not in (np.ndarray, np.memmap):  # a masked array would hide what is no number
        remedy = "x.filled(0)" if isinstance(x, np.ma.MaskedArray) else "np.asarray(x, np.float32)"
        return f"its {name}.x is a {type(x).__name__}", "an array of numpy", remedy
    if x.ndim != 2 or x.shape[1] != dataset.dim:
        wrong = f"its {name}.x has the shape {x.shape}, and its images {dataset.shape}"
        return wrong, f"(N, {dataset.dim})", f"x.reshape(len(x), -1), and {empty}"
    if not isinstance(label, np.ndarray) or label.shape != (len(x),):
        shape = label.shape if isinstance(label, np.ndarray) else type(label).__name__
        return f"its {name}.label is {shape} for {len(x)} images", f"({len(x)},)", "np.zeros(len(x), np.int64)"
    if label.dtype.kind not in "iu" or not _is_taken_by_torch(label):
        return f"its {name}.label is {_kind(label)}", "integers, in memory order", "np.array(label, np.int64)"
    if x.dtype.kind not in "fbiu" or not _is_taken_by_torch(x):
        return f"its {name}.x is {_kind(x)}", "float32, in memory order", "np.array(x, np.float32)"
    if len(x) == 0:
        return None if name == "valid" else (f"its {name} has no images", "at least one", "a larger split")
    low, high = float(x.min()), float(x.max())
    if not np.isfinite([low, high]).all():
        return f"its {name}.x has values that are not finite", "finite numbers", "np.nan_to_num(x)"
    if dataset.unit_interval and not (low >= 0 and high <= 1):
        wrong = f"its {name}.x goes from {low:g} to {high:g}, and unit_interval is True"
        return wrong, "[0, 1]", "x / 255 for bytes, or unit_interval = False in the class"
    return None


def _is_taken_by_torch(array: np.ndarray) -> bool:
    return array.dtype.isnative and array.dtype.itemsize <= 8 and min(array.strides) >= 0


def _kind(array: np.ndarray) -> str:
    return f"{array.dtype}{' with negative strides' if min(array.strides) < 0 else ''}"
