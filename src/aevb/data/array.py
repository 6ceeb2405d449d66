"""A user's own array: data=array data.path=mine.npz.

An .npz file holds either `x`, or `train` and optionally `test` and `valid`. Each array is (N, D) or
(N, rows, columns). Each may have labels (N,): `label` for `x`, otherwise `train_label`, `valid_label`
and `test_label`. An .npy file holds `x`.

Floats must be finite and are used unchanged. Binary values (booleans, or integers that are all 0 or 1)
are used unchanged as well. Other uint8 values are divided by `scale`. Pickles are refused, so that
nothing in the file is executed.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from aevb.data import checks
from aevb.data.dataset import Dataset, Split, Splits
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from aevb.types import Fraction, PositiveInt, Seed

__all__ = ["ArrayDataset"]

WHOLE = {"x", "label"}
PARTS = {"train", "valid", "test", "train_label", "valid_label", "test_label"}


class ArrayDataset(Dataset):
    """The arrays of an .npz or .npy file.

    The constructor reads the file, because the shape and the range of the data are not known before.

    Args:
        path: The .npz or .npy file.
        shape: (rows, columns) of an image if the arrays are (N, D); None: 1 x D.
        scale: The divisor of uint8 grey levels.
        test_fraction: The fraction of the images that becomes the test set if the file has no test set.
        seed: Seed of the random choice of this test set.
        n_train: Number of training images, taken from the start of the training set; None: all.

    Raises:
        UserError: If the file cannot be read, or if its arrays do not have the form described above or do
            not fit the arguments.
    """

    name = "tensor"

    def __init__(
        self,
        path: str | None = None,
        shape: list[int] | None = None,
        scale: Literal[255, 256] = 255,
        test_fraction: Fraction = 0.1,
        seed: Seed = 0,
        n_train: PositiveInt | None = None,
    ) -> None:
        checks.one_of("scale", scale, (255, 256))
        if path is None:
            raise UserError("data.path=null: data=array needs a file; give data.path=FILE.npz (or .npy)")
        self.path, self.test_fraction, self.seed = Path(path).expanduser(), test_fraction, seed
        arrays = _read(self.path)
        images = {key: array for key, array in arrays.items() if not key.endswith("label")}
        self.shape = self._shape(images, shape)
        dtype = next(iter(images.values())).dtype
        bits = dtype.kind == "b" or (dtype.kind in "iu" and all(_is_bits(array) for array in images.values()))
        if not bits and dtype != np.uint8 and dtype.kind != "f":
            raise self._refusal(f"its images are {dtype}; allowed: uint8 (divided by {scale}), floats, or 0 and 1")
        if bits:
            self.convention = TargetConvention("binary", description="binary, as given")
        elif dtype == np.uint8:
            self.convention = TargetConvention("grey", scale)
        else:
            self.convention = TargetConvention("real", description=f"{dtype}, as given")
        unit = scale if dtype == np.uint8 and not bits else 1
        x = {key: self._values(key, array, unit) for key, array in images.items()}
        self.unit_interval = all(part.min() >= 0 and part.max() <= 1 for part in x.values())
        splits = self._divided({key: Split(x[key], self._labels(key, arrays)) for key in x})
        if n_train is not None:
            checks.between("n_train", n_train, 1, len(splits.train.x), f"the training images of {self.path.name}")
        self._splits = splits._replace(train=splits.train.first(n_train))

    def load(self) -> Splits:
        """Return the splits that the constructor has read."""
        return self._splits

    def _refusal(self, text: str) -> UserError:
        return UserError(f"data.path={self.path}: {text}")

    def _shape(self, images: dict[str, np.ndarray], shape: list[int] | None) -> tuple[int, int]:
        for key, array in images.items():
            if array.ndim not in (2, 3) or 0 in array.shape:
                raise self._refusal(f"{key} has shape {array.shape}; allowed: (N, D) or (N, rows, columns), not empty")
        kinds = {(array.shape[1:], str(array.dtype)) for array in images.values()}
        if len(kinds) > 1:
            raise self._refusal(f"its parts differ, {sorted(kinds)}; give them one shape and one dtype")
        image_shape = next(iter(images.values())).shape[1:]
        rows, columns = image_shape if len(image_shape) == 2 else (1, *image_shape)
        if shape is None:
            return rows, columns
        fits = len(shape) == 2 and min(shape) > 0 and shape[0] * shape[1] == rows * columns
        if not fits or (len(image_shape) == 2 and tuple(shape) != image_shape):
            requested = ",".join(map(str, shape))
            raise UserError(
                f"data.shape=[{requested}]: an image in {self.path} has shape {image_shape}; "
                f"give [rows,columns] of {rows * columns} pixels, or leave data.shape out"
            )
        return shape[0], shape[1]

    def _values(self, key: str, array: np.ndarray, unit: int) -> np.ndarray:
        with np.errstate(over="ignore"):  # a value that overflows float32 is refused below
            x = np.asarray(array.reshape(len(array), -1), np.float32, order="C")
        finite = np.isfinite(x).all(1)
        if not finite.all():
            row = int(np.flatnonzero(~finite)[0])
            raise self._refusal(f"{key} is not finite (as float32) in row {row}; remove or mend such rows")
        return x if unit == 1 else x / np.float32(unit)

    def _labels(self, key: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
        name, count = "label" if key == "x" else f"{key}_label", len(arrays[key])
        label = arrays.get(name, np.zeros(count, np.int64))
        if label.shape != (count,) or label.dtype.kind not in "iub":
            raise self._refusal(f"{name} is {label.dtype} {label.shape}; allowed: {count} integers, one for each image")
        return label.astype(np.int64)

    def _divided(self, parts: dict[str, Split]) -> Splits:
        train = parts["x"] if "x" in parts else parts["train"]
        valid = parts.get("valid", _rows(train, np.arange(0)))
        if "test" in parts:
            return Splits(train, valid, parts["test"])
        count = len(train.x)
        n_test = round(self.test_fraction * count)
        if not 1 <= n_test < count:
            raise UserError(
                f"data.test_fraction={self.test_fraction:g}: leaves {count - n_test} of {count} images to train and "
                f"{n_test} to test; both need at least one"
            )
        order = np.random.RandomState(self.seed).permutation(count)
        return Splits(_rows(train, order[n_test:]), valid, _rows(train, order[:n_test]))


def _is_bits(array: np.ndarray) -> bool:
    return bool(array.min() >= 0 and array.max() <= 1)


def _rows(split: Split, index: np.ndarray) -> Split:
    return Split(split.x[index], split.label[index])


def _read(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file by key; refuse unknown keys."""
    try:
        with open(path, "rb") as stream:  # if numpy opened the file, it would leave a damaged one open
            file = np.load(stream, allow_pickle=False)
            arrays = {"x": file} if isinstance(file, np.ndarray) else {key: file[key] for key in file.files}
    except FileNotFoundError as error:
        raise UserError(f"data.path={path}: no such file; give an .npz or .npy file") from error
    except Exception as error:  # numpy, zipfile and zlib raise different errors for a damaged file
        text = " ".join(str(error).split())
        reason = "unknown format" if "pickled data" in text else "an object array" if "Object array" in text else text
        raise UserError(f"data.path={path}: not an .npz or .npy file of numbers ({reason}); save it anew") from error
    keys = set(arrays)
    if not ("x" in keys <= WHOLE or "train" in keys <= PARTS):
        raise UserError(
            f"data.path={path}: holds {', '.join(arrays) or 'nothing'}; allowed: x (and label), "
            f"or train (and test, valid, train_label, test_label, valid_label)"
        )
    return arrays
