"""The arguments of the methods of a trained model: arrays of images and labels become the rows of the model."""

import math
import operator
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.evaluation.arrays import tensor
from aevb.evaluation.loading import LoadedRun

__all__ = ["ModelInputs", "integer", "seed_of"]


class ModelInputs:
    """What the model of a run takes.

    Args:
        run: The finished run.
        dtype: The floating-point type of the run.
    """

    def __init__(self, run: LoadedRun, dtype: torch.dtype) -> None:
        self.name, self.shape, self.num_classes, self.dtype = run.directory.name, run.shape, run.classes, dtype
        self.data_dim = math.prod(run.shape)
        self.targets, self.likelihood = run.targets, run.model.likelihood

    def rows(self, x: Any, y: Any) -> Tensor:
        """Return images, in a conditional model with their labels behind the pixels.

        Args:
            x: Images, (..., D) or (..., rows, columns).
            y: Labels, integers (...); None for a model that is not conditional.

        Returns:
            (..., D) or (..., D + C).

        Raises:
            UserError: If the shapes or values do not fit the model.
        """
        images = self.images(x)
        if self.num_classes is None:
            self.refuse_labels("y", y)
            return images
        return torch.cat([images, self.one_hot(y, images.shape[:-1])], -1)

    def for_labels(self, px_z: Any, y: Any, leading: tuple[int, ...], name: str = "y") -> Any:
        """Return p(x|z), in a conditional model that for labels.

        Args:
            px_z: What the decoder returned.
            y: Labels, integers of the shape `leading`, or one for all.
            leading: The shape of z without its last axis.
            name: The argument, for the message.

        Raises:
            UserError: If the labels do not fit the model.
        """
        if self.num_classes is None:
            self.refuse_labels(name, y)
            return px_z
        return px_z.for_labels(self.one_hot(y, leading, name))

    def count(self, labels: Any) -> int:
        """Return how many images labels ask for.

        Args:
            labels: Integers (n,), or one; 1 for what is no array, which is refused when it is used.

        Raises:
            UserError: If there are none.
        """
        try:
            count = labels.numel() if isinstance(labels, Tensor) else int(np.size(labels))
        except ValueError:  # rows of different lengths
            return 1
        if not count:
            raise UserError("labels: empty; allowed: one label or more; try: labels=[0]")
        return count

    def one_hot(self, y: Any, leading: tuple[int, ...], name: str = "y") -> Tensor:
        """Return one-hot vectors, (*leading, C).

        Args:
            y: Labels, integers of the shape `leading`, or one for all.
            leading: The shape of the images without their pixels.
            name: The argument, for the message.

        Raises:
            UserError: If the labels are missing, are no integers, or are out of range.
        """
        classes = self.num_classes
        assert classes is not None
        allowed = (
            f"integers from 0 to {classes - 1}, one for each image; try: {name}=numpy.zeros({tuple(leading)}, int)"
        )
        if y is None:
            raise UserError(f"{name}: missing, and {self.name} is a conditional model; allowed: {allowed}")
        try:
            label = y.detach().cpu().numpy() if isinstance(y, Tensor) else np.asarray(y)
        except (TypeError, ValueError, RuntimeError) as error:  # rows of different lengths, for example
            raise UserError(f"{name}: {type(y).__name__} is no array of integers; allowed: {allowed}") from error
        empty = label.size == 0 and label.dtype.kind == "f"  # numpy takes an empty list for one of floats
        integers = empty or label.dtype.kind in "iu"
        if not integers or (label.size and (label.min() < 0 or label.max() >= classes)):
            shown = f"{label.min()} to {label.max()}" if integers else str(label.dtype)
            raise UserError(f"{name}: {shown}; allowed: {allowed}")
        if label.ndim and label.shape != tuple(leading):
            raise UserError(f"{name}: shape {tuple(label.shape)}; allowed: {allowed}")
        index = torch.from_numpy(label.astype(np.int64)).expand(leading)
        return torch.nn.functional.one_hot(index, classes).to(self.dtype)

    def refuse_labels(self, name: str, labels: Any) -> None:
        """Refuse labels for a model that is not conditional.

        Args:
            name: The argument.
            labels: Its value.

        Raises:
            UserError: If it is not None.
        """
        if labels is not None:
            remedy = f"samples={labels}" if name == "y" and isinstance(labels, int) else f"leave {name} out"
            raise UserError(
                f"{name}: given, and {self.name} is not a conditional model; allowed: no labels; try: {remedy}"
            )

    def images(self, x: Any) -> Tensor:
        """Return images as rows of pixels.

        Args:
            x: Images, (..., D) or (..., rows, columns).

        Returns:
            (..., D).

        Raises:
            UserError: If the shape or the values do not fit the model.
        """
        images = tensor(x, "x", self.dtype)
        axes = len(self.shape)
        if images.shape[-axes:] == self.shape and images.shape[-1] != self.data_dim:
            images = images.flatten(-axes)
        if images.shape[-1:] != (self.data_dim,):
            sides = ", ".join(map(str, self.shape))
            raise UserError(
                f"x: shape {tuple(images.shape)}; allowed: (..., {self.data_dim}) or (..., {sides}), "
                f"as the run {self.name} was trained; try: {self._arranged(x, images)}"
            )
        if not torch.isfinite(images).all():
            raise UserError("x: nan or infinite values; allowed: finite numbers; try: numpy.isfinite(x).all()")
        self._check_levels(x, images)
        return images

    def warn_of_grey(self, images: Tensor) -> None:
        """Warn that log p(x) of grey levels is no log-mass where the targets of the run are binary.

        Args:
            images: What `rows` returned.
        """
        if self.likelihood != "bernoulli" or self.targets is None or self.targets.kind not in ("binary", "dynamic"):
            return
        if bool(((images != 0) & (images != 1)).any()):
            warnings.warn(
                f"x: grey levels, and the targets of {self.name} are binary: log p(x) is no log-mass, and not comparable with the "
                "numbers of the run; allowed: 0 and 1; try: run.test().x, or numpy.random.default_rng(0).random(x.shape) < x",
                UserWarning,
                stacklevel=3,  # the line of the caller of log_px
            )

    def _arranged(self, x: Any, images: Tensor) -> str:
        """Return what makes images of another shape images of this run."""
        shape = tuple(images.shape)
        if len(self.shape) == 3 and shape[-3:] == (3, *self.shape[:2]):  # as torch has them
            return "x.movedim(-3, -1)" if isinstance(x, Tensor) else "numpy.moveaxis(x, -3, -1)"
        if shape[-3:] == (*self.shape, 1):
            return "x[..., 0]"
        if any(math.prod(shape[axis:]) == self.data_dim for axis in range(len(shape))):
            return f"x.reshape(-1, {self.data_dim})"
        return "images of the size of the run's test().x"

    def _check_levels(self, x: Any, images: Tensor) -> None:
        if images.numel() == 0:
            return
        trained_on = self.targets
        # Pixels that were converted to floats are still bytes.
        levels = trained_on is not None and trained_on.kind != "real" and bool((images == images.round()).all())
        floats = x.is_floating_point() if isinstance(x, Tensor) else np.asarray(x).dtype.kind == "f"
        integers = trained_on is None and not floats
        bytes_given = (levels or integers) and bool(images.max() > 1)
        bounded = self.likelihood == "bernoulli"
        if bytes_given or (bounded and (images.min() < 0 or images.max() > 1)):
            scale = trained_on.scale if trained_on is not None else None
            remedy = f"x / {scale}" if scale is not None else "the values of the run's test().x"
            raise UserError(
                f"x: values from {images.min():g} to {images.max():g}; allowed: the scale that the run was trained on, "
                f"{trained_on or 'as in its data'}; try: {remedy}"
            )


def integer(name: str, value: Any, example: int, low: int = 1, high: int | None = None) -> int:
    """Return an integer argument.

    Args:
        name: The argument, for the message.
        value: Its value: an integer of Python or numpy.
        example: A value that is allowed, for the message.
        low: The lowest value that is allowed.
        high: The highest one; None for no limit.

    Raises:
        UserError: If it is no integer, or out of range.
    """
    try:
        number = operator.index(value)
    except TypeError:
        wrong = "no integer"
    else:
        if low <= number and (high is None or number <= high):
            return number
        wrong = "out of range"
    allowed = f"an integer >= {low}" if high is None else f"an integer from {low} to {high}"
    raise UserError(f"{name}={value}: {wrong}; allowed: {allowed}; try: {name}={example}")


def seed_of(value: Any) -> int:
    """Return the argument `seed`.

    Args:
        value: Its value.

    Raises:
        UserError: If it is no integer of 32 bits.
    """
    return integer("seed", value, 0, low=0, high=2**32 - 1)
