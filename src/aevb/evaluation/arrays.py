"""Arrays of a caller as tensors, and tensors as what the caller has."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from aevb.errors import UserError

__all__ = ["like", "tensor"]


def tensor(value: Any, name: str, dtype: torch.dtype) -> Tensor:
    """Return an array of numbers as a tensor on the CPU.

    Args:
        value: A tensor, an array, or what numpy makes an array of: nested lists, a table of pandas.
        name: The argument, for the message.
        dtype: The type of the tensor.

    Raises:
        UserError: If it is no array of numbers.
    """
    try:
        array = value if isinstance(value, Tensor) else torch.as_tensor(_numbers(value), device="cpu")
        if array.layout != torch.strided:
            array = array.to_dense()
        if array.is_complex():
            raise UserError(f"{name}: complex numbers; allowed: real numbers; try: {name}.real")
        return array.detach().to("cpu", dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{name}: {type(value).__name__} is no array of numbers; allowed: a numpy array or a tensor; "
            f"try: numpy.asarray({name}, dtype=float)"
        ) from error


def _numbers(value: Any) -> np.ndarray:
    # Arrays, and what numpy makes one of: lists, tables of pandas, images of Pillow.
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise TypeError(array.dtype)
    if not array.dtype.isnative:  # files of other machines are often big-endian
        array = array.astype(array.dtype.newbyteorder("="))
    # torch takes neither a negative stride nor what is read-only.
    return array.copy() if min(array.strides, default=0) < 0 or not array.flags.writeable else array


def like(value: Tensor, template: Any) -> Any:
    """Return a tensor as what the caller gave: a tensor on the same device, or a numpy array.

    Args:
        value: The tensor.
        template: What the caller gave.
    """
    return value.to(template.device) if isinstance(template, Tensor) else value.numpy()
