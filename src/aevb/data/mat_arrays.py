"""Matrices of a MATLAB file, whose names and shapes are checked before anything is unpacked."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from aevb.errors import UserError

__all__ = ["read_matrices"]

LIMIT = 1 << 28
"""Size of a file in bytes at most."""


def read_matrices(path: Path, shapes: Mapping[str, tuple[int, int]]) -> dict[str, np.ndarray]:
    """Read matrices of known shapes.

    Args:
        path: The file.
        shapes: The shape of each matrix by name.

    Returns:
        The matrices by name.

    Raises:
        UserError: If the file is damaged, or holds other matrices.
    """
    from scipy.io import loadmat, whosmat

    remedy = "try: delete it to download it again, or put a good copy there"
    try:
        if path.stat().st_size > LIMIT:
            raise ValueError(f"more than {LIMIT:,} bytes")
        held = {name: shape for name, shape, _ in whosmat(path)}
        wrong = {name: held.get(name) for name, shape in shapes.items() if held.get(name) != shape}
        if wrong:
            text = ", ".join(f"{name} {'missing' if shape is None else shape}" for name, shape in wrong.items())
            raise ValueError(f"{text}; expected {', '.join(f'{name} {shapes[name]}' for name in wrong)}")
        matrices = loadmat(path, variable_names=list(shapes))
        if not all(np.issubdtype(matrices[name].dtype, np.number) for name in shapes):
            raise ValueError("not all matrices are numbers")
    except Exception as error:  # scipy raises many errors for a damaged file
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path}: altered or truncated ({reason}); {remedy}") from error
    return {name: np.asarray(matrices[name]) for name in shapes}
