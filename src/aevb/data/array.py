"""A user's own data: data=array data.path=mine.npz.

The path is an .npz, .npy, .csv, .tsv or .pt file, or a folder of images; `aevb.data.own_files` says how each is
read. The images are (N, D), (N, rows, columns), or have an axis of one channel in addition. With `colour` they are
(N, rows, columns, 3), (N, 3, rows, columns), (N, D) with a `shape`, or a folder of images.

Floats must be finite and are used unchanged. Binary values (booleans, or integers that are all 0 or 1) are used
unchanged as well. Other uint8 values are grey levels, divided by `scale`. Other integers can be meant either way,
so `values` has to say which.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from aevb.console.counts import counted
from aevb.data import checks
from aevb.data.array_shapes import colours_last, fits, image_shape_of, reshaped, without_channel
from aevb.data.array_values import CHUNK, chunks, lies_in, lost_in_float32, not_finite
from aevb.data.dataset import Dataset, ImageShape, Split, Splits
from aevb.data.dequantisation import Dequantisation, dequantise, dequantised_convention
from aevb.data.own_files import ALLOWED, OwnArrays, read_own
from aevb.data.target_convention import TargetConvention
from aevb.errors import UserError
from aevb.types import Fraction, PositiveInt, Seed

__all__ = ["ArrayDataset"]

Kind = Literal["bits", "bytes", "real"]


class _Facts(NamedTuple):
    shape: ImageShape
    convention: TargetConvention
    low: float
    high: float
    description: str
    labelled: bool


class ArrayDataset(Dataset):
    """The arrays of a file, or the images of a folder.

    Nothing is read before `load` or one of the attributes is asked for, so a model of the data can be loaded
    without them.

    Args:
        path: The file or folder.
        shape: [rows, columns] of an image if the arrays are (N, D), or [rows, columns, 3] in colour; None: 1 x D.
        scale: The divisor of grey levels.
        test_fraction: The fraction of the images that becomes the test set if the file has no test set.
        seed: Seed of the random choice of this test set.
        n_train: Number of training images, taken from the start of the training set; None: all.
        values: "auto" (see the module), "bytes" for grey levels 0..255, or "real" for numbers used unchanged.
        dequantise: "uniform" adds noise to grey levels (see aevb.data.dequantisation); None: none.
        colour: Whether the images have the three channels red, green and blue. A folder of images is else made grey.

    Raises:
        UserError: If there is no path. `load` raises it if the data cannot be read, do not have the form described
            above or do not fit the arguments.
    """

    name = "array"
    own = True

    def __init__(
        self,
        path: str | None = None,
        shape: list[int] | None = None,
        scale: Literal[255, 256] = 255,
        test_fraction: Fraction = 0.1,
        seed: Seed = 0,
        n_train: PositiveInt | None = None,
        values: Literal["auto", "bytes", "real"] = "auto",
        dequantise: Dequantisation | None = None,
        colour: bool = False,
    ) -> None:
        checks.one_of("scale", scale, (255, 256))
        checks.one_of("values", values, ("auto", "bytes", "real"))
        checks.one_of("dequantise", dequantise, (None, "uniform"))
        if path is None:
            raise UserError(
                f"data.path=null: data=array needs a file; allowed: {ALLOWED}; try: data.path=FILE.npz (or .npy)"
            )
        self.path, self.test_fraction, self.seed = Path(path).expanduser(), test_fraction, seed
        self.wanted_shape, self.scale, self.n_train = shape, scale, n_train
        self.values, self.dequantise, self.colour = values, dequantise, colour
        self._known: _Facts | None = None

    @property
    def _facts(self) -> _Facts:
        if self._known is None:
            self.load()
        assert self._known is not None
        return self._known

    @property
    def shape(self) -> ImageShape:  # type: ignore[override]
        """(rows, columns) of an image, in pixels, or (rows, columns, 3) in colour."""
        return self._facts.shape

    @property
    def convention(self) -> TargetConvention:  # type: ignore[override]
        """What the targets are and how they were made."""
        return self._facts.convention

    @property
    def unit_interval(self) -> bool:  # type: ignore[override]
        """Whether every target lies in [0, 1]."""
        return self._facts.low >= 0 and self._facts.high <= 1

    @property
    def labelled(self) -> bool:  # type: ignore[override]
        """Whether every image has a label."""
        return self._facts.labelled

    @property
    def description(self) -> str:  # type: ignore[override]
        """What the data were taken for, in one line."""
        return self._facts.description

    def load(self) -> Splits:
        """Return the splits (see `Dataset.load`)."""
        own = read_own(self.path, self.colour)
        arrange = colours_last if self.colour else without_channel
        images = {key: arrange(array) for key, array in own.arrays.items() if not key.endswith("label")}
        shape = self._shape(images)
        kind = self._kind(images)
        if kind == "real" and (lost := lost_in_float32(images)):
            raise self._refusal(lost)
        rows = self._rows({key: len(array) for key, array in images.items()})
        labels = {key: self._labels(key, own.arrays, len(array)) for key, array in images.items()}
        parts = {name: self._split(name, key, images[key], labels[key], index, kind) for name, key, index in rows}
        splits = Splits(**parts)
        self._known = self._describe(own, shape, kind, images, splits)
        return splits

    def _refusal(self, text: str) -> UserError:
        return UserError(f"data.path={self.path}: {text}")

    def _shape(self, images: dict[str, np.ndarray]) -> ImageShape:
        for key, array in images.items():
            if array.dtype.kind not in "fbiu":
                remedy = "numpy.abs(x)" if array.dtype.kind == "c" else "a column of numbers for each property"
                raise self._refusal(
                    f"{key} is {str(array.dtype)[:60]}; allowed: uint8 (divided by {self.scale}), floats, or 0 and 1; "
                    f"try: {remedy}"
                )
            if key in ("valid", "test") and array.shape[:1] == (0,):
                raise self._refusal(f"{key} has shape {array.shape}; allowed: at least one image; try: leave {key} out")
            if not fits(array, self.colour):
                raise self._refusal(f"{key} has shape {array.shape}; {reshaped(array, self.colour)}")
        kinds = {(array.shape[1:], str(array.dtype)) for array in images.values()}
        if len(kinds) > 1:
            remedy = "x.astype('float32')" if len({shape for shape, _ in kinds}) == 1 else "images of one shape"
            differ = ", ".join(f"{key} {a.dtype} {a.shape[1:]}" for key, a in images.items())
            raise self._refusal(f"its parts differ ({differ}); allowed: one shape and one dtype; try: {remedy}")
        image_shape = next(iter(images.values())).shape[1:]
        return image_shape_of(image_shape, self.wanted_shape, self.colour, self.path)

    def _kind(self, images: dict[str, np.ndarray]) -> Kind:
        dtype = next(iter(images.values())).dtype
        if self.values == "real":
            return "real"
        if self.values == "bytes":
            self._check_bytes(images)
            return "bytes"
        if dtype.kind == "f":
            return "real"
        if dtype.kind == "b" or all(lies_in(array, 0, 1) for array in images.values()):
            return "bits"
        if dtype == np.uint8:
            return "bytes"
        low = min(int(array.min()) for array in images.values())
        high = max(int(array.max()) for array in images.values())
        grey = "data.values=bytes if they are grey levels, " if low >= 0 and high <= 255 else ""
        raise self._refusal(
            f"its images are {dtype}, integers from {low} to {high}; allowed: uint8 (divided by {self.scale}), floats, or "
            f"0 and 1; try: {grey}data.values=real if they are numbers"
        )

    def _check_bytes(self, images: dict[str, np.ndarray]) -> None:
        for array in images.values():
            for part in chunks(array):
                if part.min() < 0 or part.max() > 255 or (part != np.rint(part)).any():
                    raise UserError(
                        f"data.values=bytes: {self.path} holds other values than the integers 0..255; "
                        "allowed: auto, real; try: data.values=real"
                    )

    def _rows(self, counts: dict[str, int]) -> list[tuple[str, str, np.ndarray]]:
        # (split, key of the array, rows of it) of each split
        key = "x" if "x" in counts else "train"
        count, order = counts[key], np.arange(counts[key])
        if "test" in counts:
            train, test = order, ("test", "test", np.arange(counts["test"]))
        else:
            n_test = round(self.test_fraction * count)
            if not 1 <= n_test < count:
                remedy = "data.test_fraction=0.5" if count > 1 else "another data.path, with at least two images"
                raise UserError(
                    f"data.test_fraction={self.test_fraction:g}: leaves {count - n_test} of {count} images to train and "
                    f"{n_test} to test; both need at least one; try: {remedy}"
                )
            order = np.random.RandomState(self.seed).permutation(count)
            train, test = order[n_test:], ("test", key, order[:n_test])
        if self.n_train is not None:
            checks.between("n_train", self.n_train, 1, len(train), f"the training images of {self.path.name}")
        valid = ("valid", "valid", np.arange(counts["valid"])) if "valid" in counts else ("valid", key, order[:0])
        return [("train", key, train[: self.n_train]), valid, test]

    def _labels(self, key: str, arrays: dict[str, np.ndarray], count: int) -> np.ndarray:
        name = _label_of(key)
        label = arrays.get(name)
        if label is None:
            return np.zeros(count, np.int64)
        if label.shape == (count, 1):
            label = label[:, 0]
        if label.shape != (count,) or label.dtype.kind not in "iub":
            raise self._refusal(
                f"{name} is {label.dtype} {label.shape}; allowed: {count} integers, one for each image; "
                f"try: {_label_remedy(label, count)}"
            )
        if label.size and label.dtype.kind == "u" and label.max() >= 1 << 63:
            raise self._refusal(
                f"{name} is {label.dtype} up to {label.max()}; allowed: integers below 2^63; "
                "try: numpy.unique(y, return_inverse=True)[1]"
            )
        return label.astype(np.int64)

    def _split(self, name: str, key: str, array: np.ndarray, label: np.ndarray, index: np.ndarray, kind: Kind) -> Split:
        x = np.empty((len(index), int(np.prod(array.shape[1:]))), np.float32)
        step = max(1, CHUNK // max(1, x.shape[1]))
        for start in range(0, len(index), step):
            part = x[start : start + step]
            with np.errstate(over="ignore"):  # a value that overflows float32 is refused below
                part[:] = array[index[start : start + step]].reshape(len(part), -1)
            finite = np.isfinite(part).all(1)
            if not finite.all():
                row = int(index[start + np.flatnonzero(~finite)[0]])
                raise self._refusal(not_finite(key, row, array[row]))
            if kind == "bytes" and self.dequantise is None:
                part /= np.float32(self.scale)
        if kind == "bytes" and self.dequantise is not None:
            x = dequantise(x, 256, name)
        return Split(x, label[index])

    def _describe(
        self, own: OwnArrays, shape: ImageShape, kind: Kind, images: dict[str, np.ndarray], splits: Splits
    ) -> _Facts:
        if self.dequantise is not None and kind != "bytes":
            raise UserError(
                f"data.dequantise={self.dequantise}: {self.path} holds no grey levels; allowed: null; "
                "try: data.values=bytes, if they are"
            )
        dtype = next(iter(images.values())).dtype
        convention = {
            "bits": TargetConvention("binary", description="binary, as given"),
            "bytes": TargetConvention("grey", self.scale) if self.dequantise is None else dequantised_convention(256),
            "real": TargetConvention("real", description=f"{dtype}, as given"),
        }[kind]
        if self.colour:
            convention = replace(convention, remark=", ".join(filter(None, (convention.remark, "in colour"))))
        used = [split.x for split in splits if len(split.x)]
        low, high = min(float(x.min()) for x in used), max(float(x.max()) for x in used)
        sizes = ", ".join(f"{len(split.x):,} {name}" for name, split in splits._asdict().items() if len(split.x))
        lacking = [key for key in images if _label_of(key) not in own.arrays]
        labels = _labels_in_words(splits, list(images), lacking)
        pixels = " x ".join(map(str, shape)) if shape[0] > 1 else counted(shape[1], "column")
        taken = str(convention) if kind == "real" else f"{dtype} taken as {convention}"
        description = (
            f"{self.path.name}, {own.source}: {sizes} of {pixels}, {taken}, from {low:.4g} to {high:.4g}, {labels}"
        )
        return _Facts(shape, convention, low, high, description, labelled=not lacking)


def _labels_in_words(splits: Splits, keys: list[str], lacking: list[str]) -> str:
    # keys: of the arrays of images; lacking: those of them that have no labels.
    if len(lacking) == len(keys):
        return "no labels"
    whole = "x" if "x" in keys else "train"  # the array of a split that has none of its own
    parts = [
        split.label for name, split in splits._asdict().items() if (name if name in keys else whole) not in lacking
    ]
    classes = np.unique(np.concatenate(parts))
    labels = f"labels {classes[0]}..{classes[-1]} in {counted(len(classes), 'class', 'classes')}"
    return f"{labels}, none of {' and '.join(lacking)}" if lacking else labels


def _label_remedy(label: np.ndarray, count: int) -> str:
    # numpy.unique numbers the classes of one label for each image; of more or fewer values it makes no such labels.
    if label.shape[:1] != (count,) or label.ndim > 2 or 0 in label.shape:
        return f"a label for each of the {count} images"
    return "y.argmax(1)" if label.ndim == 2 else "numpy.unique(y, return_inverse=True)[1], if these are classes"


def _label_of(key: str) -> str:
    return "label" if key == "x" else f"{key}_label"
