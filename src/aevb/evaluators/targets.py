"""The images that an evaluator receives, and the floating-point type of a run."""

from typing import Any

import torch

from aevb.data.dataset import Split
from aevb.noise import RowNoise

__all__ = ["float_type", "targets"]


def float_type(settings: dict[str, Any]) -> torch.dtype:
    """Return the floating-point type of a run.

    Args:
        settings: The config of the run.

    Returns:
        torch.float32 or torch.float64.
    """
    return {32: torch.float32, 64: torch.float64}[settings["trainer"]["precision"]]


def targets(split: Split, dynamic: bool, seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Return the images on which a split is evaluated.

    The targets of a dynamic data set are drawn once, each image from a random stream of its own, so all
    evaluations with the same seed use the same targets.

    Args:
        split: The split.
        dynamic: Whether the binary targets are drawn from the grey levels.
        seed: The seed of the draws.
        dtype: The floating-point type.

    Returns:
        The targets, (n, D).
    """
    x = torch.from_numpy(split.x).to(dtype)
    return (RowNoise(seed, "targets", range(len(x))).uniform(tuple(x.shape), dtype) < x).to(dtype) if dynamic else x
