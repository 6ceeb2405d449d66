"""A .pt file: a tensor, a dictionary of tensors, or the pair (x, label), read with weights_only.

Torch is imported here only, when such a file is read.
"""

import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from aevb.data.array_sizes import FLOAT32, check_fits
from aevb.errors import UserError

__all__ = ["is_torch_archive", "read_torch"]

HOLDS = "a tensor, a dictionary of tensors, or (x, label)"


def is_torch_archive(file: IO[bytes]) -> bool:
    """Return whether an open zip archive is one of torch.save; the position in the file is kept.

    Args:
        file: The open file.
    """
    try:
        names = zipfile.ZipFile(file).namelist()
    except zipfile.BadZipFile:
        names = []
    file.seek(0)
    return any(name.endswith("/data.pkl") for name in names)


def read_torch(path: Path) -> dict[str, np.ndarray]:
    """Read a .pt file without executing anything in it.

    Args:
        path: The file.

    Returns:
        The arrays by key; a single tensor is `x`. Types that numpy lacks, as bfloat16, become float32.

    Raises:
        UserError: If the file holds something else than tensors.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it checks of a sparse tensor
            held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises UnpicklingError, RuntimeError, KeyError, ... for what it refuses
        raise UserError(
            f"a .pt file that holds more than tensors, or is damaged; allowed: {HOLDS}; try: torch.save(x, 'mine.pt')"
        ) from error
    if isinstance(held, list | tuple) and len(held) in (1, 2):
        held = dict(zip(("x", "label"), held, strict=False))
    many = isinstance(held, list | tuple) and len(held) > 0 and all(isinstance(value, torch.Tensor) for value in held)
    if isinstance(held, torch.Tensor):
        held = {"x": held}
    if not isinstance(held, dict) or not held or not all(isinstance(value, torch.Tensor) for value in held.values()):
        x = "torch.stack(x)" if many else "x"
        raise UserError(
            f"a .pt file that holds {type(held).__name__}; allowed: {HOLDS}; try: torch.save({x}, 'mine.pt')"
        )
    return {str(key): _array(value) for key, value in held.items()}


def _array(tensor: Any) -> np.ndarray:
    check_fits(tensor.numel() * max(tensor.element_size(), FLOAT32))  # a sparse one may be as large as it likes
    tensor = tensor.detach().resolve_conj().to_dense()
    try:
        return tensor.numpy()
    except (TypeError, RuntimeError):
        return tensor.float().numpy()
