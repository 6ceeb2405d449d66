"""The arguments of the methods of a trained model: arrays of images and labels become the rows of the model."""

import math
import operator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aevb.errors import UserError
from aevb.evaluation.loading import LoadedRun

__all__ = ["ModelInputs", "integer", "like", "seed_of", "tensor"]

INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


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

    def for_labels(self, px_z: Any, y: Any, leading: tuple[int, ...]) -> Any:
        """Return p(x|z), in a conditional model that for labels.

        Args:
            px_z: What the decoder returned.
            y: Labels, integers of the shape `leading`, or one for all.
            leading: The shape of z without its last axis.

        Raises:
            UserError: If the labels do not fit the model.
        """
        if self.num_classes is None:
            self.refuse_labels("y", y)
            return px_z
        return px_z.for_labels(self.one_hot(y, leading))

    def one_hot(self, y: Any, leading: tuple[int, ...]) -> Tensor:
        """Return one-hot vectors, (*leading, C).

        Args:
            y: Labels, integers of the shape `leading`, or one for all.
            leading: The shape of the images without their pixels.

        Raises:
            UserError: If the labels are missing, are no integers, or are out of range.
        """
        classes = self.num_classes
        assert classes is not None
        allowed = f"integers from 0 to {classes - 1}, one for each image; try: y=numpy.zeros({tuple(leading)}, int)"
        if y is None:
            raise UserError(f"y: missing, and {self.name} is a conditional model; allowed: {allowed}")
        label = torch.as_tensor(_native(np.asarray(y)) if not isinstance(y, Tensor) else y.cpu())
        integers = label.dtype in INTEGERS
        if not integers or (label.numel() and (label.min() < 0 or label.max() >= classes)):
            shown = f"{label.min()} to {label.max()}" if integers else str(label.dtype)
            raise UserError(f"y: {shown}; allowed: {allowed}")
        if label.ndim and label.shape != tuple(leading):
            raise UserError(f"y: shape {tuple(label.shape)}; allowed: {allowed}")
        return torch.nn.functional.one_hot(label.long().expand(leading), classes).to(self.dtype)

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
                f"as the run {self.name} was trained; try: x.reshape(-1, {self.data_dim})"
            )
        if not torch.isfinite(images).all():
            raise UserError("x: nan or infinite values; allowed: finite numbers; try: numpy.isfinite(x).all()")
        self._check_levels(x, images)
        return images

    def _check_levels(self, x: Any, images: Tensor) -> None:
        if images.numel() == 0:
            return
        trained_on = self.targets
        integers = x.dtype.kind in "iu" if isinstance(x, np.ndarray) else torch.as_tensor(x).dtype in INTEGERS
        bytes_given = integers and images.max() > 1 and (trained_on is None or trained_on.kind != "real")
        bounded = self.likelihood == "bernoulli"
        if bytes_given or (bounded and (images.min() < 0 or images.max() > 1)):
            scale = trained_on.scale if trained_on is not None else None
            remedy = f"x / {scale}" if scale is not None else "the values of the run's test().x"
            raise UserError(
                f"x: values from {images.min():g} to {images.max():g}; allowed: the scale that the run was trained on, "
                f"{trained_on or 'as in its data'}; try: {remedy}"
            )


def tensor(value: Any, name: str, dtype: torch.dtype) -> Tensor:
    """Return an array of numbers as a tensor on the CPU.

    Args:
        value: A numpy array, a tensor, or nested lists.
        name: The argument, for the message.
        dtype: The type of the tensor.

    Raises:
        UserError: If it is no array of numbers.
    """
    try:
        if isinstance(value, np.ndarray) and (min(value.strides, default=0) < 0 or not value.flags.writeable):
            value = value.copy()  # torch takes neither
        array = torch.as_tensor(_native(value) if isinstance(value, np.ndarray) else value)
        if array.is_complex():
            raise UserError(f"{name}: complex numbers; allowed: real numbers; try: {name}.real")
        return array.detach().to("cpu", dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{name}: {type(value).__name__} is no array of numbers; allowed: a numpy array or a tensor"
        ) from error


def _native(array: np.ndarray) -> np.ndarray:
    # Files of other machines are often big-endian, which torch does not take.
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


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


def like(value: Tensor, template: Any) -> Any:
    """Return a tensor as what the caller gave: a tensor on the same device, or a numpy array.

    Args:
        value: The tensor.
        template: What the caller gave.
    """
    return value.to(template.device) if isinstance(template, Tensor) else value.numpy()
